"""What options of the command line are written like, and what they mean."""

import math
import re
from collections.abc import Callable

import click


def at_seconds(what: str, example: str, allowed: str = r".+") -> Callable[[str], tuple[float, str]]:
    """Reads SECONDS:WHAT, something that happens at a time of the call, as `(seconds, what)`.

    Args:
        what: how the error calls it.
        example: of what is allowed.
        allowed: what it must match, whole.
    """

    def read(value: str) -> tuple[float, str]:
        seconds, _, found = value.partition(":")
        at_s = _number(seconds)
        if not 0 <= at_s < math.inf or re.fullmatch(allowed, found, re.DOTALL) is None:
            raise click.BadParameter(f"{value!r}, expected SECONDS:{what}, such as 3.5:{example}")
        return at_s, found

    return read


def loss_db(value: str) -> float:
    """Reads a loss in dB; `math.inf` for the word none."""
    found = math.inf if value == "none" else _number(value)
    if math.isnan(found) or (math.isinf(found) and value != "none"):
        raise click.BadParameter(f"{value!r}, expected a number of dB, or none for no echo")
    return found


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
