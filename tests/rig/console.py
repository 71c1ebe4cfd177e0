"""What the commands of the rig print, and how they fail.

RigError                something failed that should have worked
└── UnavailableError    this machine cannot provide it: callers that can do without skip
"""

import sys
from collections.abc import Callable
from typing import Final

FAILED: Final = 1
UNAVAILABLE: Final = 3


class RigError(Exception):
    """The message is one line for the user."""


class UnavailableError(RigError):
    """No Go, no network, the wrong system."""


def say(text: str) -> None:
    """Progress, for people."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def run(command: Callable[[], str]) -> int:
    """Print what `command` returns; the exit code."""
    try:
        result = command()
    except UnavailableError as error:
        say(f"not available here: {error}")
        return UNAVAILABLE
    except RigError as error:
        say(f"failed: {error}")
        return FAILED
    except KeyboardInterrupt:
        say("interrupted; the next run continues from here")
        return FAILED
    if result:
        sys.stdout.write(f"{result}\n")
    return 0
