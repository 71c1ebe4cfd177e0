"""Secrets taken out of texts that reach a model, a caller or a log.

Servers quote a wrong API key in their answer, and programs print their environment.
"""

from collections.abc import Iterable
from typing import Final

_MIN_CHARACTERS: Final = 6
"""A shorter part, such as "Bearer" in front of a token would be, occurs in ordinary text."""
_MASK: Final = "[secret]"


class Redaction:
    """Replaces secret values by a mark."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """
        Args:
            secrets: values such as "Bearer abc123"; their parts between blanks count too, and
                those shorter than 6 characters do not, nor does the word Bearer.
        """
        parts = {part for secret in secrets for part in (secret, *secret.split())}
        words = {part for part in parts if len(part) >= _MIN_CHARACTERS}
        # The longest first: a secret may be a part of another one.
        self._secrets = sorted(words - {"Bearer", "bearer"}, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """`text` without them."""
        for secret in self._secrets:
            text = text.replace(secret, _MASK)
        return text
