"""`make images`: the values file for the chart, and the nodes that images are loaded into."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from helm_python import Chart

from chart.rendering import CHART, values_with

ROOT = Path(__file__).resolve().parents[2]
PLACES = os.pathsep.join(str(ROOT / name) for name in ("scripts", "tests"))
NAMES = {
    "operator": "localhost/interject-operator:1a2b",
    "media-pod": "localhost/interject-media-pod:3c4d",
    "asterisk": "localhost/interject-asterisk:5e6f",
}
VALUES = "import json, make_images as m; print(json.dumps(m.chart_values(json.loads({names!r}))))"
NODES = "import make_images as m, pathlib; print(m.nodes_of(pathlib.Path({path!r})))"


def said(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": PLACES},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


def test_the_chart_accepts_the_values_of_make_images() -> None:
    values: dict[str, Any] = json.loads(said(VALUES.format(names=json.dumps(NAMES))))
    Chart.load(CHART).validate_schema(values)
    rendered = "\n".join(Chart.load(CHART).render(values_with(values)).values())
    for name in NAMES.values():
        assert name in rendered


@pytest.mark.parametrize(
    ("context", "nodes"),
    [
        ("kind-voice", "Nodes(kind='kind', cluster='voice')"),
        ("k3d-voice", "Nodes(kind='k3d', cluster='voice')"),
        ("minikube", "Nodes(kind='minikube', cluster='minikube')"),
        ("production", "None"),
    ],
)
def test_the_kind_of_cluster_is_detected_from_the_context(
    tmp_path: Path, context: str, nodes: str
) -> None:
    kubeconfig = tmp_path / "config"
    kubeconfig.write_text(yaml.safe_dump({"current-context": context}))
    assert said(NODES.format(path=str(kubeconfig))) == nodes


def test_an_invalid_kubeconfig_is_reported(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "config"
    kubeconfig.write_text("no: context")
    assert f"{kubeconfig}: expected a kubeconfig" in said(NODES.format(path=str(kubeconfig)))
