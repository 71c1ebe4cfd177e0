"""`interject crd`."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from media_pod.cli import cli
from media_pod.errors import SetupError
from media_pod.manifest.crd.definition import as_text, definition
from media_pod.manifest.crd.reference import as_markdown


@pytest.mark.parametrize(
    ("options", "name", "text"),
    [
        ((), "voiceagents.interject.dev.yaml", as_text(definition())),
        (("--docs",), "voiceagent.md", as_markdown()),
    ],
)
def test_it_prints_or_writes(
    options: tuple[str, ...], name: str, text: str, tmp_path: Path
) -> None:
    printed = CliRunner().invoke(cli, ["crd", *options])
    assert (printed.exit_code, printed.output) == (0, text)
    written = CliRunner().invoke(cli, ["crd", *options, "--out", str(tmp_path / "new")])
    assert (written.exit_code, written.output) == (0, "")
    assert (tmp_path / "new" / name).read_text(encoding="utf-8") == text


def test_a_folder_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    failed = CliRunner().invoke(cli, ["crd", "--out", str(tmp_path / "file")])
    assert isinstance(failed.exception, SetupError)
    assert str(failed.exception) == (
        f"{tmp_path}/file/voiceagents.interject.dev.yaml: File exists; give another folder"
    )
