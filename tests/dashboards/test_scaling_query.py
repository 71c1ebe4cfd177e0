"""KEDA's query, evaluated by promtool: an agent scales by the calls of its own pods."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from media_pod.manifest.agent import AgentSpec
from rig.fixtures import prometheus
from voiceagent_operator.agents.agent import Agent
from voiceagent_operator.render.scaling import scaled_objects

__all__ = ["prometheus"]
TOOL_S = 30.0

pytestmark = pytest.mark.chart


def query(name: str) -> str:
    keda = {"metricSource": "keda", "prometheusUrl": "http://prometheus:9090"}
    spec = AgentSpec.model_validate({"dialogue": {"kind": "parcelDesk"}, "autoscaling": keda})
    (scaled,) = scaled_objects(Agent("voice", name, "uid", 1, "2026-01-01T00:00:00Z", spec))
    text: str = scaled["spec"]["triggers"][0]["metadata"]["query"]
    return text


def pod(
    of: str, name: str, calls: int, draining_s: int = 0, namespace: str = "voice"
) -> Iterator[dict[str, str]]:
    """The series of a pod of agent `of`, as a PodMonitor's scrape labels them."""
    target = f'namespace="{namespace}",pod="{name}",container="media"'
    info = f'interject_pod_info{{{target},agent="{of}",version="1"}}'
    yield {"series": info, "values": "1"}
    yield {"series": f"interject_active_calls{{{target}}}", "values": str(calls)}
    yield {"series": f"interject_draining_seconds{{{target}}}", "values": str(draining_s)}


def evaluate(prometheus: Path, folder: Path, pods: list[dict[str, str]], **calls: int) -> None:
    """Assert the query's result by agent; those with 0 have no pods and no sample."""
    expected: list[dict[str, Any]] = [
        {
            "expr": query(name.replace("_", "-")),
            "eval_time": "0s",
            "exp_samples": [{"labels": "{}", "value": value}] if value else [],
        }
        for name, value in calls.items()
    ]
    test = {"interval": "15s", "input_series": pods, "promql_expr_test": expected}
    file = folder / "query.yaml"
    file.write_text(yaml.safe_dump({"rule_files": [], "tests": [test]}))
    done = subprocess.run(
        [prometheus / "promtool", "test", "rules", file],
        capture_output=True, text=True, check=False, timeout=TOOL_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_agent_counts_its_own_pods_only(prometheus: Path, tmp_path: Path) -> None:
    pods = [
        *pod("desk", "desk-5d9f8b7c6-abcde", 3),
        *pod("desk", "desk-5d9f8b7c6-fghij", 4),
        *pod("desk-vip", "desk-vip-6c8d7f9b5-klmno", 20),
        *pod("desk", "desk-5d9f8b7c6-pqrst", 50, namespace="test"),
    ]
    evaluate(prometheus, tmp_path, pods, desk=7, desk_vip=20, des=0)


def test_calls_of_draining_pods_need_no_new_ones(prometheus: Path, tmp_path: Path) -> None:
    """As in the operator's own metrics API. A rollout would otherwise scale the agent up."""
    pods = [
        *pod("desk", "desk-5d9f8b7c6-abcde", 3),
        *pod("desk", "desk-7f6b5c4d3-fghij", 40, draining_s=12),
    ]
    evaluate(prometheus, tmp_path, pods, desk=3)
