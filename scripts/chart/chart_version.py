#!/usr/bin/env python3
"""A chart that has changed has another version.

    chart_version.py [--root FOLDER] [--record]

charts/interject/.versions has a line for each version that was given away: the version, and a
digest of the chart's files. Exit code 1 if the version in Chart.yaml is there with another digest,
or is not above all that are there. --record adds the version; it never changes a line.
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
    parser = argparse.ArgumentParser(description="a chart that has changed has another version")
    parser.add_argument("--root", type=Path, default=ROOT, help="of the repository")
    parser.add_argument("--record", action="store_true", help="this version is given away")
    arguments = parser.parse_args()
    chart: Path = arguments.root / CHART
    version = yaml.safe_load((chart / "Chart.yaml").read_text())["version"]
    given = recorded(chart / RECORD)
    digest = digest_of(chart)
    if problem := judge(version, digest, given):
        sys.stderr.write(f"chart_version: {problem}\n")
        return 1
    if arguments.record and version not in given:
        with (chart / RECORD).open("a") as record:
            record.write(f"{version} {digest}\n")
    return 0


def recorded(path: Path) -> dict[str, str]:
    """The digest of each version that was given away."""
    lines = path.read_text().splitlines() if path.exists() else []
    return dict(line.split() for line in lines)


def digest_of(chart: Path) -> str:
    """Of all files that Helm packs, by their paths and contents."""
    digest = hashlib.sha256()
    for path in sorted(chart.rglob("*")):
        parts = path.relative_to(chart).parts
        if path.is_file() and not any(part.startswith(".") for part in parts):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{'/'.join(parts)} {content}\n".encode())
    return digest.hexdigest()


def judge(version: str, digest: str, given: dict[str, str]) -> str | None:
    """What is wrong with `version` for a chart with this digest; None if nothing is."""
    if version in given:
        if given[version] == digest:
            return None
        return f"the chart is not version {version} any more; raise version in Chart.yaml"
    newest = max(map(numbers, given), default=())
    if numbers(version) <= newest:
        above = ".".join(map(str, newest))
        return f"found version {version} in Chart.yaml; allowed: one above {above}"
    return None


def numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


if __name__ == "__main__":
    sys.exit(main())
