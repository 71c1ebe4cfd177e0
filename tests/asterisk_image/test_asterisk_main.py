"""Commands of the image: output, and one line with exit code 2 for errors."""

from pathlib import Path

import fake_asterisk
import pytest

from asterisk_config import environment
from asterisk_config.__main__ import main


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Isolates the tests from the environment of this machine."""
    monkeypatch.setattr(environment, "USUAL_FILE", tmp_path / "none.yaml")
    for name in ("VALUES", "API", "SIP_PORT", "RTP_PORTS", "EXTERNAL_ADDRESS"):
        monkeypatch.delenv(f"INTERJECT_{name}", raising=False)


def test_rendered_files_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    out = tmp_path / "new" / "etc"
    assert main(["render", "--out", str(out)]) == 0
    assert {"asterisk.conf", "extensions.conf", "pjsip.conf"} <= {p.name for p in out.iterdir()}
    assert {path.stat().st_mode & 0o777 for path in out.iterdir()} == {0o600}


def test_an_invalid_value_is_one_line_and_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INTERJECT_SIP_PORT", "no")
    assert main(["render", "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        "INTERJECT_SIP_PORT: found 'no'; allowed: a port from 1 to 65535\n"
    )


def test_a_folder_that_cannot_be_written_is_one_line_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert main(["render", "--out", str(tmp_path / "file" / "etc")]) == 2
    assert capsys.readouterr().err == (
        f"{tmp_path}/file/etc: cannot be written (Not a directory); mount a writable folder\n"
    )


def test_a_missing_certificate_is_one_line_and_asterisk_is_not_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    values = tmp_path / "asterisk.yaml"
    values.write_text("sip: {tls: {certificate: /nowhere/tls.crt, key: /nowhere/tls.key}}\n")
    monkeypatch.setenv("INTERJECT_VALUES", str(values))
    places = fake_asterisk.make(tmp_path, "")
    assert main(["run", "--tree", str(tmp_path / "tree"), "--work", str(places.etc.parent)]) == 2
    assert capsys.readouterr().err == (
        "sip.tls.certificate: /nowhere/tls.crt cannot be read (No such file or directory); "
        "mount it there\n"
    )
    assert not (places.etc.parent / "calls").exists()


def test_modules_are_listed_one_per_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["modules"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {"chan_pjsip", "res_srtp", "res_prometheus"} <= set(lines)
    assert lines == sorted(set(lines))


def test_the_snippet_is_written_to_standard_output(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INTERJECT_API", "pod:1650")
    assert main(["snippet"]) == 0
    text = capsys.readouterr().out
    assert "\n[interject]\n" in text
    assert "Set(INTERJECT_APIS=pod:1650)" in text
