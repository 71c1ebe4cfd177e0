"""The caller's side of a turn: when the caller begins to speak, pauses and is done, and keys.

Nothing here acts. The call asks in every tick, and moves the conversation on.
"""

from media_pod.call.endpointing import STILL_SPEECH, TurnEnd
from media_pod.call.inputs import CallerTick, CallSettings
from media_pod.call.keypad import Keypad
from media_pod.call.turn_machine import TurnEvent
from media_pod.dialogues.turn_taking.end_of_turn import Expectation, silence_ms
from media_pod.duplex.contract import Decision


class CallerSide:
    """What one caller does.

    Args:
        settings: from the manifest.
        early_replies: whether pauses that are likely the end of a turn are of interest.
    """

    def __init__(self, settings: CallSettings, *, early_replies: bool) -> None:
        self.keypad = Keypad(settings.digits, settings.no_input_ms)
        self.speaks = False
        """The caller speaks, by the bank's decision and the pause since the last turn."""
        self.turn_end = TurnEnd(
            settings.silences.normal_ms,
            settings.max_utterance_ms,
            settings.no_input_ms,
            settings.early_reply_ms if early_replies else 0,
        )
        self._silences = settings.silences
        self._expectation = Expectation()
        self._partial = ""
        self._paused = False
        """The caller's turn ended by a pause that the bank takes for part of a phrase."""

    def begins_to_speak(self, tick: CallerTick, *, protected: bool) -> bool:
        """The caller begins to speak in this tick.

        Args:
            tick: what the bank found out.
            protected: the bot cannot be interrupted now; a caller who speaks on begins later.
        """
        # The bank holds its decision through short pauses. A turn may end in one of them, and the
        # caller who then goes on begins a new one.
        before = self.speaks
        if tick.decision is not Decision.CALLER or tick.speech >= STILL_SPEECH:
            self._paused = False
        speaks = tick.decision is Decision.CALLER and not self._paused
        self.speaks = speaks and (before or not protected)
        return self.speaks and not before

    def turn_event(self, tick: CallerTick, partial: str, *, listening: bool) -> TurnEvent | None:
        """What this tick means for the turn: it is over, likely over, or will not be one.

        Args:
            tick: what the bank found out.
            partial: the words of the turn so far.
            listening: the bot waits for the caller.
        """
        if partial != self._partial:
            self._use_words(partial)
        if self.turn_end.step(tick.speech):
            self._paused = tick.speech < STILL_SPEECH
            return TurnEvent.CALLER_DONE
        if not self.keypad.digits and self.turn_end.likely_over():
            self._paused = True
            return TurnEvent.PAUSED
        return TurnEvent.NO_INPUT if listening and self.turn_end.no_input else None

    def goes_on(self, tick: CallerTick) -> bool:
        """The caller, whose turn is over, has not stopped speaking since."""
        return self.speaks and not self.turn_end.is_open and tick.speech >= STILL_SPEECH

    def open_keys(self) -> None:
        """Keys are the caller's turn, or part of it."""
        self.turn_end.open(gap_ms=self.keypad.gap_ms)

    def expect(self, digits: int) -> None:
        """The bot asked for a number of so many digits; 0 for nothing in particular."""
        self.keypad.expect(digits)
        self._expectation = Expectation(digits=digits)
        self._use_words("")

    def _use_words(self, partial: str) -> None:
        """The silence that ends the caller's turn depends on its words."""
        self._partial = partial
        self.turn_end.end_silence_ms = silence_ms(partial, self._expectation, self._silences)
