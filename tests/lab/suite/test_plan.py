import shlex
from pathlib import Path

from interject_lab.lab_commands import lab_bench
from interject_lab.suite.plan import BenchPlan

PLAN = BenchPlan(
    suites=("default", "my suite.yaml"),
    rules=("interject", "mine:Bank"),
    seed=3,
    split="validation",
    corpus=Path("a corpus"),
    calls=12,
    rate_hz=16000,
    jobs=2,
)


def test_the_command_of_a_plan_runs_the_same_plan() -> None:
    program, *words = shlex.split(PLAN.command)
    assert [program, *words[:2]] == ["interject", "lab", "bench"]
    given = lab_bench.make_context("bench", words[2:]).params
    assert given["suites"] == PLAN.suites
    assert (*given["rules"], *given["banks"]) == PLAN.rules
    assert given["split"] == PLAN.split
    assert (given["seed"], given["calls"], given["rate"]) == (3, 12, "16000")
    assert given["corpus"] == PLAN.corpus


def test_a_section_is_that_of_its_suites_and_rate_whatever_the_seed() -> None:
    assert (
        PLAN.section == "interject lab bench --suite default --suite 'my suite.yaml' --rate 16000"
    )
    assert BenchPlan(("steps",), ("naive",), seed=9).section == "interject lab bench --suite steps"
