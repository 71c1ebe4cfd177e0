"""`make images`: the values file for the chart, and the nodes that images are loaded into."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from helm_python import Chart

from chart.rendering import CHART, loaded, texts, values_with

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


PUSHED = """
import pathlib, types
import make_images as m

class Engine:
    name = "docker"
    def build(self, name, context, file): pass
    def size(self, name): return "1MB"
    def push(self, name, to): print("push", name, to)

m.say = lambda words: None
m.engine = lambda wanted: Engine()
m.run = lambda work: print(work())
m.sys.argv = ["make_images.py", "--push", "registry.example.com/team/", "--values", {values!r}]
m.main()
"""


def test_pushed_images_are_those_of_the_values(tmp_path: Path) -> None:
    path = tmp_path / "images.yaml"
    output = said(PUSHED.format(values=str(path))).splitlines()
    pushed = [line.split()[2] for line in output if line.startswith("push ")]
    values = yaml.safe_load(path.read_text())
    images = (*values["operator"].values(), *values["asterisk"].values())
    assert sorted(f"{each['repository']}:{each['tag']}" for each in images) == sorted(pushed)
    for part in ("operator", "media-pod", "asterisk"):
        assert any(
            name.startswith(f"registry.example.com/team/interject-{part}:") for name in pushed
        )
    assert output[-1] == f"helm install interject charts/interject --values {path}"


def images(values: dict[str, Any]) -> set[str]:
    """Every image of a release."""
    rendered = "\n".join(texts(values).values())
    return set(re.findall(r"image: (\S+)$", rendered, re.MULTILINE)) | set(
        re.findall(r"name: INTERJECT_MEDIA_IMAGE\n +value: \"(\S+)\"", rendered)
    )


def test_one_registry_is_set_for_all_images() -> None:
    values = {"global": {"imageRegistry": "registry.example.com/team"}}
    parts = ("operator", "media", "asterisk")
    version = loaded().metadata["appVersion"]
    assert images(values) == {
        f"registry.example.com/team/interject-{part}:{version}" for part in parts
    }
    slash = {"global": {"imageRegistry": "registry.example.com/team/"}}
    assert images(slash) == images(values)


def test_a_parent_chart_can_have_more_global_values() -> None:
    assert images({"global": {"storageClass": "fast"}}) == images({})


def test_the_notes_say_which_images_nobody_can_pull_and_how_to_make_them() -> None:
    notes = texts()["NOTES.txt"]
    assert "interject-operator:0.1.0, interject-media:0.1.0, interject-asterisk:0.1.0" in notes
    assert "make images PUSH=" in notes
    for values in (
        {"global": {"imageRegistry": "registry.example.com"}},
        {
            "operator": {"image": {"repository": "a/b"}, "mediaImage": {"repository": "a/b"}},
            "asterisk": {"image": {"repository": "a/b"}},
        },
    ):
        assert "make images" not in texts(values)["NOTES.txt"]


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
