"""One call: what the tick hears and plays, and the conversation that comes of it.

The pod's clock calls `frame` and `hear` once per tick; neither waits. What takes time runs in one
task at most, which an interruption cancels; what it has said by then is in the playout, which is
emptied in the same tick.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from media_pod.agents.ports import (
    CallerTurn,
    CallInfo,
    DialogueFactory,
    Interruption,
    Pcm,
    ProviderError,
    Speech,
    Stt,
    Tts,
    Utterance,
)
from media_pod.call.bot_turn import BotTurn
from media_pod.call.hearing import PreRoll, TurnEnd
from media_pod.call.playout import Playout
from media_pod.call.transcript import Transcript
from media_pod.call.turn import Effect, Event, State, Turn
from media_pod.duplex.contract import TICK_MS, Decision, Reason
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
    erle_db: float


class Call:
    """One call, from its AudioSocket's UUID to its end.

    Args:
        info: what is known of it.
        settings: from the manifest.
        agents: the pod's providers.
        trace: its trace, ended in `aclose`.
        on_barge_in: told the seconds from the onset to the empty playout, at each interruption.
    """

    def __init__(
        self,
        info: CallInfo,
        settings: CallSettings,
        agents: Agents,
        trace: CallTrace,
        on_barge_in: Callable[[float], None],
    ) -> None:
        self.info = info
        self.transcript = Transcript()
        self.last: Heard | None = None
        """The latest tick, for whoever looks at the call."""
        self.hang_up_reason = ""
        self._settings = settings
        self._agents = agents
        self._trace = trace
        self._on_barge_in = on_barge_in
        self._turn = Turn()
        self._playout = Playout(settings.rate_hz, settings.rate_hz * TICK_MS // 1000)
        self._dialogue = agents.dialogue(info)
        self._bot = BotTurn(
            self._dialogue,
            agents.tts,
            self._playout,
            trace,
            settings.provider_s,
            on_speech=lambda: self._on(Event.SPEECH),
            on_hang_up=self._want_hang_up,
        )
        self._pre_roll = PreRoll(settings.pre_roll_ms)
        self._turn_end = TurnEnd(
            settings.end_silence_ms, settings.max_utterance_ms, settings.no_input_ms
        )
        self._utterance: Utterance | None = None
        self._unanswered: list[Pcm] = []
        self._digits = ""
        self._ticks = 0
        self._decision = Decision.NONE
        self._failed_before = False
        self._work: asyncio.Task[None] | None = None
        self._cancelled: set[asyncio.Task[None]] = set()

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
        self._run(self._bot.greet())

    def frame(self) -> Pcm:
        """What leaves in this tick, int16 [samples]: silence where there is nothing to say."""
        self._ticks += 1
        frame = self._playout.take()
        self._bot.played()
        if self._playout.empty and self._work is None:
            self._on(Event.SPOKEN)
        return frame

    def hear(self, heard: Heard) -> None:
        """Take what this tick made of the caller."""
        self.last = heard
        self._pre_roll.push(heard.cleaned, heard.decision)
        if self._utterance is not None:
            self._feed(heard.cleaned)
        rises = heard.decision is Decision.CALLER and self._decision is not Decision.CALLER
        self._decision = heard.decision
        if rises:
            self._on(Event.CALLER)
        if self._turn_end.step(heard.speech):
            self._on(Event.CALLER_DONE)
        elif self.state is State.LISTENING and self._turn_end.no_input:
            self._on(Event.NO_INPUT)

    def digit(self, digit: str) -> None:
        """Take a DTMF digit; it interrupts like speech, and # ends the turn."""
        if digit != "#":
            self._digits = (self._digits + digit)[:MAX_DIGITS]
        self._on(Event.CALLER)
        self._turn_end.open(keying=True)
        if digit == "#":
            self._on(Event.CALLER_DONE)

    def dismiss(self, reason: str) -> None:
        """Say goodbye and end, because the pod cannot keep the call."""
        self.hang_up_reason = reason
        self._on(Event.DISMISSED)

    async def aclose(self, ended: str) -> None:
        """The connection is gone: cancel what runs and end the trace with `ended`."""
        said = self._playout.said()
        self.transcript.bot(self._ticks * TICK_MS, said.heard, said.unheard)
        self._cancel()
        await asyncio.gather(*self._cancelled, return_exceptions=True)
        if self._utterance is not None:
            self._utterance.discard()
        self._trace.end(ended)

    def _on(self, event: Event) -> None:
        before = self._turn.state
        for effect in self._turn.on(event):
            self._EFFECTS[effect](self)
        if before is not self._turn.state:
            _logger.debug("call %s: %s, now %s", self.info.uuid, event.value, self.state.value)
        if event is Event.SPEECH:
            self._unanswered.clear()
        if event is Event.SPOKEN and before is not self._turn.state:
            self._unanswered.clear()
            self._bot.asked = False
            said = self._playout.said()
            self.transcript.bot(self._ticks * TICK_MS, said.heard)
            self._playout.begin()
            self._turn_end.close()

    def _want_hang_up(self, reason: str) -> None:
        self.hang_up_reason = reason
        self._on(Event.GOODBYE)

    def _hear(self) -> None:
        self._turn_end.open()
        if self._utterance is None:
            self._utterance = self._agents.stt.listen()
            earlier = np.concatenate([*self._unanswered, self._pre_roll.audio()])
            self._unanswered.clear()
            self._feed(earlier[-self._settings.max_utterance_ms * self._settings.rate_hz // 1000 :])

    def _feed(self, audio: Pcm) -> None:
        assert self._utterance is not None
        self._utterance.feed(audio)
        # Kept until the bot has answered: a caller who goes on while it thinks is one turn.
        self._unanswered.append(audio)

    def _stop(self) -> None:
        said = self._playout.stop()
        onset_ago_s = self._pre_roll.since_onset_ms / 1000
        at_ms = self._ticks * TICK_MS
        self.transcript.bot(at_ms, said.heard, said.unheard, cut=True)
        cut = Interruption(said.heard, said.unheard, said.heard_ms, at_ms)
        if self.last is not None and (said.heard_ms or said.unheard):
            reason = self.last.reason.name.lower()
            span = self._trace.bargein(reason, self.last.delay_ms, self.last.erle_db, onset_ago_s)
            span.set(heard(cut))
            span.end()
            self._on_barge_in(onset_ago_s)
        self.hang_up_reason = ""
        if not self._bot.asked:
            return
        self._bot.asked = False
        try:
            self._dialogue.interrupted(cut)
        except Exception:  # the edge at which a dialogue's bug stops
            _logger.exception("call %s: the dialogue failed at an interruption", self.info.uuid)

    def _cancel(self) -> None:
        if self._work is not None:
            self._work.cancel()
            self._cancelled.add(self._work)
            self._work.add_done_callback(self._cancelled.discard)
            self._work = None

    def _reply(self) -> None:
        utterance, self._utterance = self._utterance, None
        digits, self._digits = self._digits, ""
        self._turn_end.close()
        self._playout.begin()
        self._run(self._answer(utterance, digits))

    async def _answer(self, utterance: Utterance | None, digits: str) -> None:
        self._trace.turn()
        text = "" if utterance is None else await self._bot.recognize(utterance)
        self.transcript.caller(self._ticks * TICK_MS, " ".join(filter(None, (text, digits))))
        await self._bot.answer(CallerTurn(text, digits))

    def _apologise(self) -> None:
        self._say_at_once(self._agents.apology)

    def _say_goodbye(self) -> None:
        self._say_at_once(self._agents.goodbye)

    def _say_at_once(self, speeches: tuple[Speech, ...]) -> None:
        if self._utterance is not None:
            self._utterance.discard()
            self._utterance = None
        self._unanswered.clear()
        self._turn_end.close()
        self._playout.begin()
        for speech in speeches:
            self._playout.add(speech)

    def _hang_up(self) -> None:
        self.hang_up_reason = self.hang_up_reason or "the conversation is over"

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        self._cancel()
        self._work = asyncio.create_task(self._supervise(work))

    async def _supervise(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except ProviderError as error:
            _logger.warning("call %s: %s", self.info.uuid, error)
            failed = True
        except Exception:  # the edge at which a provider's bug stops; it costs one turn
            _logger.exception("call %s: a provider failed", self.info.uuid)
            failed = True
        else:
            failed = False
        if self._work is asyncio.current_task():
            self._work = None
        again, self._failed_before = self._failed_before, failed
        if failed:
            self._on(Event.FAILED_AGAIN if again else Event.FAILED)

    _EFFECTS: Final = {
        Effect.HEAR: _hear,
        Effect.STOP: _stop,
        Effect.CANCEL: _cancel,
        Effect.REPLY: _reply,
        Effect.APOLOGISE: _apologise,
        Effect.SAY_GOODBYE: _say_goodbye,
        Effect.HANG_UP: _hang_up,
    }
