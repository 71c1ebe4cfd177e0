"""The built-in parcel desk: a rule-based dialogue without a language model.

It asks for a tracking number, confirms it, reports the parcel's location, reads a long delivery
policy, and can change the address. It is deterministic: the same turns give the same answers.
"""

from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto

from media_pod.dialogues.parcel_desk import script
from media_pod.dialogues.parcel_desk.intents import Intent, Understood, understand
from media_pod.dialogues.parcel_desk.script import Parcel
from media_pod.dialogues.ports import (
    Act,
    CallerTurn,
    CallInfo,
    DialogueState,
    HangUp,
    Interruption,
    RuleDialogue,
    Say,
    Transfer,
    checked_state,
)
from media_pod.providers.requests import RequestObserver

MAX_HOUSE_DIGITS = 4
PERSON_DIGIT = "0"
"""DTMF digit that asks for a person in any state; no tracking number begins with it."""
MAX_FAILURES = 3
"""Consecutive turns that were not understood after which the desk ends the call."""


class DeskState(Enum):
    """The desk's last question, which the caller's next turn answers."""

    NUMBER = auto()
    NUMBER_RIGHT = auto()
    WISH = auto()
    CUT = auto()
    """No question: the caller interrupted the status or the policy."""
    GO_ON = auto()
    """Whether to continue the interrupted text."""
    ADDRESS = auto()
    ADDRESS_RIGHT = auto()
    ENDED = auto()


@dataclass(frozen=True, slots=True)
class _Turn:
    """The desk's next turn: its sentences, and the state after it."""

    state: DeskState
    lines: tuple[str, ...]
    end: HangUp | Transfer | None = None
    """How the call ends after `lines`; None if it goes on."""
    failed: bool = False
    """Whether this turn counts as not understood."""


@dataclass(frozen=True, slots=True)
class _Cut:
    """An interrupted turn, and how the desk goes on if nobody has spoken."""

    rest: _Turn
    """From the interrupted sentence on."""
    unheard: tuple[str, ...]
    """As before the interruption."""


class ParcelDesk(RuleDialogue):
    """The `Dialogue` of one call to the parcel desk."""

    name = "parcelDesk"

    def __init__(self, call: CallInfo, observer: RequestObserver, person: str = "") -> None:
        """Start in state NUMBER.

        Args:
            call, observer: unused.
            person: dialplan location of a person, `context,exten,priority`; "" if there is none.
        """
        self.state = DeskState.NUMBER
        self._person = person
        self._failures = 0
        self._number = ""
        self._parcel: Parcel | None = None
        self._wanted = ("", "")
        self._said: tuple[str, ...] = ()
        self._end: HangUp | Transfer | None = None
        """After `_said`."""
        self._cut: _Cut | None = None
        """The latest turn, if it was interrupted."""
        self._unheard: tuple[str, ...] = ()
        """In CUT and GO_ON: the remaining sentences; not empty, the last one is a question."""

    async def greet(self) -> AsyncGenerator[Act, None]:
        """Greet the caller, and ask for the tracking number."""
        for act in self._speak(_Turn(DeskState.NUMBER, (script.GREETING, script.ASK_NUMBER))):
            yield act

    async def reply(self, turn: CallerTurn) -> AsyncGenerator[Act, None]:
        """Answer the caller's speech or DTMF."""
        if turn.false_stop and self._cut is not None:
            for act in self._speak(self._go_on_as_before(self._cut)):
                yield act
            return
        heard = understand(turn)
        if self.state in _YES_NO and (intent := _YES_NO_DIGITS.get(turn.digits.strip("*#"))):
            heard = Understood(intent)
        if turn.digits.strip("*#") == PERSON_DIGIT:
            heard = Understood(Intent.PERSON)
        handler = _TABLE[self.state].get(heard.intent) or _ANYWHERE.get(heard.intent)
        for act in self._speak(handler(self, heard) if handler else self._fail()):
            yield act

    def interrupted(self, cut: Interruption) -> None:
        """Store the sentences from the interrupted one on."""
        words = len(cut.heard.split())
        rest: tuple[str, ...] = ()
        for index, line in enumerate(self._said):
            words -= len(line.split())
            if words < 0:
                rest = self._said[index:]
                break
        self._cut = _Cut(_Turn(self.state, rest, self._end, failed=True), self._unheard)
        # Only the status and the policy are resumed; a question is asked again.
        content = tuple(line for line in rest if self._is_content(line))
        if self.state is DeskState.WISH and content:
            self.state, self._unheard = DeskState.CUT, rest
        elif self.state is DeskState.GO_ON:
            self._unheard = content + self._unheard

    def snapshot(self) -> DialogueState:
        """What the caller has said, and what the desk asked; see `Dialogue.snapshot`."""
        parcel = self._parcel
        return {
            "state": self.state.name,
            "failures": self._failures,
            "number": self._number,
            "address": None if parcel is None else [parcel.street, parcel.house],
            "wanted": list(self._wanted),
            "said": list(self._said),
            "unheard": list(self._unheard),
        }

    def restore(self, state: DialogueState) -> None:
        """See `Dialogue.restore`."""
        fields = ("state", "failures", "number", "address", "wanted", "said", "unheard")
        found = checked_state(state, self.name, *fields)
        self.state = DeskState[found["state"]]
        self._failures, self._number = found["failures"], found["number"]
        parcel = script.find_parcel(self._number) if found["address"] else None
        if parcel is not None:
            street, house = found["address"]
            parcel = replace(parcel, street=street, house=house)
        self._parcel = parcel
        street, house = found["wanted"]
        self._wanted = (street, house)
        self._said, self._unheard = tuple(found["said"]), tuple(found["unheard"])

    def _is_content(self, line: str) -> bool:
        return line in script.POLICY or (self._parcel is not None and line == self._parcel.status)

    def _speak(self, turn: _Turn) -> list[Act]:
        if not turn.failed:
            self._failures = 0
        self.state, self._said, self._end, self._cut = turn.state, turn.lines, turn.end, None
        acts: list[Act] = [Say(line) for line in turn.lines]
        return [*acts, turn.end] if turn.end else acts

    def _go_on_as_before(self, cut: _Cut) -> _Turn:
        self._unheard = cut.unheard
        return cut.rest

    def _ask(self, state: DeskState, *before: str) -> _Turn:
        return _Turn(state, (*before, self._question(state)))

    def _question(self, state: DeskState) -> str:
        street, house = self._wanted
        return {
            DeskState.NUMBER: script.ASK_NUMBER,
            DeskState.NUMBER_RIGHT: f"I have {script.spoken(self._number)}. {script.IS_THAT_RIGHT}",
            DeskState.WISH: script.ASK_WISH,
            DeskState.CUT: script.SHALL_I_GO_ON,
            DeskState.GO_ON: script.SHALL_I_GO_ON,
            DeskState.ADDRESS: script.ASK_ADDRESS,
            DeskState.ADDRESS_RIGHT: (
                f"That is {script.address(street, house)}. {script.IS_THAT_RIGHT}"
            ),
            DeskState.ENDED: script.GOODBYE,
        }[state]

    def _fail(self, excuse: str = script.SORRY) -> _Turn:
        self._failures += 1
        if self._failures >= MAX_FAILURES:
            return _Turn(DeskState.ENDED, (script.GIVE_UP,), HangUp("not understood"), failed=True)
        state = DeskState.GO_ON if self.state is DeskState.CUT else self.state
        hint = (_HINTS[state],) if self._failures > 1 else ()
        return replace(self._ask(state, excuse, *hint), failed=True)

    # Handlers of the tables below: the caller's turn -> the desk's turn.

    def take_number(self, heard: Understood) -> _Turn:
        """Read back a number of the right length."""
        if len(heard.digits) != script.NUMBER_DIGITS:
            self.state = DeskState.NUMBER
            return self._fail(f"I heard {script.spoken(heard.digits) or 'no digits'}.")
        self._number = heard.digits
        return self._ask(DeskState.NUMBER_RIGHT)

    def ask_number(self, heard: Understood) -> _Turn:
        """Ask for the tracking number, which all other steps need."""
        return self._ask(DeskState.NUMBER)

    def number_wrong(self, heard: Understood) -> _Turn:
        """Ask for the number again."""
        return self._ask(DeskState.NUMBER, "I am sorry.")

    def tell(self, heard: Understood) -> _Turn:
        """Report where the parcel is, and read the policy."""
        self._parcel = script.find_parcel(self._number)
        if self._parcel is None:
            self.state = DeskState.NUMBER
            return self._fail(f"I have no parcel {script.spoken(self._number)}.")
        self._wanted = (self._parcel.street, self._parcel.house)
        return self._ask(DeskState.WISH, self._parcel.status, *script.POLICY)

    def where(self, heard: Understood) -> _Turn:
        """Report where the parcel is, without the policy."""
        assert self._parcel is not None
        return self._ask(DeskState.WISH, self._parcel.status)

    def stopped(self, heard: Understood) -> _Turn:
        """Acknowledge that the caller stopped the policy."""
        return self._ask(DeskState.GO_ON, script.STOPPED)

    def go_on(self, heard: Understood) -> _Turn:
        """Continue from the start of the interrupted sentence."""
        return _Turn(DeskState.WISH, self._unheard)

    def repeat_cut(self, heard: Understood) -> _Turn:
        """Repeat the interrupted sentence, and offer the rest."""
        cut, *rest = self._unheard
        if len(rest) < 2:
            return self.go_on(heard)
        self._unheard = tuple(rest)
        return self._ask(DeskState.GO_ON, cut)

    def wish(self, heard: Understood) -> _Turn:
        """Leave the policy, and ask what else to do."""
        return self._ask(DeskState.WISH, "All right.")

    def ask_address(self, heard: Understood) -> _Turn:
        """Ask for the new address."""
        return self._ask(DeskState.ADDRESS)

    def take_place(self, heard: Understood) -> _Turn:
        """Read back the address with the parts that the caller gave."""
        if heard.intent is Intent.DIGITS and len(heard.digits) > MAX_HOUSE_DIGITS:
            return self._fail(f"I heard {script.spoken(heard.digits)}.")
        street, house = self._wanted
        self._wanted = (heard.street or street, heard.digits[:MAX_HOUSE_DIGITS] or house)
        return self._ask(DeskState.ADDRESS_RIGHT)

    def change_address(self, heard: Understood) -> _Turn:
        """Confirm the new address."""
        assert self._parcel is not None
        street, house = self._wanted
        self._parcel = replace(self._parcel, street=street, house=house)
        changed = f"Thank you. Your parcel goes to {script.address(street, house)}."
        return self._ask(DeskState.WISH, changed)

    def again(self, heard: Understood) -> _Turn:
        """Repeat the last turn."""
        return _Turn(self.state, self._said)

    def take_your_time(self, heard: Understood) -> _Turn:
        """Give the caller time."""
        return self._ask(self.state, script.TAKE_YOUR_TIME)

    def help(self, heard: Understood) -> _Turn:
        """Say what the desk can do."""
        state = DeskState.GO_ON if self.state is DeskState.CUT else self.state
        return self._ask(state, script.HELP, _HINTS[state])

    def person(self, heard: Understood) -> _Turn:
        """Transfer the caller to a person, if one is configured."""
        if self._person:
            return _Turn(DeskState.ENDED, (script.PUT_THROUGH,), Transfer(self._person))
        state = DeskState.GO_ON if self.state is DeskState.CUT else self.state
        return self._ask(state, script.NOBODY_ELSE)

    def goodbye(self, heard: Understood) -> _Turn:
        """End the call."""
        return _Turn(DeskState.ENDED, (script.GOODBYE,), HangUp("the caller is done"))


Handler = Callable[[ParcelDesk, Understood], _Turn]

_YES_NO = frozenset(
    {DeskState.NUMBER_RIGHT, DeskState.CUT, DeskState.GO_ON, DeskState.ADDRESS_RIGHT}
)
"""States in which the DTMF digits 1 and 2 mean yes and no."""
_YES_NO_DIGITS = {"1": Intent.YES, "2": Intent.NO}

_HINTS: Mapping[DeskState, str] = {
    DeskState.NUMBER: script.KEY_NUMBER,
    DeskState.NUMBER_RIGHT: script.KEY_YES_NO,
    DeskState.WISH: script.KEY_WISH,
    DeskState.GO_ON: script.KEY_YES_NO,
    DeskState.ADDRESS: script.KEY_ADDRESS,
    DeskState.ADDRESS_RIGHT: script.KEY_YES_NO,
    DeskState.ENDED: "",
}

# The rules:
# 1. The handler of an intent is looked up in the state's row, then in _ANYWHERE. Without a handler,
#    the turn was not understood: the desk asks again, then with a hint, and ends the call at the
#    third failure in a row.
# 2. An interruption of the status or the policy moves WISH to CUT. From CUT and GO_ON the desk
#    continues with the interrupted sentence, repeats it, or leaves the policy.
# 3. A "no" may contain the correction: "no, 4 7 1 3".
# 4. ENDED is final: the desk answers every turn with goodbye.
_ANYWHERE: Mapping[Intent, Handler] = {
    Intent.GOODBYE: ParcelDesk.goodbye,
    Intent.STOP: ParcelDesk.take_your_time,
    Intent.REPEAT: ParcelDesk.again,
    Intent.HELP: ParcelDesk.help,
    Intent.PERSON: ParcelDesk.person,
}
_TABLE: Mapping[DeskState, Mapping[Intent, Handler]] = {
    DeskState.NUMBER: {
        Intent.DIGITS: ParcelDesk.take_number,
        Intent.PLACE: ParcelDesk.take_number,
        Intent.WHERE: ParcelDesk.ask_number,
        Intent.ADDRESS: ParcelDesk.ask_number,
    },
    DeskState.NUMBER_RIGHT: {
        Intent.YES: ParcelDesk.tell,
        Intent.NO: ParcelDesk.number_wrong,
        Intent.DIGITS: ParcelDesk.take_number,
    },
    DeskState.WISH: {
        Intent.ADDRESS: ParcelDesk.ask_address,
        Intent.PLACE: ParcelDesk.take_place,
        Intent.WHERE: ParcelDesk.where,
        Intent.YES: ParcelDesk.ask_address,
        Intent.NO: ParcelDesk.goodbye,
    },
    DeskState.CUT: {
        Intent.STOP: ParcelDesk.stopped,
        Intent.REPEAT: ParcelDesk.repeat_cut,
        Intent.YES: ParcelDesk.go_on,
        Intent.CONTINUE: ParcelDesk.go_on,
        Intent.NO: ParcelDesk.stopped,
        Intent.ADDRESS: ParcelDesk.ask_address,
        Intent.PLACE: ParcelDesk.take_place,
        Intent.WHERE: ParcelDesk.where,
    },
    DeskState.GO_ON: {
        Intent.STOP: ParcelDesk.wish,
        Intent.REPEAT: ParcelDesk.repeat_cut,
        Intent.YES: ParcelDesk.go_on,
        Intent.CONTINUE: ParcelDesk.go_on,
        Intent.NO: ParcelDesk.wish,
        Intent.ADDRESS: ParcelDesk.ask_address,
        Intent.PLACE: ParcelDesk.take_place,
        Intent.WHERE: ParcelDesk.where,
    },
    DeskState.ADDRESS: {
        Intent.PLACE: ParcelDesk.take_place,
        Intent.DIGITS: ParcelDesk.take_place,
        Intent.NO: ParcelDesk.wish,
    },
    DeskState.ADDRESS_RIGHT: {
        Intent.YES: ParcelDesk.change_address,
        Intent.NO: ParcelDesk.ask_address,
        Intent.PLACE: ParcelDesk.take_place,
        Intent.DIGITS: ParcelDesk.take_place,
    },
    DeskState.ENDED: dict.fromkeys(Intent, ParcelDesk.goodbye),
}
