"""The embedded dialogue: a parcel desk that needs no language model.

It asks for a tracking number, reads it back, says where the parcel is, reads a long policy, and
takes a correction of the address. It is deterministic: the same turns give the same answers.
"""

from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto

from media_pod.dialogues.parcel_desk import script
from media_pod.dialogues.parcel_desk.intents import Heard, Intent, understand
from media_pod.dialogues.parcel_desk.script import Parcel
from media_pod.dialogues.ports import Act, CallerTurn, CallInfo, HangUp, Interruption, Say, Transfer

MAX_HOUSE_DIGITS = 4
PERSON_KEY = "0"
"""The key that asks for a person anywhere; no tracking number begins with it."""
MAX_FAILURES = 3
"""Turns in a row that were not understood; with the third the desk ends the call."""


class State(Enum):
    """What the desk has asked, and so what the next turn answers."""

    NUMBER = auto()
    NUMBER_RIGHT = auto()
    WISH = auto()
    CUT = auto()
    """Nothing: the caller spoke over the status or the policy."""
    GO_ON = auto()
    """Whether to go on with what was cut."""
    ADDRESS = auto()
    ADDRESS_RIGHT = auto()
    ENDED = auto()


@dataclass(frozen=True, slots=True)
class _Turn:
    """What the desk says next, a sentence each, and the state that it asks for."""

    state: State
    lines: tuple[str, ...]
    end: HangUp | Transfer | None = None
    """How the call leaves the desk after `lines`, if it does."""
    failed: bool = False
    """Whether this turn counts as not understood."""


class ParcelDesk:
    """One call to the parcel desk, as a `Dialogue`."""

    def __init__(self, call: CallInfo, person: str = "") -> None:
        """A call that has not said anything yet.

        Args:
            call: nothing of it matters to the desk.
            person: where in the dialplan a person answers, `context,exten,priority`; "" for nobody.
        """
        self.state = State.NUMBER
        self._person = person
        self._failures = 0
        self._number = ""
        self._parcel: Parcel | None = None
        self._wanted = ("", "")
        self._said: tuple[str, ...] = ()
        self._unheard: tuple[str, ...] = ()
        """In CUT and GO_ON: the sentences to go on with, never empty, a question the last."""

    async def greet(self) -> AsyncGenerator[Act, None]:
        """Greet, and ask for the tracking number."""
        for act in self._speak(_Turn(State.NUMBER, (script.GREETING, script.ASK_NUMBER))):
            yield act

    async def reply(self, turn: CallerTurn) -> AsyncGenerator[Act, None]:
        """Answer what the caller said or keyed in."""
        heard = understand(turn)
        if self.state in _YES_NO and (intent := _YES_NO_KEYS.get(turn.digits.strip("*#"))):
            heard = Heard(intent)
        if turn.digits.strip("*#") == PERSON_KEY:
            heard = Heard(Intent.PERSON)
        handler = _TABLE[self.state].get(heard.intent) or _ANYWHERE.get(heard.intent)
        for act in self._speak(handler(self, heard) if handler else self._fail()):
            yield act

    def interrupted(self, cut: Interruption) -> None:
        """Note which sentence the caller did not hear to its end."""
        words = len(cut.heard.split())
        rest: tuple[str, ...] = ()
        for index, line in enumerate(self._said):
            words -= len(line.split())
            if words < 0:
                rest = self._said[index:]
                break
        # Only status and policy are worth resuming; a question is just asked again.
        content = tuple(line for line in rest if self._is_content(line))
        if self.state is State.WISH and content:
            self.state, self._unheard = State.CUT, rest
        elif self.state is State.GO_ON:
            self._unheard = content + self._unheard

    def _is_content(self, line: str) -> bool:
        return line in script.POLICY or (self._parcel is not None and line == self._parcel.status)

    def _speak(self, turn: _Turn) -> list[Act]:
        if not turn.failed:
            self._failures = 0
        self.state, self._said = turn.state, turn.lines
        acts: list[Act] = [Say(line) for line in turn.lines]
        return [*acts, turn.end] if turn.end else acts

    def _ask(self, state: State, *before: str) -> _Turn:
        return _Turn(state, (*before, self._question(state)))

    def _question(self, state: State) -> str:
        street, house = self._wanted
        return {
            State.NUMBER: script.ASK_NUMBER,
            State.NUMBER_RIGHT: f"I have {script.spoken(self._number)}. {script.IS_THAT_RIGHT}",
            State.WISH: script.ASK_WISH,
            State.CUT: script.SHALL_I_GO_ON,
            State.GO_ON: script.SHALL_I_GO_ON,
            State.ADDRESS: script.ASK_ADDRESS,
            State.ADDRESS_RIGHT: f"That is {script.address(street, house)}. {script.IS_THAT_RIGHT}",
            State.ENDED: script.GOODBYE,
        }[state]

    def _fail(self, excuse: str = script.SORRY) -> _Turn:
        self._failures += 1
        if self._failures >= MAX_FAILURES:
            return _Turn(State.ENDED, (script.GIVE_UP,), HangUp("not understood"), failed=True)
        state = State.GO_ON if self.state is State.CUT else self.state
        hint = (_HINTS[state],) if self._failures > 1 else ()
        return replace(self._ask(state, excuse, *hint), failed=True)

    # What a turn leads to: the handlers of the tables below.

    def take_number(self, heard: Heard) -> _Turn:
        """Read a number of the right length back."""
        if len(heard.digits) != script.NUMBER_DIGITS:
            self.state = State.NUMBER
            return self._fail(f"I heard {script.spoken(heard.digits) or 'no digits'}.")
        self._number = heard.digits
        return self._ask(State.NUMBER_RIGHT)

    def ask_number(self, heard: Heard) -> _Turn:
        """Ask for the number that everything else needs."""
        return self._ask(State.NUMBER)

    def number_wrong(self, heard: Heard) -> _Turn:
        """Ask for the number again."""
        return self._ask(State.NUMBER, "I am sorry.")

    def tell(self, heard: Heard) -> _Turn:
        """Say where the parcel is and read the policy."""
        self._parcel = script.find_parcel(self._number)
        if self._parcel is None:
            self.state = State.NUMBER
            return self._fail(f"I have no parcel {script.spoken(self._number)}.")
        self._wanted = (self._parcel.street, self._parcel.house)
        return self._ask(State.WISH, self._parcel.status, *script.POLICY)

    def where(self, heard: Heard) -> _Turn:
        """Say where the parcel is, without the policy."""
        assert self._parcel is not None
        return self._ask(State.WISH, self._parcel.status)

    def stopped(self, heard: Heard) -> _Turn:
        """Acknowledge that the caller stopped the policy."""
        return self._ask(State.GO_ON, script.STOPPED)

    def go_on(self, heard: Heard) -> _Turn:
        """Go on from the beginning of the sentence that was cut."""
        return _Turn(State.WISH, self._unheard)

    def repeat_cut(self, heard: Heard) -> _Turn:
        """Say the sentence that was cut once more, and offer the rest."""
        cut, *rest = self._unheard
        if len(rest) < 2:
            return self.go_on(heard)
        self._unheard = tuple(rest)
        return self._ask(State.GO_ON, cut)

    def wish(self, heard: Heard) -> _Turn:
        """Leave the policy and ask what else there is to do."""
        return self._ask(State.WISH, "All right.")

    def ask_address(self, heard: Heard) -> _Turn:
        """Ask for the new address."""
        return self._ask(State.ADDRESS)

    def take_place(self, heard: Heard) -> _Turn:
        """Read the address back, with what the caller gave of it."""
        if heard.intent is Intent.DIGITS and len(heard.digits) > MAX_HOUSE_DIGITS:
            return self._fail(f"I heard {script.spoken(heard.digits)}.")
        street, house = self._wanted
        self._wanted = (heard.street or street, heard.digits[:MAX_HOUSE_DIGITS] or house)
        return self._ask(State.ADDRESS_RIGHT)

    def change_address(self, heard: Heard) -> _Turn:
        """Confirm the new address."""
        assert self._parcel is not None
        street, house = self._wanted
        self._parcel = replace(self._parcel, street=street, house=house)
        changed = f"Thank you. Your parcel goes to {script.address(street, house)}."
        return self._ask(State.WISH, changed)

    def again(self, heard: Heard) -> _Turn:
        """Say the last turn again."""
        return _Turn(self.state, self._said)

    def take_your_time(self, heard: Heard) -> _Turn:
        """Let a caller who asks for a moment have it."""
        return self._ask(self.state, script.TAKE_YOUR_TIME)

    def help(self, heard: Heard) -> _Turn:
        """Say what the desk can do."""
        state = State.GO_ON if self.state is State.CUT else self.state
        return self._ask(state, script.HELP, _HINTS[state])

    def person(self, heard: Heard) -> _Turn:
        """Put the caller through to a person, if there is one."""
        if self._person:
            return _Turn(State.ENDED, (script.PUT_THROUGH,), Transfer(self._person))
        state = State.GO_ON if self.state is State.CUT else self.state
        return self._ask(state, script.NOBODY_ELSE)

    def goodbye(self, heard: Heard) -> _Turn:
        """End the call."""
        return _Turn(State.ENDED, (script.GOODBYE,), HangUp("the caller is done"))


Handler = Callable[[ParcelDesk, Heard], _Turn]

_YES_NO = frozenset({State.NUMBER_RIGHT, State.CUT, State.GO_ON, State.ADDRESS_RIGHT})
"""Where the keys 1 and 2 mean yes and no."""
_YES_NO_KEYS = {"1": Intent.YES, "2": Intent.NO}

_HINTS: Mapping[State, str] = {
    State.NUMBER: script.KEY_NUMBER,
    State.NUMBER_RIGHT: script.KEY_YES_NO,
    State.WISH: script.KEY_WISH,
    State.GO_ON: script.KEY_YES_NO,
    State.ADDRESS: script.KEY_ADDRESS,
    State.ADDRESS_RIGHT: script.KEY_YES_NO,
    State.ENDED: "",
}

# The rules:
# 1. A turn is looked up in its state's row, then in the row for anywhere. What is in neither was
#    not understood: the desk asks again, then with a hint, and the third time in a row it ends.
# 2. An interruption of the status or the policy moves WISH to CUT. From there and from GO_ON the
#    desk goes on from the sentence that was cut, repeats it, or leaves the policy.
# 3. A correction may come with the no: "no, 4 7 1 3".
# 4. Nothing follows ENDED: whatever is said, the desk says goodbye.
_ANYWHERE: Mapping[Intent, Handler] = {
    Intent.GOODBYE: ParcelDesk.goodbye,
    Intent.STOP: ParcelDesk.take_your_time,
    Intent.REPEAT: ParcelDesk.again,
    Intent.HELP: ParcelDesk.help,
    Intent.PERSON: ParcelDesk.person,
}
_TABLE: Mapping[State, Mapping[Intent, Handler]] = {
    State.NUMBER: {
        Intent.DIGITS: ParcelDesk.take_number,
        Intent.PLACE: ParcelDesk.take_number,
        Intent.WHERE: ParcelDesk.ask_number,
        Intent.ADDRESS: ParcelDesk.ask_number,
    },
    State.NUMBER_RIGHT: {
        Intent.YES: ParcelDesk.tell,
        Intent.NO: ParcelDesk.number_wrong,
        Intent.DIGITS: ParcelDesk.take_number,
    },
    State.WISH: {
        Intent.ADDRESS: ParcelDesk.ask_address,
        Intent.PLACE: ParcelDesk.take_place,
        Intent.WHERE: ParcelDesk.where,
        Intent.YES: ParcelDesk.ask_address,
        Intent.NO: ParcelDesk.goodbye,
    },
    State.CUT: {
        Intent.STOP: ParcelDesk.stopped,
        Intent.REPEAT: ParcelDesk.repeat_cut,
        Intent.YES: ParcelDesk.go_on,
        Intent.CONTINUE: ParcelDesk.go_on,
        Intent.NO: ParcelDesk.stopped,
        Intent.ADDRESS: ParcelDesk.ask_address,
        Intent.PLACE: ParcelDesk.take_place,
        Intent.WHERE: ParcelDesk.where,
    },
    State.GO_ON: {
        Intent.STOP: ParcelDesk.wish,
        Intent.REPEAT: ParcelDesk.repeat_cut,
        Intent.YES: ParcelDesk.go_on,
        Intent.CONTINUE: ParcelDesk.go_on,
        Intent.NO: ParcelDesk.wish,
        Intent.ADDRESS: ParcelDesk.ask_address,
        Intent.PLACE: ParcelDesk.take_place,
        Intent.WHERE: ParcelDesk.where,
    },
    State.ADDRESS: {
        Intent.PLACE: ParcelDesk.take_place,
        Intent.DIGITS: ParcelDesk.take_place,
        Intent.NO: ParcelDesk.wish,
    },
    State.ADDRESS_RIGHT: {
        Intent.YES: ParcelDesk.change_address,
        Intent.NO: ParcelDesk.ask_address,
        Intent.PLACE: ParcelDesk.take_place,
        Intent.DIGITS: ParcelDesk.take_place,
    },
    State.ENDED: dict.fromkeys(Intent, ParcelDesk.goodbye),
}
