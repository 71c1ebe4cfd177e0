"""The guard around every asynchronous test catches what it is there for."""

from pathlib import Path

import pytest

GUARD = (Path(__file__).parents[1] / "conftest.py").read_text()
SETTINGS = """
    [tool.pytest.ini_options]
    asyncio_mode = "auto"
    asyncio_default_fixture_loop_scope = "function"
    filterwarnings = ["error"]
"""
TESTS = """
    import asyncio
    from contextlib import suppress

    import pytest

    @pytest.fixture
    async def server():
        task = asyncio.create_task(asyncio.Event().wait())
        yield task
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def test_that_leaves_a_task(server):
        task = asyncio.create_task(asyncio.Event().wait(), name="forgotten")

    async def test_that_cleans_up(server):
        await asyncio.create_task(asyncio.sleep(0))

    def test_without_a_loop():
        pass
"""


def test_a_test_that_leaves_a_task_fails_and_no_other(pytester: pytest.Pytester) -> None:
    pytester.makepyprojecttoml(SETTINGS)
    pytester.makeconftest(GUARD)
    pytester.makepyfile(TESTS)

    result = pytester.runpytest_inprocess()

    result.assert_outcomes(passed=3, errors=1)
    result.stdout.fnmatch_lines(["the test left 1 task(s) behind:", "*name='forgotten'*"])
