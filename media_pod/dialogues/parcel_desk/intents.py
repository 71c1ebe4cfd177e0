"""Intent recognition of the parcel desk: from the words and DTMF digits of one turn."""

import re
from dataclasses import dataclass
from enum import Enum, auto

from media_pod.dialogues.ports import CallerTurn


class Intent(Enum):
    """Intent of a turn, in the order of the rules in `understand`."""

    GOODBYE = auto()
    STOP = auto()
    REPEAT = auto()
    ADDRESS = auto()
    PLACE = auto()
    """A street, a house number, or both."""
    WHERE = auto()
    HELP = auto()
    PERSON = auto()
    DIGITS = auto()
    YES = auto()
    NO = auto()
    CONTINUE = auto()
    NOTHING = auto()
    """No words, or no known ones."""


@dataclass(frozen=True, slots=True)
class Understood:
    """Intent of one turn, with its slots."""

    intent: Intent
    digits: str = ""
    street: str = ""
    """In title case, as in `STREETS`; "" if none."""
    negated: bool = False
    """Whether the turn also contains a no: "no, 4 7 1 3" corrects a number."""


STREETS = ("Station Road", "Church Lane", "Market Street", "Garden Road")

_DIGITS = {
    word: str(value)
    for value, word in enumerate("zero one two three four five six seven eight nine".split())
} | {"oh": "0"}
_PHRASES: tuple[tuple[Intent, str], ...] = (
    (Intent.GOODBYE, r"good ?bye|bye"),
    (Intent.STOP, r"stop|wait|hold on|one moment|quiet|enough"),
    (Intent.REPEAT, r"repeat|again|pardon|what was that"),
    (Intent.ADDRESS, r"address"),
    (Intent.WHERE, r"where"),
    (Intent.PERSON, r"operator|person|human"),
    (Intent.HELP, r"help"),
)
_WEAK_PHRASES: tuple[tuple[Intent, str], ...] = (
    (Intent.CONTINUE, r"go on|continue|carry on"),
    (Intent.YES, r"yes|yeah|yep|correct|right|sure|ok|okay|please"),
    (Intent.NO, r"no|nope|wrong|not"),
)
_NO = r"no|nope|wrong|not"


def understand(turn: CallerTurn) -> Understood:
    """The intent of `turn`.

    DTMF takes precedence over words, commands over content, and content over yes and no: "yes
    4 7 1 2" is a number. Numerals count as digits; "house number 4 2" is a place.
    """
    if keyed := re.sub(r"\D", "", turn.digits):
        return Understood(Intent.DIGITS, keyed)
    words = re.findall(r"[a-z]+|\d", turn.text.lower())
    text = " ".join(words)
    digits = "".join(_DIGITS.get(word, word if word.isdigit() else "") for word in words)
    street = next((name for name in STREETS if name.lower() in text), "")
    negated = _has(text, _NO)
    if street or (digits and "house" in words):
        return Understood(Intent.PLACE, digits, street, negated)
    for intent, phrases in _PHRASES:
        if _has(text, phrases):
            return Understood(intent, digits, negated=negated)
    if digits:
        return Understood(Intent.DIGITS, digits, negated=negated)
    for intent, phrases in _WEAK_PHRASES:
        if _has(text, phrases):
            # "not right", "no, please": yes and no together mean no.
            return Understood(Intent.NO if negated else intent, negated=negated)
    return Understood(Intent.NOTHING)


def _has(text: str, phrases: str) -> bool:
    return re.search(rf"\b(?:{phrases})\b", text) is not None
