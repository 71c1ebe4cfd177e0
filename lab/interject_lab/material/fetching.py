"""Fetches a corpus from Debian's package archive: one folder per package, and their catalogue.

A package is downloaded by `apt-get download` and unpacked by `dpkg-deb -x`, which need no root;
its clips become FLAC files at up to 16 kHz. Its list is written last: a package without one is
fetched again by the next run.
"""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import soundfile

from interject_lab.errors import LabError
from interject_lab.material.clips import CATALOGUE, Clip, read_catalogue, write_catalogue
from interject_lab.material.containers import Source, decoded, entries
from interject_lab.material.packages import PACKAGES, Package, Rule
from interject_lab.network.levels import SILENCE_DBFS
from media_pod.errors import SetupError

DOWNLOAD_TIMEOUT_S: Final = 900
_MIN_SECONDS: Final = 0.05
_SILENCE: Final = 10 ** (SILENCE_DBFS / 20)
"""Peak of a file that has no sound: packages have some to mark where nothing is said."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a package gave."""

    clips: int
    unreadable: int
    silent: int
    """Or shorter than 50 ms."""
    speakers: int
    minutes: float


def fetch(folder: Path, names: Sequence[str], say: Callable[[str], None]) -> list[str]:
    """Fetch packages into `folder`, write its catalogue and return the failures, one line each.

    Args:
        folder: made if missing; packages that it has already are kept.
        names: of `PACKAGES`.
        say: told about each package.

    Raises:
        SetupError: a program is missing, or `folder` cannot be written.
    """
    for program in ("apt-get", "dpkg-deb"):
        if shutil.which(program) is None:
            raise SetupError(
                f"no {program} on this machine: run this on Debian or Ubuntu, for example in a"
                " container, and copy the folder"
            )
    failures: list[str] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            if (folder / name / CATALOGUE).exists():
                say(f"{name}: there already")
                continue
            try:
                found = _fetch_package(PACKAGES[name], folder)
            except LabError as error:
                failures.append(f"{name}: {error}")
                say(failures[-1])
                continue
            say(
                f"{name}: {found.clips} clips, {found.minutes:.1f} minutes,"
                f" {found.speakers} speakers; left out {found.unreadable} unreadable and"
                f" {found.silent} silent"
            )
        _write_whole_catalogue(folder)
    except OSError as error:
        raise SetupError(f"cannot write {folder}: {error.strerror}; give another folder") from error
    return failures


def _fetch_package(package: Package, folder: Path) -> Fetched:
    with tempfile.TemporaryDirectory(dir=folder, prefix=f".{package.name}-") as temporary:
        work = Path(temporary)
        _run(["apt-get", "download", "--quiet", package.name], work, "run apt-get update first")
        archives = sorted(work.glob("*.deb"))
        if not archives:
            raise LabError("apt-get downloaded no .deb file; run apt-get update first")
        _run(["dpkg-deb", "-x", archives[0].name, "unpacked"], work, "fetch it again")
        version = archives[0].name.split("_")[1].replace("%3a", ":")
        return _convert(package, version, work / "unpacked", folder)


def _convert(package: Package, version: str, root: Path, folder: Path) -> Fetched:
    """Write the clips of an unpacked package, and its list."""
    home = folder / package.name
    shutil.rmtree(home, ignore_errors=True)
    clips: list[Clip] = []
    unreadable, silent, seconds = 0, 0, 0.0
    for name, source, rule, match in _matching(package, root):
        try:
            samples, rate_hz = decoded(source, rule.headerless)
        except soundfile.LibsndfileError:
            unreadable += 1
            continue
        if samples.size < _MIN_SECONDS * rate_hz or np.max(np.abs(samples)) < _SILENCE:
            silent += 1
            continue
        # The old suffix stays: some packages have the same word as .ogg and as .wav.
        path = home / f"{name.removeprefix('usr/share/')}.flac"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, samples, rate_hz, format="FLAC", subtype="PCM_16")
        seconds += samples.size / rate_hz
        clips.append(
            Clip(
                file=str(path.relative_to(folder)),
                kind=rule.kind,
                speaker=match.expand(rule.speaker),
                in_the_field=rule.in_the_field,
                licence=package.licence,
                source=f"Debian {package.name} {version}: {name}",
            )
        )
    if not clips:
        raise LabError(f"version {version} has no file that the rules know: report this")
    write_catalogue(home / CATALOGUE, clips)
    speakers = len({clip.speaker for clip in clips if clip.speaker})
    return Fetched(len(clips), unreadable, silent, speakers, seconds / 60)


def _matching(package: Package, root: Path) -> Iterator[tuple[str, Source, Rule, re.Match[str]]]:
    for name, source in entries(package, root):
        for rule in package.rules:
            match = rule.pattern.fullmatch(name)
            if match:
                yield name, source, rule, match
                break


def _write_whole_catalogue(folder: Path) -> None:
    lists = sorted(folder.glob(f"*/{CATALOGUE}"))
    write_catalogue(folder / CATALOGUE, [clip for path in lists for clip in read_catalogue(path)])


def _run(command: Sequence[str], folder: Path, next_step: str) -> None:
    try:
        subprocess.run(  # noqa: S603  with names of packages.py alone
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
            stdin=subprocess.DEVNULL,
            timeout=DOWNLOAD_TIMEOUT_S,
        )
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout).strip().splitlines() or ["no message"]
        raise LabError(f"{command[0]}: {said[-1]}; {next_step}") from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{command[0]}: not done after {DOWNLOAD_TIMEOUT_S} s; try again") from error
