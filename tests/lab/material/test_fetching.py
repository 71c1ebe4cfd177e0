import os
import re
import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from interject_lab.lab_commands import corpus
from interject_lab.material.clips import CATALOGUE, read_catalogue
from interject_lab.material.fetching import fetch
from interject_lab.material.packages import PACKAGES
from media_pod.errors import SetupError

KEYS, QUEEN = "bucklespring-data", "flight-of-the-amazon-queen"
TONE = (0.3 * np.sin(np.arange(4410) / 5)).astype(np.float32)

pytestmark = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="no dpkg-deb")


def build(archive: Path, name: str, root: Path) -> None:
    """Build NAME_1.0-1_all.deb, of the files below `root`, into `archive`."""
    control = f"Package: {name}\nVersion: 1.0-1\nArchitecture: all\n"
    control += "Maintainer: test <test@example.org>\nDescription: test\n"
    (root / "DEBIAN").mkdir()
    (root / "DEBIAN" / "control").write_text(control)
    archive.mkdir(exist_ok=True)
    made = archive / f"{name}_1.0-1_all.deb"
    command = ["dpkg-deb", "--build", "--root-owner-group", str(root), str(made)]
    subprocess.run(command, check=True, capture_output=True)


def with_keys(root: Path) -> Path:
    home = root / "usr/share/buckle/wav"
    home.mkdir(parents=True)
    soundfile.write(home / "01-0.wav", np.stack([TONE, 0 * TONE], axis=1), 44_100)
    soundfile.write(home / "01-1.wav", 0 * TONE, 44_100)
    (home / "02-0.wav").write_bytes(b"no audio")
    (root / "usr/share/buckle/readme").write_text("not a sound")
    return root


def with_queen(root: Path) -> Path:
    """The archive of a game: a header, a table of entries, and their bytes."""
    home = root / "usr/share/scummvm/flight-of-the-amazon-queen"
    home.mkdir(parents=True)
    soundfile.write(root / "line.wav", TONE, 11_025)
    audio = (root / "line.wav").read_bytes()
    names = [b"020001J1.SB", b"020001P1.SB", b"PICTURE.PCX"]
    start = 13 + 2 + 21 * len(names)
    table = [
        struct.pack(">12sBII", name, 0, start + index * len(audio), len(audio))
        for index, name in enumerate(names)
    ]
    content = b"QTBL" + bytes(9) + struct.pack(">H", len(names)) + b"".join(table)
    (home / "queen.1c").write_bytes(content + audio * len(names))
    (root / "line.wav").unlink()
    return root


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of .deb files that the `apt-get` on PATH downloads from."""
    folder, programs = tmp_path / "archive", tmp_path / "bin"
    programs.mkdir()
    stub = programs / "apt-get"
    stub.write_text(
        "#!/bin/sh\n"
        f'echo "$3" >> {tmp_path}/downloads\n'
        f'cp {folder}/"$3"_*.deb . 2>/dev/null && exit 0\n'
        'echo "E: Unable to locate package $3" >&2; exit 100\n'
    )
    stub.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    return folder


def test_a_package_becomes_flac_files_and_a_catalogue(tmp_path: Path, archive: Path) -> None:
    build(archive, KEYS, with_keys(tmp_path / "keys"))
    said: list[str] = []
    assert fetch(tmp_path / "corpus", [KEYS], said.append) == []
    (clip,) = read_catalogue(tmp_path / "corpus" / CATALOGUE)
    assert (clip.kind, clip.speaker, clip.licence) == ("keyboard", "", "GPL-2+")
    assert clip.source == "Debian bucklespring-data 1.0-1: usr/share/buckle/wav/01-0.wav"
    samples, rate_hz = soundfile.read(tmp_path / "corpus" / clip.file)
    assert (rate_hz, samples.ndim, samples.size) == (16_000, 1, 1600)
    assert np.max(samples) == pytest.approx(0.3, abs=0.02)
    assert "1 clips" in said[0]
    assert "left out 1 unreadable and 1 silent" in said[0]


def test_the_lines_of_a_game_are_told_apart_by_speaker(tmp_path: Path, archive: Path) -> None:
    build(archive, QUEEN, with_queen(tmp_path / "game"))
    assert fetch(tmp_path / "corpus", [QUEEN], print) == []
    clips = read_catalogue(tmp_path / "corpus" / CATALOGUE)
    assert [clip.speaker for clip in clips] == ["amazon-queen/joe", "amazon-queen/person-02"]
    assert {clip.split_name for clip in clips} == {"amazon-queen"}


def test_a_failing_package_costs_itself_alone_and_a_second_run_goes_on(
    tmp_path: Path, archive: Path
) -> None:
    build(archive, KEYS, with_keys(tmp_path / "keys"))
    failures = fetch(tmp_path / "corpus", [QUEEN, KEYS], print)
    assert failures == [
        f"{QUEEN}: apt-get: E: Unable to locate package {QUEEN}; run apt-get update first"
    ]
    build(archive, QUEEN, with_queen(tmp_path / "game"))
    assert fetch(tmp_path / "corpus", [QUEEN, KEYS], print) == []
    assert (tmp_path / "downloads").read_text().split() == [QUEEN, KEYS, QUEEN]
    clips = read_catalogue(tmp_path / "corpus" / CATALOGUE)
    assert {clip.kind for clip in clips} == {"keyboard", "caller"}


def test_the_command_lists_what_failed(tmp_path: Path, archive: Path) -> None:
    build(archive, KEYS, with_keys(tmp_path / "keys"))
    arguments = [str(tmp_path / "corpus"), "--only", KEYS, "--only", QUEEN]
    answer = CliRunner().invoke(corpus, arguments)
    assert isinstance(answer.exception, SetupError)
    assert re.match(f"1 of the packages failed.*{QUEEN}: apt-get", str(answer.exception))


def test_an_unknown_package_and_a_machine_without_apt_get_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = CliRunner().invoke(corpus, [str(tmp_path), "--only", "nothing"])
    assert answer.exit_code == 2
    assert "'nothing', expected one of flight-of-the-amazon-queen" in answer.output
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SetupError, match=r"no apt-get on this machine: run this on Debian"):
        fetch(tmp_path, [KEYS], print)


def test_the_rules_know_the_names_that_they_were_written_for() -> None:
    def found(package: str, name: str) -> tuple[str, str] | None:
        for rule in PACKAGES[package].rules:
            match = rule.pattern.fullmatch(name)
            if match:
                return rule.kind, match.expand(rule.speaker)
        return None

    sounds = "usr/share/asterisk/sounds"
    stamps = "usr/share/tuxpaint/stamps/animals"
    fish = "usr/share/games/fillets-ng/sound/cave/cs"
    core, tux = "asterisk-core-sounds-en-wav", "tuxpaint-stamps-default"
    assert found(core, f"{sounds}/en_US_f_Allison/hello.wav") == ("bot", "asterisk-Allison/en")
    assert found(core, f"{sounds}/en_US_f_Allison/digits/1.wav") is None
    assert found(tux, f"{stamps}/birds/owl_desc_fr.ogg") == ("caller", "tuxpaint-fr")
    assert found(tux, f"{stamps}/birds/owl_desc.ogg") == ("caller", "tuxpaint-en")
    assert found(tux, f"{stamps}/birds/rooster.ogg") == ("rooster", "")
    assert found("fillets-ng-data-cs", f"{fish}/jes-m-netopyr3.ogg") == (
        "caller",
        "fillets-cs/small-fish",
    )
    assert found("drascula", "usr/share/scummvm/drascula/en/BJ12.ALS") == (
        "caller",
        "drascula-en/cast-BJ",
    )
