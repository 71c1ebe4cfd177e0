"""The words of a call: each turn of the caller, and of each turn of the bot what was heard."""

from collections import deque
from dataclasses import dataclass
from typing import Final, Literal

from media_pod.call.events import Event, Recognized, SpeechPlayed

MAX_ENTRIES: Final = 1000
"""Of one call; the oldest are dropped first."""


@dataclass(frozen=True, slots=True)
class TranscriptEntry:
    """One turn of one side."""

    at_ms: int
    """When it ended, from the start of the call."""
    speaker: Literal["bot", "caller"]
    heard: str
    unheard: str = ""
    """What the bot was cut off from saying."""
    cut: bool = False
    """The caller interrupted: `at_ms` is when the bot fell silent."""


class Transcript:
    """The turns of one call, in order; a subscriber of its events."""

    def __init__(self) -> None:
        self.entries: deque[TranscriptEntry] = deque(maxlen=MAX_ENTRIES)

    def on_event(self, event: Event) -> None:
        """Keep what was said; a turn without a word leaves no entry."""
        match event:
            case SpeechPlayed() if event.heard or event.unheard:
                self.entries.append(
                    TranscriptEntry(event.at_ms, "bot", event.heard, event.unheard, event.cut)
                )
            case Recognized():
                if said := " ".join(filter(None, (event.text, event.digits))):
                    self.entries.append(TranscriptEntry(event.at_ms, "caller", said))
