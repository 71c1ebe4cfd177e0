"""One call: the tick's audio in and out, and the conversation between them.

The pod's clock calls `frame` and `hear` once per tick; neither waits. What takes time is `Work`,
which an interruption cancels. What the work has said by then is in the playout, which is emptied in
the same tick. Everything that others may want to know is published as an event.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Final

from media_pod.call.call_events import CallEvents
from media_pod.call.caller_side import CallerSide
from media_pod.call.capture import Capture
from media_pod.call.ducking import Ducking
from media_pod.call.endpointing import PreRoll
from media_pod.call.event_bus import EventBus
from media_pod.call.events import (
    DTMF,
    BargeIn,
    CallRef,
    FalseStopSuspected,
    Recognized,
    SpeechPlayed,
)
from media_pod.call.greeting import is_protected, line_is_learned
from media_pod.call.inputs import Agents, CallerTick, CallSettings
from media_pod.call.keypad import Key
from media_pod.call.playout import Playout, Said
from media_pod.call.response import CallRequests, Responder
from media_pod.call.stop_judge import StopJudge
from media_pod.call.turn_machine import Effect, TurnEvent, TurnMachine, TurnState
from media_pod.call.work import Work
from media_pod.dialogues.ports import (
    CallerTurn,
    HangUp,
    Interruption,
    Transfer,
)
from media_pod.duplex.contract import TICK_MS
from media_pod.logs import call_logger
from media_pod.providers.ports import Pcm, Speech
from media_pod.providers.recognition import Recognition

HANG_UP_SILENCE_MS: Final = 200
"""Between the bot's last words and its hang-up, which would overtake what a jitter buffer still
holds. 200 ms is the default maximum of Asterisk's JITTERBUFFER; a caller hardly notices it."""

_logger = logging.getLogger(__name__)


class Call:
    """One connection of a call, from its UUID to its end.

    Args:
        ref: which call, and which connection of it.
        settings: from the manifest.
        agents: the pod's providers.
        bus: takes the call's events, `Ended` last.
        flush: drops the frames that the line has queued and not played.
    """

    def __init__(
        self,
        ref: CallRef,
        settings: CallSettings,
        agents: Agents,
        bus: EventBus,
        flush: Callable[[], None],
    ) -> None:
        self.ref = ref
        self._log = call_logger(_logger, ref.info.uuid)
        self.info = ref.info
        self._events = CallEvents(ref, bus)
        self.transcript = self._events.transcript
        self.last: CallerTick | None = None
        """The latest tick, for inspection."""
        self.hang_up_reason = ""
        self.goto = ""
        """Where in the dialplan the bot sends the caller, `context,exten,priority`; "" if it does
        not. Counts once the call is over."""
        self._settings = settings
        self._agents = agents
        self._flush = flush
        self._turn = TurnMachine()
        self._playout = Playout(settings.rate_hz, settings.rate_hz * TICK_MS // 1000)
        self._ducking = Ducking(self._playout, self._events)
        self._dialogue = agents.dialogue(ref.info, CallRequests(self._events.publish))
        self._caller = CallerSide(settings, early_replies=self._dialogue.early_replies)
        self._responder = self._make_responder(settings.provider_s)
        self._pre_roll = PreRoll(settings.pre_roll_ms, settings.rate_hz)
        self._capture = Capture(
            self._dialogue.ears or agents.stt,
            self._pre_roll,
            settings.max_utterance_ms * settings.rate_hz // 1000,
        )
        self._reply_begun = True
        """The bot has begun to answer the caller's latest turn."""
        self._confirmed = asyncio.Event()
        """The caller's latest turn is over."""
        self._recognized: tuple[str, str] | None = None
        """Words and digits of a turn that is not over yet."""
        self._sounded_ms = -HANG_UP_SILENCE_MS
        """When the bot last had something to play."""
        self._stop_judge = StopJudge()
        self._failed_before = False
        self._parting = agents.goodbye
        """What the caller hears when the pod ends the call."""
        self._work = Work(ref.info.uuid, settings.provider_s, self._done)

    def _make_responder(self, provider_s: float) -> Responder:
        return Responder(
            self._dialogue,
            self._agents.tts,
            self._agents.fixed,
            self._playout,
            self._events.publish,
            provider_s,
            on_speech=lambda: self._on(TurnEvent.SPEECH),
            on_leave=self._want_to_leave,
            on_expect=self._caller.expect,
            uuid=self.info.uuid,
        )

    @property
    def state(self) -> TurnState:
        """Where the conversation is."""
        return self._turn.state

    @property
    def over(self) -> bool:
        """Nothing is left to say: hang up."""
        return self._turn.state is TurnState.OVER

    @property
    def said(self) -> Said:
        """How far the bot's turn has come."""
        return self._playout.said()

    def start(self) -> None:
        """Let the bot greet."""
        self._work.start(self._responder.greet)

    def frame(self, frames_played: int | None = None) -> Pcm:
        """What is sent in this tick, int16 [samples]: silence where there is nothing to say.

        Args:
            frames_played: see `Playout.take`.
        """
        self._events.ticks += 1
        return self.more(frames_played)

    def more(self, frames_played: int | None) -> Pcm:
        """As `frame`, for a line that lacks one more: no time passes."""
        if not self._playout.empty:
            self._sounded_ms = self._events.now_ms
        return self._playout.take(frames_played)

    def sent(self, *, accepted: bool) -> None:
        """The line took the latest frame, or refused it: its speech is the next frame's then."""
        self._playout.sent(accepted=accepted)
        self._responder.played()
        if self._playout.empty and not self._work.running and not self._lingers():
            self._on(TurnEvent.SPOKEN)

    def _lingers(self) -> bool:
        """The hang-up waits until the bot's last words have reached the caller."""
        leaving = self.state in (TurnState.ENDING, TurnState.LEAVING)
        return leaving and self._events.now_ms - self._sounded_ms < HANG_UP_SILENCE_MS

    def skip(self, ticks: int) -> None:
        """Time passed in which nothing left: the pod was late."""
        self._events.ticks += ticks

    def hear(self, tick: CallerTick) -> None:
        """Take what the bank found out in this tick."""
        self.last = tick
        self._capture.push(
            tick.cleaned, tick.decision, tick.speech, line_learned=line_is_learned(tick)
        )
        self._stop_judge.hear(tick.speech, tick.decision)
        if self._events.now_ms >= self._settings.max_call_s * 1000:
            self._end_at_limit()
        protected = self._greeting_protected()
        if self._caller.begins_to_speak(tick, protected=protected):
            self._interrupt(tick.reason.name.lower(), self._pre_roll.since_onset_ms / 1000)
        elif self.state is TurnState.LISTENING and self._caller.goes_on(tick):
            self._on(TurnEvent.CALLER)
        self._ducking.follow(tick.decision, protected=protected)
        listening = self.state is TurnState.LISTENING
        event = self._caller.turn_event(tick, self._capture.partial, listening=listening)
        if event is not None:
            self._on(event)

    def digit(self, digit: str) -> None:
        """Take a DTMF digit, which interrupts like speech; see `Keypad`."""
        answering = self.state in (TurnState.SPEAKING, TurnState.ENDING)
        just_begun = answering and self._playout.heard_ms < self._settings.digits.gap_ms
        key = self._caller.keypad.press(digit, over_answer=just_begun)
        protected = self.state is TurnState.GREETING and self._settings.greeting == "never"
        if key is not Key.DROPPED and not protected:
            self._take_keys(last=key is Key.LAST)

    def _take_keys(self, *, last: bool) -> None:
        self._interrupt(DTMF, 0.0)
        self._caller.open_keys()
        if last:
            self._on(TurnEvent.CALLER_DONE)

    def dismiss(self, reason: str) -> None:
        """Say goodbye and end, because the pod cannot keep the call."""
        if self.state not in (TurnState.LEAVING, TurnState.OVER):
            self.hang_up_reason, self.goto = reason, ""
            self._on(TurnEvent.DISMISSED)

    def _end_at_limit(self) -> None:
        self._parting = self._agents.limit_goodbye
        self.dismiss(f"the limit of {self._settings.max_call_s} s")

    async def aclose(self, ended: str) -> None:
        """The connection is over: cancel what runs, and publish that `ended` ended the call."""
        self._ducking.over("faded")
        said = self._playout.stop()
        self._events.publish(SpeechPlayed, said.heard, said.unheard)
        try:
            await self._work.aclose()
            self._capture.discard()
            await self._responder.close_dialogue(self._settings.dialogue_close_s)
        finally:
            self._events.end(ended, self.goto)

    def _greeting_protected(self) -> bool:
        return self.state is TurnState.GREETING and is_protected(
            self._settings.greeting, self.last, self._playout.heard_ms
        )

    def _interrupt(self, reason: str, onset_ago_s: float) -> None:
        """The caller takes the turn; `reason` is the barge-in's if the bot was speaking."""
        speaking, cut = self._playout.speaking, self._playout.said()
        self._on(TurnEvent.CALLER)
        if speaking and cut.unheard and self.last is not None:
            self._ducking.over("stopped")
            event = self._events.barge_in(reason, onset_ago_s, self.last, cut)
            # A digit is never a false stop.
            self._stop_judge.stopped(event if onset_ago_s else None)

    def _interruption(self, said: Said) -> Interruption:
        begun = self._reply_begun
        words = (said.heard, said.unheard, said.heard_ms)
        return Interruption(*words, self._events.now_ms, begun, said.item_samples)

    def _on(self, event: TurnEvent) -> None:
        before = self._turn.state
        for effect in self._turn.on(event):
            self._do(effect, event)
        if before is not self._turn.state:
            self._log.debug("%s, now %s", event.value, self.state.value)
        if event is TurnEvent.SPOKEN and before is not self._turn.state:
            self._end_turn(greeting=before is TurnState.GREETING)
        elif event in (TurnEvent.SPEECH, TurnEvent.GOODBYE) and self._confirmed.is_set():
            self._answered()

    def _do(self, effect: Effect, event: TurnEvent) -> None:
        match effect:
            case Effect.HEAR:
                self._hear()
            case Effect.STOP:
                self._stop(by_caller=event is TurnEvent.CALLER)
            case Effect.CANCEL:
                self._capture.drop_taken()
                self._work.cancel()
            case Effect.REPLY:
                self._reply()
            case Effect.PREPARE:
                self._prepare()
            case Effect.RELEASE:
                self._release()
            case Effect.APOLOGISE:
                self._say_at_once(self._agents.apology)
            case Effect.SAY_GOODBYE:
                self.hang_up_reason = self.hang_up_reason or "providers failed twice in a row"
                self._say_at_once(self._parting)
            case Effect.HANG_UP:
                self.hang_up_reason = self.hang_up_reason or "the conversation is over"

    def _want_to_leave(self, act: HangUp | Transfer) -> None:
        if isinstance(act, Transfer):
            self.hang_up_reason, self.goto = f"the bot transferred to {act.goto}", act.goto
        else:
            self.hang_up_reason = act.reason
        self._on(TurnEvent.GOODBYE)

    def _hear(self) -> None:
        self.hang_up_reason = self.goto = ""
        self._caller.turn_end.open()
        # Keys alone are no speech: recognizers make words of noise.
        if self._caller.speaks or self._capture.unanswered:
            self._capture.open()

    def _stop(self, *, by_caller: bool) -> None:
        if self._playout.under_way:
            self._flush()
        was_held, said = self._playout.held, self._playout.stop()
        if not was_held:
            was_cut = by_caller and bool(said.unheard)
            self._events.publish(SpeechPlayed, said.heard, said.unheard, was_cut)
        if self._responder.interrupt(self._interruption(said)) and by_caller and said.heard:
            # It was cut while it worked.
            self._failed_before = False

    def _reply(self) -> None:
        self._prepare()
        self._release()

    def _prepare(self) -> None:
        self._playout.begin()
        self._playout.held = True
        self._confirmed, self._recognized, self._reply_begun = asyncio.Event(), None, False
        digits = self._caller.keypad.digits
        self._caller.keypad.turn_over()
        self._work.start(partial(self._answer, self._capture.take(), digits, self._confirmed))

    def _release(self) -> None:
        self._caller.turn_end.close()
        self._playout.held = False
        self._confirmed.set()
        if self._recognized is not None:
            self._publish_words(*self._recognized)
        if not self._playout.empty:
            self._on(TurnEvent.SPEECH)

    async def _answer(
        self, recognition: Recognition | None, digits: str, confirmed: asyncio.Event
    ) -> None:
        self._responder.begin_turn()
        text = "" if recognition is None else await self._responder.recognize(recognition)
        false_stop = self._false_stop(text, digits)
        if confirmed.is_set():
            self._publish_words(text, digits)
        else:
            self._recognized = (text, digits)
        await self._responder.answer(CallerTurn(text, digits, confirmed, false_stop is not None))

    def _false_stop(self, text: str, digits: str) -> BargeIn | None:
        # Ears need not have words for what they heard.
        words = bool(text or digits) or self._dialogue.ears is not None
        return self._stop_judge.false_stop(words=words)

    def _publish_words(self, text: str, digits: str) -> None:
        self._events.publish(Recognized, text, digits)
        if (stop := self._false_stop(text, digits)) is not None:
            self._events.publish(FalseStopSuspected, stop)
        self._stop_judge.stopped(None)
        if text or digits:
            # Not after a silence: a caller who is asked again still owes the number.
            self._caller.expect(0)

    def _answered(self) -> None:
        """The bot has answered: speech and digits from now on belong to the caller's next turn."""
        self._stop_judge.stopped(None)
        self._reply_begun = True
        self._capture.answered()
        self._caller.keypad.answered()

    def _end_turn(self, *, greeting: bool) -> None:
        keypad = self._caller.keypad
        kept = greeting and bool(keypad.digits)
        if not kept:
            self._answered()
        self._responder.dialogue_asked = False
        self._events.publish(SpeechPlayed, self._playout.said().heard)
        self._playout.begin()
        self._caller.turn_end.close()
        if kept:
            self._take_keys(last=keypad.whole)

    def _say_at_once(self, speeches: tuple[Speech, ...]) -> None:
        self._capture.discard()
        self._answered()
        self._caller.keypad.turn_over()
        self._caller.turn_end.close()
        for speech in speeches:
            self._playout.add(speech)

    def _done(self, failed: bool) -> None:
        if failed and self.state is TurnState.PREPARING:
            # Not heard by the caller: the turn's end asks again.
            self._on(TurnEvent.FAILED)
            return
        again, self._failed_before = self._failed_before, failed
        if failed:
            self._on(TurnEvent.FAILED_AGAIN if again else TurnEvent.FAILED)
