"""The number that a caller keys in DTMF: which keys belong to it, and what ends it.

Rules
-----
- A number is over with its last possible digit, with the terminator, or so long after its latest
  key. Nothing else ends it: speech meanwhile does not.
- While digits are missing, the caller is waited for as long as one who says nothing.
- Keys that come before the answer begins belong to the number.
- Keys over the beginning of the answer do too, if only the gap had ended the number: the caller
  was slow. A number that was full, or ended by the terminator, was whole, and keys over its answer
  are the next one.
- What is keyed beyond a full number, and a terminator after one, are dropped until it is answered.
"""

from dataclasses import dataclass
from enum import Enum, auto


@dataclass(frozen=True, slots=True)
class DigitSettings:
    """What a number in DTMF looks like."""

    gap_ms: int
    """After so long without a key, a number with enough digits is over."""
    least: int
    """Fewest digits of a number."""
    most: int
    """Most digits of a number."""
    terminator: str
    """The key that ends a number; "" for none."""


class Key(Enum):
    """What a key did."""

    DROPPED = auto()
    ADDED = auto()
    LAST = auto()
    """The number is over."""


class Keypad:
    """The keys of one caller.

    Args:
        settings: from the manifest.
        missing_ms: how long to wait for a key while digits are missing.
    """

    def __init__(self, settings: DigitSettings, missing_ms: int) -> None:
        self.digits = ""
        """Keyed since the bot's last answer."""
        self._settings = settings
        self._missing_ms = max(missing_ms, settings.gap_ms)
        self._expected = 0
        self._whole = False
        """The number is full, or was ended by the terminator."""
        self._full = False
        """A terminator that comes now belongs to the latest number."""
        self._slow = ""
        """The number that is being answered, if only the gap ended it."""

    @property
    def whole(self) -> bool:
        """A number is keyed in, and no key is missing."""
        return self._whole and bool(self.digits)

    @property
    def gap_ms(self) -> int:
        """How long after the latest key the number is over."""
        # Fewer than expected may be all there are: the bot guesses the number's length.
        enough = self._expected > 0 or len(self.digits) >= self._settings.least
        return self._settings.gap_ms if enough else self._missing_ms

    def press(self, key: str, *, over_answer: bool) -> Key:
        """Take a key.

        Args:
            key: 0-9, A-D, * or #.
            over_answer: the bot's answer to the latest turn has just begun.
        """
        if key == self._settings.terminator:
            return self._end()
        if not self.digits:
            self.digits, self._whole, self._full = self._slow if over_answer else "", False, False
        self._slow = ""
        most = self._expected or self._settings.most
        if len(self.digits) >= most:
            return Key.DROPPED
        self.digits += key
        self._whole = self._full = len(self.digits) >= most
        return Key.LAST if self._whole else Key.ADDED

    def _end(self) -> Key:
        if self._full:
            self._full = False
            return Key.DROPPED
        self._whole = True
        return Key.LAST

    def expect(self, digits: int) -> None:
        """The bot asked for a number of so many digits; 0 for nothing in particular."""
        self._expected = digits
        if digits:
            self._slow = ""

    def turn_over(self) -> None:
        """The caller's turn is over, with a number or without."""
        self._slow = ""
        self._full = self._full and bool(self.digits)

    def answered(self) -> None:
        """The bot has begun to answer: keys from now on belong to the caller's next turn."""
        if self.digits:
            self._slow = "" if self._whole else self.digits
            self.digits = ""
