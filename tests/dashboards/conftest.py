"""A real Prometheus for the dashboards and alerts."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
FETCH_S = 900.0
CANNOT_BE_HAD = 3


@pytest.fixture(scope="session")
def prometheus() -> Path:
    """The folder with prometheus and promtool; skips where Debian cannot be had."""
    done = subprocess.run(
        [sys.executable, SCRIPTS / "get_prometheus.py"],
        capture_output=True, text=True, check=False, timeout=FETCH_S,
    )  # fmt: skip
    last = done.stderr.strip().splitlines()[-1:]
    if done.returncode == CANNOT_BE_HAD:
        pytest.skip("".join(last))
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip()) / "usr" / "bin"
