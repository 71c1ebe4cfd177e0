"""A real Asterisk for every test in this folder, or a skip that says why not."""

from pathlib import Path

import pytest

from asterisk.measured import SECTION, Measured, report
from rig.fixtures import program

_measured = pytest.StashKey[Measured]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.asterisk)


@pytest.fixture(scope="session")
def tree() -> Path:
    """The unpacked Asterisk."""
    return program("asterisk")


@pytest.fixture(scope="session")
def measured(pytestconfig: pytest.Config) -> Measured:
    """Takes the figures of all cases."""
    return pytestconfig.stash.setdefault(_measured, Measured())


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    report(config.stash.get(_measured, Measured()), terminalreporter, config, SECTION, "Asterisk")
