"""What the words that were recognized so far tell about the caller's turn.

`silence_ms`: after how long a silence the turn is over. `is_backchannel`: whether the words want no
turn at all.

Rules, the first one that holds decides
---------------------------------------
- While digits are still missing of a number that the bot asked for, the caller is waited for
  longest. A number begins with its first digit, or with words that only lead up to one ("yes",
  "it's", "my number is"). Digits after a correction ("no, sorry") begin it anew.
- A number that is complete ends the turn soon, if the turn ends with it.
- A trailing comma or ellipsis, a hesitation ("uhm"), and words that ask for time or announce more
  ("let me see", "my number is") go on for long, whatever the recognizer's punctuation says:
  recognizers put a full stop where they hear a pause.
- Words that no sentence ends with ("and", "the", "my") go on for long too.
- A question ends the turn soon.
- Words that few sentences end with ("to", "is", "for") go on for long without punctuation; with a
  full stop, they leave it open.
- A finished sentence ends the turn soon.
- Anything else, and no words at all, wait for the usual silence; where a number is expected, no
  words wait for long: a recognizer without partial results has none.

The words are English; in other languages punctuation and digits decide. The split into punctuation,
none and numbers is that of Vapi's `startSpeakingPlan`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from media_pod.dialogues.turn_taking.turn_words import (
    ACKNOWLEDGEMENTS,
    BACKCHANNELS,
    CORRECTIONS,
    HESITATIONS,
    LEADS,
    NEVER_LAST,
    NO_ANSWERS,
    SELDOM_LAST,
    consists_of,
    count_digits,
    ends_with,
    is_number,
    words_of,
)


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the bot expects of the caller's turn; nothing in particular by default."""

    digits: int = 0
    """A number of so many digits; 0 if none is expected."""


@dataclass(frozen=True, slots=True)
class SilenceSettings:
    """Silences that end a turn, in ms: `min_ms` <= `normal_ms` <= `max_ms`."""

    min_ms: int
    """After a turn that is complete."""
    normal_ms: int
    """If the words do not tell."""
    max_ms: int
    """While digits are missing."""
    language: str = "en"
    """BCP 47 tag of the caller's language."""


class _Wait(Enum):
    SHORT = auto()
    NORMAL = auto()
    LONG = auto()
    LONGEST = auto()


@dataclass(frozen=True, slots=True)
class _Heard:
    """What a rule looks at."""

    text: str
    words: tuple[str, ...]
    """In lower case, without punctuation; empty for languages without word lists."""
    digits: int
    """How many digits of the number were said."""
    ends_in_digits: bool
    expects: Expectation

    @property
    def stopped(self) -> bool:
        return bool(_STOPPED.search(self.text))

    def ends_with(self, phrases: frozenset[tuple[str, ...]]) -> bool:
        return ends_with(self.words, phrases)


_CLOSING: Final = r"[\"'”’»)\]」』”]*$"
_STOPPED: Final = re.compile(rf"[.!。！।۔．]{_CLOSING}")
_ASKED: Final = re.compile(rf"[?？؟]{_CLOSING}")
_GOES_ON: Final = re.compile(rf"(?:[,;:،؛，、；：…–—-]|\.\.){_CLOSING}")


def _number_goes_on(heard: _Heard) -> bool:
    if not heard.expects.digits or heard.digits >= heard.expects.digits:
        return False
    leads_up = heard.ends_with(LEADS) or heard.ends_with(NEVER_LAST) or heard.ends_with(SELDOM_LAST)
    only_begun = bool(heard.words) and set(heard.words) <= ACKNOWLEDGEMENTS
    return heard.digits > 0 or leads_up or only_begun


def _number_is_complete(heard: _Heard) -> bool:
    return 0 < heard.expects.digits <= heard.digits and heard.ends_in_digits


_Rule = tuple[Callable[[_Heard], bool], _Wait]

RULES: Final[tuple[_Rule, ...]] = (
    (_number_goes_on, _Wait.LONGEST),
    (_number_is_complete, _Wait.SHORT),
    (lambda heard: bool(_GOES_ON.search(heard.text)), _Wait.LONG),
    (lambda heard: heard.ends_with(HESITATIONS) or heard.ends_with(LEADS), _Wait.LONG),
    (lambda heard: bool(_ASKED.search(heard.text)), _Wait.SHORT),
    (lambda heard: heard.ends_with(NEVER_LAST), _Wait.LONG),
    (lambda heard: heard.ends_with(SELDOM_LAST) and heard.stopped, _Wait.NORMAL),
    (lambda heard: heard.ends_with(SELDOM_LAST), _Wait.LONG),
    (lambda heard: heard.stopped, _Wait.SHORT),
    (lambda heard: not heard.text and heard.expects.digits > 0, _Wait.LONG),
)


def silence_ms(text: str, expects: Expectation, settings: SilenceSettings) -> int:
    """After how long a silence the turn is over, in ms, from `min_ms` to `max_ms`.

    Args:
        text: the words so far, a partial transcript; "" if there are none.
        expects: what the bot asked for.
        settings: the silences, and the language of `text`.
    """
    text = text.strip()
    english = settings.language.lower().split("-")[0] == "en"
    spoken = words_of(text)
    number = _since_correction(spoken) if english else spoken
    heard = _Heard(
        text,
        words=spoken if english else (),
        digits=count_digits(number, spoken=english),
        ends_in_digits=any(map(is_number, number[-1:])),
        expects=expects,
    )
    wait = next((wait for holds, wait in RULES if holds(heard)), _Wait.NORMAL)
    return {
        _Wait.SHORT: settings.min_ms,
        _Wait.NORMAL: settings.normal_ms,
        _Wait.LONG: (settings.normal_ms + settings.max_ms) // 2,
        _Wait.LONGEST: settings.max_ms,
    }[wait]


def is_backchannel(text: str, bot_asked: bool) -> bool:
    """Whether `text` consists of backchannels alone ("mhm", "okay"), which want no turn.

    English; words of other languages are none, and the turn is the caller's. Digits, "no" and
    "stop" never are.

    Args:
        text: the words so far; "" if there are none, which is no backchannel.
        bot_asked: the bot has just asked something, so that "yes" and the like are answers.
    """
    return consists_of(words_of(text), NO_ANSWERS if bot_asked else BACKCHANNELS)


def _since_correction(words: tuple[str, ...]) -> tuple[str, ...]:
    for at in range(len(words), 0, -1):
        if words[at - 1] in CORRECTIONS:
            return words[at:]
    return words
