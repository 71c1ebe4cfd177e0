"""How the commands here speak: progress to standard error, results to standard output."""

import sys
from collections.abc import Callable
from typing import Final

from errors import CannotBeHadError, RigError

FAILED: Final = 1
CANNOT_BE_HAD: Final = 3


def say(text: str) -> None:
    """Progress, for people."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def ended(command: Callable[[], str]) -> int:
    """Run `command` and print what it returns; the exit code."""
    try:
        result = command()
    except CannotBeHadError as error:
        say(f"not to be had here: {error}")
        return CANNOT_BE_HAD
    except RigError as error:
        say(f"failed: {error}")
        return FAILED
    except KeyboardInterrupt:
        say("interrupted; the next run goes on where this stopped")
        return FAILED
    if result:
        sys.stdout.write(f"{result}\n")
    return 0
