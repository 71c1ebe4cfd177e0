"""One call: what the tick hears and plays, and the conversation that comes of it.

The pod's clock calls `frame` and `hear` once per tick; neither waits. What takes time is `Work`,
which an interruption cancels; what it has said by then is in the playout, which is emptied in the
same tick.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from media_pod.call.capture import Ears
from media_pod.call.endpointing import STILL_SPEECH, PreRoll, TurnEnd
from media_pod.call.playout import Playout, Said
from media_pod.call.response import BotTurn
from media_pod.call.transcript import Transcript
from media_pod.call.turn_machine import Effect, Event, State, Turn
from media_pod.call.work import Work
from media_pod.dialogues.ports import (
    CallerTurn,
    CallInfo,
    DialogueFactory,
    HangUp,
    Interruption,
    Transfer,
)
from media_pod.duplex.contract import TICK_MS, Decision, Reason
from media_pod.providers.ports import Pcm, Speech, Stt, Tts, Utterance
from media_pod.telemetry.call_metrics import DTMF, CallMetrics, Stop, echo_of
from media_pod.telemetry.call_trace import CallTrace, heard

MAX_DIGITS: Final = 64
"""Of one turn; more are dropped. Account and tracking numbers are half as long."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Agents:
    """The providers of a pod, and what to say when one of them fails."""

    stt: Stt
    dialogue: DialogueFactory
    tts: Tts
    apology: tuple[Speech, ...]
    """Ready to play, because it is needed when nothing else works."""
    goodbye: tuple[Speech, ...]


@dataclass(frozen=True, slots=True)
class CallSettings:
    """What a call takes from the manifest."""

    rate_hz: int
    pre_roll_ms: int
    end_silence_ms: int
    max_utterance_ms: int
    no_input_ms: int
    provider_s: float


@dataclass(frozen=True, slots=True)
class Heard:
    """What one tick made of one call's caller."""

    cleaned: Pcm
    speech: float
    decision: Decision
    reason: Reason
    delay_ms: float
    delay_confidence: float
    erle_db: float


class Call:
    """One call, from its AudioSocket's UUID to its end.

    Args:
        info: what is known of it.
        settings: from the manifest.
        agents: the pod's providers.
        trace: its trace, ended in `aclose`.
        metrics: the pod's.
        flush: forgets what the line has queued of the frames given.
    """

    def __init__(
        self,
        info: CallInfo,
        settings: CallSettings,
        agents: Agents,
        trace: CallTrace,
        metrics: CallMetrics,
        flush: Callable[[], None],
    ) -> None:
        self.info = info
        self.transcript = Transcript()
        self.last: Heard | None = None
        """The latest tick, for whoever looks at the call."""
        self.hang_up_reason = ""
        self.goto = ""
        """Where in the dialplan the bot sends the caller, `context,exten,priority`; "" if it does
        not. Counts once the call is over."""
        self._agents = agents
        self._trace = trace
        self._metrics = metrics
        self._flush = flush
        self._turn = Turn()
        self._playout = Playout(settings.rate_hz, settings.rate_hz * TICK_MS // 1000)
        self._dialogue = agents.dialogue(info)
        self._bot = self._bot_turn(settings.provider_s)
        self._pre_roll = PreRoll(settings.pre_roll_ms, settings.rate_hz)
        self._ears = Ears(
            agents.stt, self._pre_roll, settings.max_utterance_ms * settings.rate_hz // 1000
        )
        self._turn_end = TurnEnd(
            settings.end_silence_ms, settings.max_utterance_ms, settings.no_input_ms
        )
        self._digits = ""
        self._ticks = 0
        self._speaks = False
        """The caller speaks, as far as the bank and the pause since the last turn tell."""
        self._paused = False
        """The caller's turn ended by a pause that the bank takes for part of a phrase."""
        self._stopped_by: Stop | None = None
        """The interruption that began the caller's turn, until something is recognized or not."""
        self._failed_before = False
        self._work = Work(info.uuid, settings.provider_s, self._done)

    def _bot_turn(self, provider_s: float) -> BotTurn:
        return BotTurn(
            self._dialogue,
            self._agents.tts,
            self._playout,
            self._trace,
            self._metrics,
            provider_s,
            on_speech=lambda: self._on(Event.SPEECH),
            on_leave=self._want_to_leave,
        )

    @property
    def state(self) -> State:
        """Where the conversation is."""
        return self._turn.state

    @property
    def over(self) -> bool:
        """Nothing is left to say: hang up."""
        return self._turn.state is State.OVER

    def start(self) -> None:
        """Let the bot greet."""
        self._work.start(self._bot.greet)

    def frame(self, left: int | None = None) -> Pcm:
        """What is sent in this tick, int16 [samples]: silence where there is nothing to say.

        Args:
            left: see `Playout.take`.
        """
        self._ticks += 1
        return self.more(left)

    def more(self, left: int | None) -> Pcm:
        """As `frame`, for a line that lacks one more: no time passes."""
        frame = self._playout.take(left)
        self._bot.played()
        if self._playout.empty and not self._work.running:
            self._on(Event.SPOKEN)
        return frame

    def skip(self, ticks: int) -> None:
        """Time passed in which nothing left: the pod was late."""
        self._ticks += ticks

    def hear(self, heard: Heard) -> None:
        """Take what this tick made of the caller."""
        self.last = heard
        self._ears.push(heard.cleaned, heard.decision)
        if self._begins_to_speak(heard):
            self._interrupt(heard.reason.name.lower(), self._pre_roll.since_onset_ms / 1000)
        if self._turn_end.step(heard.speech):
            self._paused = heard.speech < STILL_SPEECH
            self._on(Event.CALLER_DONE)
        elif self.state is State.LISTENING and self._turn_end.no_input:
            self._on(Event.NO_INPUT)

    def digit(self, digit: str) -> None:
        """Take a DTMF digit; it interrupts like speech, and # ends the turn."""
        if digit != "#":
            self._digits = (self._digits + digit)[:MAX_DIGITS]
        self._interrupt(DTMF, 0.0)
        self._turn_end.open(keying=True)
        if digit == "#":
            self._on(Event.CALLER_DONE)

    def dismiss(self, reason: str) -> None:
        """Say goodbye and end, because the pod cannot keep the call."""
        if self.state not in (State.LEAVING, State.OVER):
            self.hang_up_reason, self.goto = reason, ""
            self._on(Event.DISMISSED)

    async def aclose(self, ended: str) -> None:
        """The connection is gone: cancel what runs and end the trace with `ended`."""
        said = self._playout.stop()
        self.transcript.bot(self._now_ms, said.heard, said.unheard)
        await self._work.aclose()
        self._ears.discard()
        self._trace.end(ended, self.goto)

    @property
    def _now_ms(self) -> int:
        return self._ticks * TICK_MS

    def _begins_to_speak(self, heard: Heard) -> bool:
        # The bank holds its decision through short pauses. A turn may end in one of them, and the
        # caller who then goes on has begun anew.
        before = self._speaks
        if heard.decision is not Decision.CALLER or heard.speech >= STILL_SPEECH:
            self._paused = False
        self._speaks = heard.decision is Decision.CALLER and not self._paused
        return self._speaks and not before

    def _interrupt(self, reason: str, onset_ago_s: float) -> None:
        """The caller takes the turn; `reason` is why, for those who ask why the bot stopped."""
        speaking = not self._playout.empty
        cut = self._interruption(self._playout.said())
        self._on(Event.CALLER)
        if speaking and cut.unheard and self.last is not None:
            delay_ms, erle_db = self.last.delay_ms, self.last.erle_db
            confidence = self.last.delay_confidence
            span = self._trace.bargein(reason, delay_ms, erle_db, onset_ago_s, confidence)
            span.set(heard(cut))
            span.tell({"heard": cut.heard, "unheard": cut.unheard})
            span.end()
            stop = Stop(reason, echo_of(delay_ms, confidence))
            self._metrics.stopped(stop, onset_ago_s, self._trace.trace_id_hex)
            # A key is nobody's mistake.
            self._stopped_by = stop if onset_ago_s else None

    def _interruption(self, said: Said) -> Interruption:
        return Interruption(said.heard, said.unheard, said.heard_ms, self._now_ms)

    def _on(self, event: Event) -> None:
        before = self._turn.state
        for effect in self._turn.on(event):
            self._do(effect, event)
        if before is not self._turn.state:
            _logger.debug("call %s: %s, now %s", self.info.uuid, event.value, self.state.value)
        if event is Event.SPOKEN and before is not self._turn.state:
            self._end_turn()
        elif event in (Event.SPEECH, Event.GOODBYE):
            self._answered()

    def _do(self, effect: Effect, event: Event) -> None:
        match effect:
            case Effect.HEAR:
                self._hear()
            case Effect.STOP:
                self._stop(by_caller=event is Event.CALLER)
            case Effect.CANCEL:
                self._ears.drop_taken()
                self._work.cancel()
            case Effect.REPLY:
                self._reply()
            case Effect.APOLOGISE:
                self._say_at_once(self._agents.apology)
            case Effect.SAY_GOODBYE:
                self.hang_up_reason = self.hang_up_reason or "providers failed twice in a row"
                self._say_at_once(self._agents.goodbye)
            case Effect.HANG_UP:
                self.hang_up_reason = self.hang_up_reason or "the conversation is over"

    def _want_to_leave(self, act: HangUp | Transfer) -> None:
        if isinstance(act, Transfer):
            self.hang_up_reason, self.goto = f"the bot transferred to {act.goto}", act.goto
        else:
            self.hang_up_reason = act.reason
        self._on(Event.GOODBYE)

    def _hear(self) -> None:
        self.hang_up_reason = self.goto = ""
        self._turn_end.open()
        # Keys alone are no speech: recognizers make words of noise.
        if self._speaks or self._ears.unanswered:
            self._ears.open()

    def _stop(self, *, by_caller: bool) -> None:
        if self._playout.under_way:
            self._flush()
        said = self._playout.stop()
        was_cut = by_caller and bool(said.unheard)
        self.transcript.bot(self._now_ms, said.heard, said.unheard, cut=was_cut)
        if not self._bot.asked:
            return
        self._bot.asked = False
        if by_caller and said.heard:
            # It was cut while it worked.
            self._failed_before = False
        try:
            self._dialogue.interrupted(self._interruption(said))
        except Exception:  # the edge at which a dialogue's bug stops
            _logger.exception("call %s: the dialogue failed at an interruption", self.info.uuid)

    def _reply(self) -> None:
        self._turn_end.close()
        self._playout.begin()
        self._work.start(partial(self._answer, self._ears.take(), self._digits))

    async def _answer(self, utterance: Utterance | None, digits: str) -> None:
        self._trace.turn()
        text = "" if utterance is None else await self._bot.recognize(utterance)
        self._trace.recognized(text, digits)
        self._judge(bool(text), bool(digits))
        self.transcript.caller(self._now_ms, " ".join(filter(None, (text, digits))))
        await self._bot.answer(CallerTurn(text, digits))

    def _judge(self, spoken: bool, keyed: bool) -> None:
        """Count the caller's turn, and whether the bot stopped for it in vain."""
        self._metrics.turn("speech" if spoken else "keys" if keyed else "silence")
        if self._stopped_by is not None and not spoken and not keyed:
            self._metrics.nothing_recognized(self._stopped_by)
        self._stopped_by = None

    def _answered(self) -> None:
        """Whatever the caller says or keys in from now on is a turn of its own."""
        self._stopped_by = None
        self._ears.answered()
        self._digits = ""

    def _end_turn(self) -> None:
        self._answered()
        self._bot.asked = False
        self.transcript.bot(self._now_ms, self._playout.said().heard)
        self._playout.begin()
        self._turn_end.close()

    def _say_at_once(self, speeches: tuple[Speech, ...]) -> None:
        self._ears.discard()
        self._answered()
        self._turn_end.close()
        for speech in speeches:
            self._playout.add(speech)

    def _done(self, failed: bool) -> None:
        again, self._failed_before = self._failed_before, failed
        if failed:
            self._on(Event.FAILED_AGAIN if again else Event.FAILED)
