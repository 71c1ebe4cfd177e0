"""What every test is held to: when it ends, no task of its event loop is left."""

import asyncio
import os
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, settings

from media_pod.pod.runtime import ONE_THREAD

# As in a pod, and before NumPy is imported: threads that wait for each other on busy cores take up
# to eight times the CPU.
os.environ.update(ONE_THREAD)

# Speed is measured by benchmarks; on a shared machine a deadline would fail by chance. So would a
# draw in which many inputs are rejected: a test gets its number of accepted ones all the same.
settings.register_profile(
    "interject",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
settings.load_profile("interject")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--doc",
        metavar="FILE",
        help="Also write what the cases on Asterisk measured into its section of FILE.",
    )
    parser.addoption(
        "--pictures",
        action="store_true",
        help="Also draw what the dashboards' queries returned, into docs/pictures.",
    )


@pytest.fixture
async def no_task_is_left() -> AsyncIterator[None]:
    """Fails the test if a task that began during it goes on after its fixtures are torn down."""
    before = asyncio.all_tasks()
    yield
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    if left:
        names = "\n".join(sorted(map(repr, left)))
        pytest.fail(f"the test left {len(left)} task(s) behind:\n{names}", pytrace=False)


@pytest.fixture(autouse=True)
def leave_nothing_behind(request: pytest.FixtureRequest) -> None:
    """Puts `no_task_is_left` around each asynchronous test; no test has to request it.

    As the first fixture of a test it is the last to be torn down.
    """
    if request.node.get_closest_marker("asyncio") is not None:
        request.getfixturevalue("no_task_is_left")
