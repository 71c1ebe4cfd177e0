"""Text as espeak-ng has to be given it."""

import re

from media_pod.providers.tts.sentences import is_title


def readable(text: str) -> str:
    """`text` without NUL, which ends it for espeak, and other control characters, its commands.

    Newlines stay: an empty line ends a sentence.
    """
    return re.sub(r"[\x00-\x09\x0b-\x1f\x7f]", " ", text)


def without_title_stops(text: str) -> str:
    """Replace the full stop of "Dr.", at which espeak pauses, by a blank; positions do not move."""
    return re.sub(r"\S+", lambda t: t[0][:-1] + " " if is_title(t[0]) else t[0], text)
