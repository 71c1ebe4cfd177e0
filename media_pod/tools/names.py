"""Names of tools as language models take them: 1 to 64 characters of a-z, A-Z, 0-9, _ and -.

MCP servers name theirs with dots, slashes and anything else.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

MAX_CHARACTERS: Final = 64


def model_names(names: Iterable[str]) -> dict[str, str]:
    """A name for the model for each of `names`: the way back, from the model's to the server's.

    Two that would become the same ("a.b", "a/b") are told apart by a number.
    """
    originals: dict[str, str] = {}
    for name in dict.fromkeys(names):
        originals[_free(_allowed(name), originals)] = name
    return originals


def prefixed(prefix: str, name: str, taken: Sequence[str]) -> str:
    """`name` of the server `prefix`, different from all `taken`."""
    return _free(_allowed(f"{prefix}_{name}"), dict.fromkeys(taken, ""))


def _allowed(name: str) -> str:
    return re.sub(r"[^a-zA-Z0-9_-]", "_", name)[:MAX_CHARACTERS] or "tool"


def _free(name: str, taken: dict[str, str]) -> str:
    number, candidate = 1, name
    while candidate in taken:
        number += 1
        end = f"_{number}"
        candidate = name[: MAX_CHARACTERS - len(end)] + end
    return candidate
