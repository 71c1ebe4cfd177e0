"""Patterns for words that were said: a part of the text, or a regular expression."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from media_pod.manifest.validation import Allowed


def _checked(pattern: str) -> str:
    try:
        compiled(pattern)
    except re.error as error:
        raise PydanticCustomError(
            "clash",
            "found {pattern} ({reason}); allowed: a part of the text, or a regular expression "
            "between slashes",
            {"pattern": pattern, "reason": str(error)},
        ) from None
    return pattern


Words = Annotated[
    str,
    Field(min_length=1, max_length=2000),
    Allowed("a part of the text, or a regular expression between slashes"),
    AfterValidator(_checked),
]
"""A text that contains these words in any case, or, between slashes, a regular expression."""


def is_expression(pattern: str) -> bool:
    """Whether `pattern` is a regular expression between slashes."""
    return len(pattern) > 2 and pattern.startswith("/") and pattern.endswith("/")


def compiled(pattern: str) -> re.Pattern[str]:
    """The regular expression of `pattern`, for `search`; blanks match any white space.

    Raises:
        re.error: it is not one.
    """
    if is_expression(pattern):
        return re.compile(pattern[1:-1], re.IGNORECASE)
    return re.compile(r"\s+".join(map(re.escape, pattern.split())), re.IGNORECASE)


def matches(pattern: str, text: str) -> bool:
    """Whether `text` has what `pattern` asks for."""
    return compiled(pattern).search(text) is not None
