"""Is Asterisk up? For the health check of a container."""

import subprocess

from asterisk_config.places import Places
from media_pod.errors import InterjectError

_BOOTED = "fully booted"


class UnhealthyError(InterjectError):
    """Asterisk does not answer, or has not finished its start."""


def check(places: Places, deadline_s: float) -> None:
    """Ask Asterisk whether it has booted.

    Raises:
        UnhealthyError: it has not, or no answer came within `deadline_s` seconds.
    """
    command = places.command("-rx", "core waitfullybooted")
    try:
        answer = subprocess.run(  # noqa: S603 - the command is ours, word by word
            command, capture_output=True, text=True, timeout=deadline_s, check=False
        )
    except subprocess.TimeoutExpired:
        raise UnhealthyError(f"asterisk: no answer within {deadline_s:g} s") from None
    except OSError as error:
        raise UnhealthyError(f"{command[0]}: cannot be run ({error.strerror})") from error
    if _BOOTED not in answer.stdout:
        said = (answer.stdout + answer.stderr).strip().splitlines() or ["no answer"]
        raise UnhealthyError(f"asterisk: {said[-1]}")
