"""Tools that act on the call itself: transfer, hang up, collect and send digits, hold.

A tool of this kind does nothing by itself: it leaves acts, which the agent performs after the text
of the reply in which the model called it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from media_pod.dialogues.agent.history import Step
from media_pod.dialogues.ports import Act, Expect, HangUp, Play, Transfer
from media_pod.manifest.tools import (
    CALL_TOOL_NAMES,
    CollectDigitsToolSettings,
    HangUpToolSettings,
    HoldToolSettings,
    SendDigitsToolSettings,
    ToolSettings,
    TransferToolSettings,
)
from media_pod.providers.chat import JsonObject, ToolSpec
from media_pod.providers.ports import Pcm
from media_pod.providers.tts.tones import digit_tones
from media_pod.tools.arguments import ArgumentSchema, ArgumentsError
from media_pod.tools.ports import Tool, ToolResult

MAX_SENT_DIGITS: Final = 32
MAX_COLLECTED_DIGITS: Final = 32
NOT_CARRIED_OUT: Final = "Not carried out: the caller interrupted."


@dataclass(slots=True)
class CallActs:
    """Acts that the tools of one call left, in order."""

    acts: list[Act] = field(default_factory=list)
    ends_turn: bool = False
    """The model is not asked again before the caller's next turn."""

    def take(self) -> list[Act]:
        """The acts; they are left once."""
        taken, self.acts, self.ends_turn = self.acts, [], False
        return taken

    def withdraw(self, step: Step | None) -> None:
        """The turn was interrupted before the acts of `step`, which had been left."""
        if self.take() and step is not None:
            for call in step.calls:
                if call.name in CALL_TOOL_NAMES:
                    step.results[call.id] = NOT_CARRIED_OUT


class CallTool:
    """One tool of this sort.

    Args:
        spec: for the model.
        act: leaves acts for valid arguments; returns what the model is told.
    """

    filler = ""

    def __init__(self, spec: ToolSpec, act: Callable[[JsonObject], str]) -> None:
        self.spec = spec
        self._schema = ArgumentSchema(spec.parameters)
        self._act = act

    async def call(self, arguments: JsonObject) -> ToolResult:
        """See `Tool.call`."""
        try:
            await self._schema.check(arguments)
        except ArgumentsError as error:
            return ToolResult(f"Error: {error}", is_error=True)
        return ToolResult(self._act(arguments))


class CallTools:
    """The tools of this sort that an agent has, for one call.

    Args:
        settings: the manifest's tools, of all kinds.
        places: dialplan location by name of the transfer.
        music: what a caller on hold is played, int16 [samples].
        rate_hz: of the line.
        acts: takes the acts.
    """

    def __init__(
        self,
        settings: Sequence[ToolSettings],
        places: Mapping[str, str],
        music: Pcm | None,
        rate_hz: int,
        acts: CallActs,
    ) -> None:
        self._places = places
        self._music = music
        self._rate_hz = rate_hz
        self._acts = acts
        self.tools: Sequence[Tool] = [made for each in settings if (made := self._make(each))]

    def _make(self, settings: ToolSettings) -> CallTool | None:
        match settings:
            case TransferToolSettings(places=places, when=when):
                return CallTool(_transfer_spec(places, when), self._transfer)
            case HangUpToolSettings():
                return CallTool(_HANG_UP, self._hang_up)
            case CollectDigitsToolSettings():
                return CallTool(_COLLECT, self._collect)
            case SendDigitsToolSettings():
                return CallTool(_SEND, self._send)
            case HoldToolSettings():
                return CallTool(_HOLD, self._hold)
        return None

    def _transfer(self, arguments: JsonObject) -> str:
        self._leave(Transfer(self._places[arguments["place"]]))
        return "The caller is being transferred."

    def _hang_up(self, arguments: JsonObject) -> str:
        self._leave(HangUp("the agent hung up"))
        return "The call ends."

    def _collect(self, arguments: JsonObject) -> str:
        self._leave(Expect(arguments["count"]))
        return "The digits will be in the caller's next message."

    def _send(self, arguments: JsonObject) -> str:
        digits = arguments["digits"]
        self._acts.acts.append(Play(f"digits {digits}", digit_tones(digits, self._rate_hz)))
        return "Sent."

    def _hold(self, arguments: JsonObject) -> str:
        assert self._music is not None, "the agent with this tool has music"
        self._leave(Play("music", self._music))
        return "The caller is on hold until they speak."

    def _leave(self, act: Act) -> None:
        self._acts.acts.append(act)
        self._acts.ends_turn = True


def _object(properties: JsonObject) -> JsonObject:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _transfer_spec(places: Sequence[str], when: str) -> ToolSpec:
    about = "Transfer the caller to a place; say where to in the same reply."
    place = {"type": "string", "enum": list(places), "description": "Where to."}
    return ToolSpec("transfer", f"{about} {when}".strip(), _object({"place": place}))


_HANG_UP: Final = ToolSpec(
    "hang_up", "End the call, after the goodbye in the same reply.", _object({})
)
_COLLECT: Final = ToolSpec(
    "collect_digits",
    "Wait for a number that the caller keys or speaks, after the question in the same reply. Use "
    "it whenever the length of the number is known.",
    _object(
        {
            "count": {
                "type": "integer",
                "minimum": 1,
                "maximum": MAX_COLLECTED_DIGITS,
                "description": "Number of digits.",
            }
        }
    ),
)
_SEND: Final = ToolSpec(
    "send_digits",
    "Send DTMF digits to the other side, such as to a menu.",
    _object(
        {
            "digits": {
                "type": "string",
                "pattern": f"^[0-9*#]{{1,{MAX_SENT_DIGITS}}}$",
                "description": "Digits, * and #, in order.",
            }
        }
    ),
)
_HOLD: Final = ToolSpec(
    "hold",
    "Play music to the caller until they speak; say so in the same reply.",
    _object({}),
)
