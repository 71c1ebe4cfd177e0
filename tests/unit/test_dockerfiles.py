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
