"""What an image's build sees of this machine: where its packages come from.

All of it is mounted while a build runs. Nothing of it is copied, so no image carries the address of
anybody's mirror, index or proxy.
"""

import configparser
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from urllib.request import url2pathname

from debian_packages import KEYRING, source

SEEN_AT: Final = "/run/interject-build"
"""Where a build finds folders of wheels and the certificates that the machine trusts."""
TRUSTED: Final = Path("/etc/ssl/certs/ca-certificates.crt")
APT_SETTINGS: Final = Path("/etc/apt/apt.conf.d")
PIP_FILES: Final = ("/etc/pip.conf", "~/.pip/pip.conf", "~/.config/pip/pip.conf")
PIP_INDEXES: Final = ("index-url", "extra-index-url", "trusted-host")
BESIDE: Final = Path(__file__).resolve().parents[3] / "shared" / "wheels"
"""Wheels beside the checkout, as scripts/setup.py takes them."""


def mounts(suite: str, folder: Path) -> list[str]:
    """Arguments for buildah. What has to be written for them goes into `folder`.

    Args:
        suite: of Debian, from which a build installs packages.

    Raises:
        NoDebianError: the machine has no mirror of Debian.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sources = folder / f"sources-{suite}"
    sources.mkdir(exist_ok=True)
    (sources / "debian.list").write_text(source(suite))
    # Beside the one above, what the image itself has must not count.
    (folder / "sources.list").write_text("")
    seen = {
        "/etc/apt/sources.list.d": sources,
        "/etc/apt/sources.list": folder / "sources.list",
        "/etc/apt/apt.conf.d": APT_SETTINGS,
        str(KEYRING): KEYRING,
        "/etc/pip.conf": folder / "pip.conf",
        f"{SEEN_AT}/trusted.crt": TRUSTED,
    }
    wheels = list(_wheels())
    seen |= {f"{SEEN_AT}/wheels-{n}": path for n, path in enumerate(wheels)}
    (folder / "pip.conf").write_text(_pip_settings(len(wheels)))
    return [f"--volume={path}:{at}:ro" for at, path in seen.items() if path.exists()]


def _pip_settings(wheels: int) -> str:
    """pip's configuration: this machine's, with folders where a build sees them."""
    here, inside = _pip(), configparser.RawConfigParser()
    inside["global"] = {key: here[key] for key in PIP_INDEXES if key in here}
    elsewhere = [link for link in here.get("find-links", "").split() if _folder(link) is None]
    links = [*elsewhere, *(f"{SEEN_AT}/wheels-{n}" for n in range(wheels))]
    if links:
        inside["global"]["find-links"] = " ".join(links)
    if TRUSTED.exists():
        inside["global"]["cert"] = f"{SEEN_AT}/trusted.crt"
    lines = [f"{key} = {value}" for key, value in inside["global"].items()]
    return "\n".join(["[global]", *lines, ""])


def _wheels() -> Iterator[Path]:
    folders = (_folder(link) for link in _pip().get("find-links", "").split())
    yield from (folder for folder in folders if folder is not None)
    if BESIDE.is_dir():
        yield BESIDE


def _pip() -> dict[str, str]:
    """pip's settings here; the environment counts most."""
    files = configparser.RawConfigParser()
    files.read(Path(name).expanduser() for name in PIP_FILES)
    settings = dict(files["global"]) if files.has_section("global") else {}
    for key in (*PIP_INDEXES, "find-links"):
        if value := os.environ.get(f"PIP_{key.replace('-', '_').upper()}"):
            settings[key] = value
    return settings


def _folder(link: str) -> Path | None:
    """The folder that `link` names, a path or a file: URI; None for what is elsewhere."""
    parts = urlsplit(link)
    if parts.scheme not in ("", "file"):
        return None
    path = Path(url2pathname(parts.path))
    return path if path.is_dir() else None
