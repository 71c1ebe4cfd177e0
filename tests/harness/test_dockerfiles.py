"""What every image of the project keeps to, read from its Dockerfile."""

import fnmatch
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCKERFILES = ("asterisk-image/Dockerfile", "media_pod/Dockerfile", "operator/Dockerfile")
USER = "10001:10001"


@pytest.fixture(params=DOCKERFILES)
def steps(request: pytest.FixtureRequest) -> list[tuple[str, str]]:
    """Instructions with their arguments, in order."""
    text = re.sub(r"^#.*\n", "", (ROOT / request.param).read_text(), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines) if word]


def of(steps: list[tuple[str, str]], wanted: str) -> list[str]:
    return [rest for word, rest in steps if word == wanted]


def test_any_builder_can_build_it_on_a_base_of_one_s_choice(steps: list[tuple[str, str]]) -> None:
    assert {base.partition(" ")[0] for base in of(steps, "FROM")} == {"${BASE_IMAGE}"}
    for command in of(steps, "RUN"):
        assert not command.startswith("--"), "BuildKit alone knows options of RUN"
        assert "<<" not in command, "BuildKit alone knows texts within a Dockerfile"


def test_it_runs_without_root_and_hears_signals_itself(steps: list[tuple[str, str]]) -> None:
    final = max(n for n, (word, _) in enumerate(steps) if word == "FROM")
    assert of(steps[final:], "USER") == [USER]
    assert of(steps[final:], "STOPSIGNAL") == ["SIGTERM"]
    assert of(steps[final:], "ENTRYPOINT")[0].startswith('["'), "a shell would keep the signal"
    labels = of(steps[final:], "LABEL")[0]
    for label in ("title", "description", "licenses"):
        assert f"org.opencontainers.image.{label}=" in labels


def test_what_builds_it_stays_behind_and_runs_leave_nothing_that_differs(
    steps: list[tuple[str, str]],
) -> None:
    final = max(n for n, (word, _) in enumerate(steps) if word == "FROM")
    assert final > 1, "one stage alone keeps what builds it"
    for command in of(steps[final:], "RUN"):
        words = command.split()
        assert not {"binutils", "g++", "gcc", "python3-dev", "python3-venv", "pip"}.intersection(
            words
        )
        if "apt-get" in words:
            for left in ("/var/lib/apt/lists/*", "/var/log/*", "/var/cache/ldconfig/aux-cache"):
                assert left in words
    compiled = " ".join(of(steps[:final], "RUN"))
    assert "compileall -q --invalidation-mode unchecked-hash" in compiled, "its root is read-only"


def test_another_revision_shares_all_layers_with_the_one_before(
    steps: list[tuple[str, str]],
) -> None:
    assert [word for word, _ in steps[-3:]] == ["ARG", "ARG", "LABEL"]
    given = {argument.partition("=")[0] for argument in of(steps[-3:], "ARG")}
    assert given == {"VERSION", "REVISION"}
    for label, argument in (("version", "VERSION"), ("revision", "REVISION")):
        assert f'org.opencontainers.image.{label}="${{{argument}}}"' in steps[-1][1]


def test_what_it_copies_is_there_and_is_sent_to_the_builder(steps: list[tuple[str, str]]) -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert ignored[0] == "*"
    sent = [line[1:] for line in ignored if line.startswith("!")]
    for copied in of(steps, "COPY"):
        if copied.startswith("--from="):
            continue
        for source in copied.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert any(fnmatch.fnmatch(source, f"{name}*") for name in sent), source
