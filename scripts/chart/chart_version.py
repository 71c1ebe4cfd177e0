#!/usr/bin/env python3
"""Checks that a changed chart has a new version.

    chart_version.py [--root FOLDER] [--record]

charts/interject/.versions has a line for each released version: the version and a digest of the
chart's files. Exit code 1 if the version in Chart.yaml is listed with another digest, or is not
higher than all listed versions. --record adds the version; existing lines never change.
"""

import argparse
import hashlib
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
CHART = Path("charts/interject")
RECORD = ".versions"


def main() -> int:
    parser = argparse.ArgumentParser(description="check that a changed chart has a new version")
    parser.add_argument("--root", type=Path, default=ROOT, help="root folder of the repository")
    parser.add_argument("--record", action="store_true", help="record this version as released")
    arguments = parser.parse_args()
    chart: Path = arguments.root / CHART
    version = yaml.safe_load((chart / "Chart.yaml").read_text())["version"]
    released = read_record(chart / RECORD)
    digest = digest_of(chart)
    if problem := version_error(version, digest, released):
        sys.stderr.write(f"chart_version: {problem}\n")
        return 1
    if arguments.record and version not in released:
        with (chart / RECORD).open("a") as record:
            record.write(f"{version} {digest}\n")
    return 0


def read_record(path: Path) -> dict[str, str]:
    """Digests of the released versions."""
    lines = path.read_text().splitlines() if path.exists() else []
    return dict(line.split() for line in lines)


def digest_of(chart: Path) -> str:
    """Digest of the paths and contents of all files that Helm packs."""
    digest = hashlib.sha256()
    for path in sorted(chart.rglob("*")):
        parts = path.relative_to(chart).parts
        if path.is_file() and not any(part.startswith(".") for part in parts):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{'/'.join(parts)} {content}\n".encode())
    return digest.hexdigest()


def version_error(version: str, digest: str, released: dict[str, str]) -> str | None:
    """The problem of `version` for a chart with this digest; None if there is none."""
    if version in released:
        if released[version] == digest:
            return None
        return f"the chart differs from released version {version}; raise version in Chart.yaml"
    newest = max(map(numbers, released), default=())
    if numbers(version) <= newest:
        above = ".".join(map(str, newest))
        return f"found version {version} in Chart.yaml; allowed: higher than {above}"
    return None


def numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


if __name__ == "__main__":
    sys.exit(main())
