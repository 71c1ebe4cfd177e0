"""What Dockerfiles copy reaches the builder: an image build takes minutes to find that out."""

import fnmatch
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCKERFILES = ("asterisk-image/Dockerfile", "media_pod/Dockerfile", "operator/Dockerfile")


@pytest.mark.parametrize("dockerfile", DOCKERFILES)
def test_any_user_id_has_a_home(dockerfile: str) -> None:
    """Libraries ask for it when they are imported, and fail for a user that no passwd file has."""
    *_, last = re.split(r"^FROM ", (ROOT / dockerfile).read_text(), flags=re.MULTILINE)
    assert re.search(r"^ENV .*\bHOME=/( |$)", last, re.MULTILINE)


def test_the_folder_that_asterisk_writes_is_writable_for_group_0() -> None:
    """OpenShift assigns any user ID, with group 0."""
    text = (ROOT / "asterisk-image" / "Dockerfile").read_text()
    assert "install -d -o 10001 -g 0 -m 0775 /run/asterisk" in text


@pytest.mark.parametrize("dockerfile", DOCKERFILES)
def test_what_it_copies_is_there_and_is_sent_to_the_builder(dockerfile: str) -> None:
    text = (ROOT / dockerfile).read_text().replace("\\\n", " ")
    copied = re.findall(r"^COPY (?!--from=)(.+) \S+$", text, flags=re.MULTILINE)
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert ignored[0] == "*"
    sent = [line[1:] for line in ignored if line.startswith("!")]
    assert copied
    for source in " ".join(copied).split():
        assert (ROOT / source).exists(), source
        assert any(fnmatch.fnmatch(source, f"{name}*") for name in sent), source
