"""What the pod reports of its one call, read while it happens."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

MAX_EVENTS: Final = 20_000
"""Of one call; later ones are not kept, but still count for the caller's cues."""


@dataclass(slots=True)
class ReportedRequest:
    """One request to a provider or a tool; times of the monotonic clock, in ns."""

    kind: str
    name: str
    text: str
    asked_ns: int
    answered_ns: int | None = None
    outcome: str = ""
    """finished, failed or cancelled; "" while it runs."""
    result: str = ""


@dataclass(slots=True)
class ReportedTurn:
    """One turn of the bot, and the caller's turn before it; times as above."""

    number: int
    """From 1; the greeting is the first."""
    began_ns: int
    words: str = ""
    """Of the caller."""
    digits: str = ""
    recognized_ns: int | None = None
    heard: list[str] = field(default_factory=list)
    unheard: list[str] = field(default_factory=list)
    cut: bool = False
    over: bool = False
    requests: list[ReportedRequest] = field(default_factory=list)


class CallLog:
    """The events of one call, in order. `read` takes them in."""

    def __init__(self) -> None:
        self.turns: list[ReportedTurn] = []
        self.heard_words = 0
        """Words of the bot's turn that were played so far."""
        self.ended_by = ""
        self.goto = ""
        self._requests: dict[int, ReportedRequest] = {}
        self._events = 0

    @property
    def number(self) -> int:
        """Of the bot's latest turn; 0 before the first."""
        return self.turns[-1].number if self.turns else 0

    @property
    def turn_is_over(self) -> bool:
        """The bot has finished its latest turn, and nothing was asked of it since."""
        return bool(self.turns) and self.turns[-1].over

    async def read(self, lines: asyncio.StreamReader) -> None:
        """Take in events until the pod ends."""
        while line := await lines.readline():
            self.take(json.loads(line))

    def take(self, event: Mapping[str, Any]) -> None:
        """Take in one event."""
        self._events += 1
        if event["event"] == "words":
            self.heard_words = event["count"]
        elif event["event"] == "ended":
            self.ended_by, self.goto = event["by"], event["goto"]
        elif event["event"] == "turn" and self._events <= MAX_EVENTS:
            self.heard_words = 0
            self.turns.append(ReportedTurn(event["number"], event["at_ns"]))
        elif self.turns and self._events <= MAX_EVENTS:
            self._take_of_turn(self.turns[-1], event)

    def _take_of_turn(self, turn: ReportedTurn, event: Mapping[str, Any]) -> None:
        match event["event"]:
            case "recognized":
                turn.words, turn.digits = event["text"], event["digits"]
                turn.recognized_ns = event["at_ns"]
            case "played":
                turn.heard += [event["heard"]] if event["heard"] else []
                turn.unheard += [event["unheard"]] if event["unheard"] else []
                turn.cut = turn.cut or event["cut"]
                turn.over = True
            case "requested":
                about = (event["kind"], event["provider"], event["text"], event["at_ns"])
                request = self._requests[event["request"]] = ReportedRequest(*about)
                turn.requests.append(request)
            case "answered" if known := self._requests.get(event["request"]):
                known.answered_ns = event["at_ns"]
            case "done" if known := self._requests.get(event["request"]):
                known.outcome, known.result = event["outcome"], event["text"]
