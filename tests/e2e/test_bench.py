import json
import os
from collections.abc import Callable

import pytest
from click.testing import CliRunner

from interject_lab.bench import conversation
from interject_lab.bench.pod import OUTSIDE, Stages
from interject_lab.bench.tick import as_json, as_tables, bench
from interject_lab.reports.markdown import table
from media_pod.cli import cli
from media_pod.errors import SetupError

KEYS = {
    "calls",
    "calls_at_end",
    "core_share_percent",
    "core_waited_for_percent",
    "cpu_us_per_call_and_tick",
    "ticks",
    "tick_cpu_p50_ms",
    "tick_cpu_p99_ms",
    "tick_cpu_max_ms",
    "tick_late_p50_ms",
    "tick_late_p99_ms",
    "tick_late_max_ms",
    "late_ticks",
    "rss_mb",
    "stages_us_per_call_and_tick",
    "frames",
    "frame_interval_deviation_p50_ms",
    "frame_interval_deviation_p99_ms",
    "frame_gaps",
}
STAGES = {
    "write",
    "gather",
    "delay tracker",
    "canceller",
    "vad",
    "bank, other",
    "dispatch",
    "tick, other",
    OUTSIDE,
}


class Worker:
    """Works for a fixed time on a clock of its own."""

    def __init__(self) -> None:
        self.now_ns = 0

    def outer(self, inner: Callable[[], int]) -> int:
        self.now_ns += 10
        return inner() + 1

    def inner(self) -> int:
        self.now_ns += 5
        return 1

    def fails(self) -> None:
        self.now_ns += 3
        raise ValueError("broken")


def test_time_is_charged_to_the_innermost_stage() -> None:
    worker = Worker()
    stages = Stages(lambda: worker.now_ns)
    stages.watch(worker, "outer", "out")
    stages.watch(worker, "inner", "in")
    worker.now_ns += 1
    assert worker.outer(lambda: worker.inner() + worker.inner()) == 3
    assert stages.take() == {OUTSIDE: 1, "out": 10, "in": 10}
    assert stages.take() == {OUTSIDE: 0}


def test_a_stage_that_fails_is_left_all_the_same() -> None:
    worker = Worker()
    stages = Stages(lambda: worker.now_ns)
    stages.watch(worker, "fails", "broken")
    with pytest.raises(ValueError, match="broken"):
        worker.fails()
    worker.now_ns += 7
    assert stages.take() == {OUTSIDE: 7, "broken": 3}


async def test_every_size_runs_the_whole_loop_and_says_where_its_time_went() -> None:
    said: list[str] = []
    (size,) = await bench([3], warm_up_s=0.2, seconds=1.0, on_step=said.append, scrape=True)
    assert said == ["3 calls: 0.2 s to warm up, 1 s"]
    assert size.keys() == KEYS
    assert size["calls"] == size["calls_at_end"] == 3
    assert size["frames"] > 100
    stages = size["stages_us_per_call_and_tick"]
    assert stages.keys() == STAGES
    assert all(us > 0 for us in stages.values())
    assert sum(stages.values()) == pytest.approx(size["cpu_us_per_call_and_tick"])

    document = json.loads(json.dumps(as_json(1.0, [size])))
    assert document.keys() == {"cpu", "duration_s", "sizes"}
    assert document["sizes"][0].keys() == KEYS
    text = "\n\n".join(table(*each) for each in as_tables([size]))
    assert "\n| 3 | " in text
    assert text.count("delay tracker") == 1


async def test_one_core_is_not_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0})
    with pytest.raises(SetupError, match="needs two cores, one for the pod and one for its phones"):
        await bench([1], 0.1, 0.1, lambda step: None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--calls", "0"], "'--calls': 0 is not in the range 1<=x<=1000"),
        (["--seconds", "0"], "'--seconds': 0.0 is not in the range 1<=x<=3600"),
        (["--json=x"], "'--json' does not take a value"),
    ],
)
def test_wrong_options_say_what_is_right(options: list[str], message: str) -> None:
    result = CliRunner().invoke(cli, ["bench", "tick", *options])
    assert result.exit_code == 2
    assert message in result.output


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_streaming_providers_are_measured_beside_the_built_in_ones() -> None:
    steps: list[str] = []
    builtin, streaming = await conversation.bench(4, 5.0, steps.append)
    assert len(steps) == 2
    for arm in (builtin, streaming):
        assert arm["failed_requests"] == 0
        assert arm["frames"] > 4 * 100
        assert arm["ticks"] > 100
    assert min(streaming["requests_per_s"].values()) > 0
    header, rows = conversation.as_table([builtin, streaming])
    assert {len(row) for row in rows} == {len(header)}
