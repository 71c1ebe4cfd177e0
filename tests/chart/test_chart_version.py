"""A changed chart must have a new version."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from chart.rendering import CHART, ROOT, loaded

SCRIPT = ROOT / "scripts" / "chart" / "chart_version.py"


def chart_version(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the chart as version 0.1.0, without released versions."""
    shutil.copytree(CHART, tmp_path / "charts" / "interject")
    (tmp_path / "charts" / "interject" / ".versions").unlink(missing_ok=True)
    change(tmp_path, "Chart.yaml", f"version: {loaded().metadata['version']}", "version: 0.1.0")
    return tmp_path


def change(copy: Path, name: str, old: str, new: str) -> None:
    path = copy / "charts" / "interject" / name
    path.write_text(path.read_text().replace(old, new, 1))


def test_a_changed_chart_has_a_new_version() -> None:
    done = chart_version()
    assert done.returncode == 0, done.stderr


def test_the_app_version_is_that_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert loaded().metadata["appVersion"] == project["version"]


def test_a_released_version_does_not_change(copy: Path) -> None:
    assert chart_version("--root", str(copy), "--record").returncode == 0
    assert chart_version("--root", str(copy)).returncode == 0
    change(copy, "values.yaml", "replicas: 2", "replicas: 3")
    for record in ([], ["--record"]):
        done = chart_version("--root", str(copy), *record)
        assert done.returncode == 1
        assert "differs from released version 0.1.0" in done.stderr
    change(copy, "Chart.yaml", "version: 0.1.0", "version: 0.1.1")
    assert chart_version("--root", str(copy)).returncode == 0


def test_a_version_is_higher_than_released_ones(copy: Path) -> None:
    change(copy, "Chart.yaml", "version: 0.1.0", "version: 0.10.0")
    assert chart_version("--root", str(copy), "--record").returncode == 0
    change(copy, "Chart.yaml", "version: 0.10.0", "version: 0.9.0")
    done = chart_version("--root", str(copy))
    assert done.returncode == 1
    assert "found version 0.9.0 in Chart.yaml; allowed: higher than 0.10.0" in done.stderr
