"""Which numbers an extension of the dialplan matches: whether two extensions overlap. Pure.

The matching is that of Asterisk (main/pbx.c, `_extension_match_core`). In a pattern, which begins
with `_`, X is 0 to 9, Z is 1 to 9, N is 2 to 9, `[13-5]` is 1, 3, 4 or 5; a final `.` is one or
more characters, a final `!` none or more. Other characters match themselves.
"""

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Final


class Tail(Enum):
    """How the matched numbers may continue after the listed characters."""

    NONE = ""
    SOME = "."
    ANY = "!"


_SETS: Final = {
    "X": frozenset("0123456789"),
    "Z": frozenset("123456789"),
    "N": frozenset("23456789"),
}


@dataclass(frozen=True, slots=True)
class Extension:
    """The numbers that an extension matches."""

    signs: tuple[frozenset[str], ...]
    """[positions] The characters that match there."""
    tail: Tail = Tail.NONE

    @property
    def least_length(self) -> int:
        """Characters of the shortest number."""
        return len(self.signs) + (self.tail is Tail.SOME)


@lru_cache(maxsize=8192)
def parse(extension: str) -> Extension:
    """The numbers that `extension`, a valid `NumberOrPattern`, matches."""
    if not extension.startswith("_"):
        return Extension(tuple(map(frozenset, extension)))
    pattern, tail = extension[1:], Tail.NONE
    if pattern[-1:] in (".", "!"):
        pattern, tail = pattern[:-1], Tail(pattern[-1])
    signs = []
    while pattern:
        if pattern.startswith("["):
            inside, _, pattern = pattern[1:].partition("]")
            signs.append(_listed(inside))
        else:
            sign, pattern = pattern[0], pattern[1:]
            signs.append(_SETS.get(sign, frozenset(sign)))
    return Extension(tuple(signs), tail)


def overlap(one: str, other: str) -> bool:
    """Whether some number matches both extensions."""
    short, long = sorted((parse(one), parse(other)), key=lambda each: len(each.signs))
    if not (all(short.signs) and all(long.signs)):
        return False  # a set such as [9-1] matches nothing
    if any(a.isdisjoint(b) for a, b in zip(short.signs, long.signs, strict=False)):
        return False
    if len(short.signs) < len(long.signs):
        return short.tail is not Tail.NONE
    return {short.tail, long.tail} != {Tail.NONE, Tail.SOME}


def covers(outer: str, inner: str) -> bool:
    """Whether each number that matches `inner` also matches `outer`."""
    out, within = parse(outer), parse(inner)
    if not all(within.signs):
        return True
    if any(not a <= b for a, b in zip(within.signs, out.signs, strict=False)):
        return False
    if out.tail is Tail.NONE:
        return len(within.signs) == len(out.signs) and within.tail is Tail.NONE
    return len(within.signs) >= len(out.signs) and within.least_length >= out.least_length


def _listed(inside: str) -> frozenset[str]:
    """The characters in brackets. Asterisk skips every - of a dialled number, so none matches."""
    found: set[str] = set()
    while inside:
        if inside[1:2] == "-" and len(inside) > 2:
            first, last, inside = inside[0], inside[2], inside[3:]
            found.update(map(chr, range(ord(first), ord(last) + 1)))
        else:
            found.add(inside[0])
            inside = inside[1:]
    return frozenset(found - {"-"})
