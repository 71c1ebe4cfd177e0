"""When the images of tests on a cluster are built anew: a stale one would be tested instead."""

from pathlib import Path

import pytest

from rig.images import Dockerfile

DOCKERFILE = """\
ARG BASE_IMAGE=debian:bookworm-slim
FROM ${BASE_IMAGE} AS build
COPY --chmod=755 one.txt package/ \\
     /there/
FROM ${BASE_IMAGE}
COPY --from=build /there /here
"""


@pytest.fixture
def context(tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    (tmp_path / "package" / "deep").mkdir(parents=True)
    for name in ("one.txt", "package/a.py", "package/deep/b.py", "beside.txt"):
        (tmp_path / name).write_text("as it is\n")
    return tmp_path


def key(context: Path) -> str:
    return Dockerfile(context / "Dockerfile", context).key()


@pytest.mark.parametrize("name", ["Dockerfile", "one.txt", "package/a.py", "package/deep/b.py"])
def test_what_goes_into_an_image_makes_it_another(context: Path, name: str) -> None:
    before = key(context)
    with (context / name).open("a") as file:
        file.write("# more\n")
    assert key(context) != before


def test_a_file_that_is_made_executable_or_moved_makes_another_image(context: Path) -> None:
    keys = [key(context)]
    (context / "one.txt").chmod(0o755)
    keys.append(key(context))
    (context / "package" / "a.py").rename(context / "package" / "c.py")
    keys.append(key(context))
    assert len(set(keys)) == len(keys)


def test_what_does_not_go_in_does_not_matter(context: Path) -> None:
    before = key(context)
    (context / "beside.txt").write_text("changed\n")
    (context / "package" / "__pycache__").mkdir()
    (context / "package" / "__pycache__" / "a.pyc").write_text("made by a run\n")
    assert key(context) == before
