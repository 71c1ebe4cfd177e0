"""The pod's only clock: every 20 ms it writes, gathers, steps and dispatches, for all calls.

The grid is absolute: tick n is due at start + n * 20 ms, also after a late tick. A tick that is a
whole period late is skipped and counted. Over AudioSocket no frame is sent to catch up, because
Asterisk passes a burst on as it comes; a line with a queue gets the frames it lacks. The bank is
stepped for skipped ticks too, with what was played in them (silence, or what the line had queued),
so that the lag of the echo stays what it was; but only if the tick before was in time, or a pod
that is too slow would slow itself down further.

Writes come first: pacing never waits for signal processing.

A call that raises is hung up, and the others go on. All calls share the bank: its errors end the
clock.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final, Protocol

import numpy as np

from media_pod.call.inputs import CallerTick
from media_pod.calls.registry import Leg
from media_pod.duplex.contract import TICK_MS, Decision, DuplexBank, Pcm, Reason, Step
from media_pod.logs import call_logger
from media_pod.telemetry.tick_metrics import TickMetrics
from media_pod.transport.line import Digit, LineEvent, Skipped

TICK_S: Final = TICK_MS / 1000
MAX_CATCH_UP_TICKS: Final = 5
"""Skipped ticks that the bank is stepped for: 100 ms. After a longer stall the tracker relocks."""
MAX_LOST_TICKS: Final = 50
"""1 s: of a longer stall no more is taken from the calls' queues, they are empty by then."""
_ECHO_METRIC_TICKS: Final = 50
"""Echo figures are observed once a second and call."""

_logger = logging.getLogger(__name__)


class Tap(Protocol):
    """Sees every step; for recordings, inspectors and tests."""

    def step(self, legs: dict[int, Leg], caller: Pcm, played: Pcm, step: Step) -> None:
        """One step of the bank: its input [slots, samples], its output, the calls by slot."""


class PodClock:
    """The ticks of one pod.

    Args:
        bank: the duplex core.
        legs: the connected calls by slot. They are the registry's, which `on_end` has forget one.
        metrics: ticks, late ticks, decisions and echo figures go there.
        now: monotonic time in seconds.
        on_end: called with each leg whose connection is over, once its slot is closed.
        on_hang_up: called with each leg just before the bot hangs up.
        tap: sees every step, if given.
    """

    def __init__(
        self,
        bank: DuplexBank,
        legs: dict[int, Leg],
        metrics: TickMetrics,
        now: Callable[[], float],
        on_end: Callable[[Leg], None],
        on_hang_up: Callable[[Leg], None],
        tap: Tap | None = None,
    ) -> None:
        self._bank = bank
        self._metrics = metrics
        self._now = now
        self._on_end = on_end
        self._on_hang_up = on_hang_up
        self._tap = tap
        self._legs = legs
        self.ticks = 0
        self.last_tick_s = now()
        """When the latest tick began."""
        samples = bank.rate * TICK_MS // 1000
        self._caller = np.zeros((bank.slots, samples), np.int16)
        self._played = np.zeros((bank.slots, samples), np.int16)
        self._slipped = np.zeros(bank.slots, np.int32)
        self._frames = [frame.data.cast("B") for frame in self._played]
        """Each slot's part of `_played`, as lines send it."""
        self._in_time = True

    def join(self, leg: Leg, phase: int = 0) -> None:
        """A call is connected: from the next tick on, silence at least leaves.

        Args:
            leg: the call's connection.
            phase: see `DuplexBank.open`.
        """
        self._bank.open(leg.slot, phase)

    async def run(self) -> None:
        """Tick until cancelled, or until the bank fails."""
        started, due = self._now(), 0
        self.last_tick_s = started
        while True:
            due += 1
            await asyncio.sleep(started + due * TICK_S - self._now())
            passed_s = self._now() - started
            self._metrics.lateness(max(passed_s - due * TICK_S, 0.0))
            late = int(passed_s / TICK_S) - due
            if late > 0:
                due += late
                self.skip(late)
            self._in_time = late <= 0
            self.tick()

    def tick(self) -> None:
        """One tick: write, gather, step, dispatch."""
        began = self.last_tick_s = self._now()
        self.ticks += 1
        self._write()
        wrote = self._now()
        self._gather(began)
        gathered = self._now()
        stepped = self._step()
        ended = self._now()
        self._metrics.tick(wrote - began, gathered - wrote, stepped - gathered, ended - stepped)

    def skip(self, ticks: int) -> None:
        """`ticks` were missed: nothing was sent in them, and lines played on what they had."""
        self._metrics.late_ticks(ticks)
        if ticks > MAX_CATCH_UP_TICKS:
            _logger.warning("stalled for %d ms: nothing was sent, lags are lost", ticks * TICK_MS)
        for leg in self._legs.values():
            leg.call.skip(ticks)
        lost = min(ticks, MAX_LOST_TICKS)
        # All of the lines' ticks first: what the first gather reads is from the end of them.
        played = [self._play_unheard() for _ in range(lost)]
        if self._in_time and ticks <= MAX_CATCH_UP_TICKS:
            for frames in played:
                self._played[:] = frames
                self._gather(self._now())
                self._step()
        else:
            for leg in self._legs.values():
                for _ in range(lost):
                    leg.stream.take()

    def _play_unheard(self) -> Pcm:
        """What is played in a tick in which nothing is sent, int16 [slots, samples]."""
        self._played[:] = 0
        self._play()
        return self._played.copy()

    def _write(self) -> None:
        self._played[:] = 0
        ready: list[tuple[int, Leg]] = []
        for slot, leg in self._legs.items():
            needed = leg.connection.frames_needed
            try:
                if needed > 1:
                    self._make_up(leg, needed - 1)
                if needed:
                    self._played[slot] = leg.call.frame(leg.connection.frames_played)
                    ready.append((slot, leg))
            except Exception as error:  # the edge at which one call's bug stops
                self._fail(leg, error)
        accepted = [leg.connection.send(self._frames[slot]) for slot, leg in ready]
        for (slot, leg), sent in zip(ready, accepted, strict=True):
            if not sent:
                self._played[slot] = 0
            self._sent(leg, accepted=sent)
        self._play()

    def _sent(self, leg: Leg, *, accepted: bool) -> None:
        try:
            leg.call.sent(accepted=accepted)
        except Exception as error:  # the edge at which one call's bug stops
            self._fail(leg, error)

    def _make_up(self, leg: Leg, frames: int) -> None:
        """Send a line the frames that its queue lacks."""
        for _ in range(frames):
            frame = leg.call.more(leg.connection.frames_played)
            leg.call.sent(accepted=leg.connection.send(frame.tobytes()))

    def _play(self) -> None:
        """Advance the lines by one tick: those with a queue play from it."""
        for slot, leg in self._legs.items():
            playing = leg.connection.playing()
            if playing is not None:
                self._played[slot] = playing

    def _gather(self, now: float) -> None:
        """Read every socket once; re-frame what came to one block per call."""
        slots, blocks = [], []
        self._slipped[:] = 0
        for slot, leg in tuple(self._legs.items()):
            for event in leg.connection.read(now):
                self._take(leg, event)
            if leg.connection.ended is not None:
                self.end(leg)
                continue
            block = leg.stream.take()
            if block.dropped:
                self._metrics.dropped(block.dropped / self._bank.rate)
            slots.append(slot)
            blocks.append(block.pcm)
            self._slipped[slot] = block.slipped
        if slots:
            audio = np.frombuffer(b"".join(blocks), np.int16)
            self._caller[slots] = audio.reshape(len(slots), -1)

    def _take(self, leg: Leg, event: LineEvent) -> None:
        if leg.connection.ended is not None:
            return
        if isinstance(event, Skipped):
            self._metrics.skipped(event.reason)
            return
        if not isinstance(event, Digit):
            leg.stream.push(event.pcm)
            return
        try:
            leg.call.digit(event.digit)
        except Exception as error:  # the edge at which one call's bug stops
            self._fail(leg, error)

    def _step(self) -> float:
        """Step the bank and pass the results to the calls; returns when the bank was done.

        Without a call there is nothing to step: a slot's past begins when a call opens it.
        """
        if not self._legs:
            return self._now()
        step = self._bank.step(self._caller, self._played, self._slipped)
        stepped_s = self._now()
        if self._tap is not None:
            self._tap.step(self._legs, self._caller, self._played, step)
        speech, decision = step.speech.tolist(), step.decision.tolist()
        reason, delay, erle = step.reason.tolist(), step.delay_ms.tolist(), step.erle_db.tolist()
        confidence = step.delay_confidence.tolist()
        for slot, leg in tuple(self._legs.items()):
            tick = CallerTick(
                cleaned=step.cleaned[slot],
                speech=speech[slot],
                decision=Decision(decision[slot]),
                reason=Reason(reason[slot]),
                delay_ms=delay[slot],
                delay_confidence=confidence[slot],
                erle_db=erle[slot],
                why=step.why.get(slot, ()),
            )
            self._dispatch(leg, tick)
        return stepped_s

    def _dispatch(self, leg: Leg, tick: CallerTick) -> None:
        if tick.decision is not leg.decision:
            leg.decision = tick.decision
            self._metrics.decided(tick.decision, tick.reason)
        if self.ticks % _ECHO_METRIC_TICKS == leg.slot % _ECHO_METRIC_TICKS:
            self._metrics.echo(tick.delay_ms, tick.erle_db)
        try:
            leg.call.hear(tick)
        except Exception as error:  # the edge at which one call's bug stops
            self._fail(leg, error)
        if leg.call.over and leg.connection.ended is None:
            self._on_hang_up(leg)
            leg.connection.hang_up(leg.call.hang_up_reason)
        if leg.connection.ended is not None:
            self.end(leg)

    def _fail(self, leg: Leg, error: Exception) -> None:
        log = call_logger(_logger, leg.call.info.uuid)
        log.error("internal error", exc_info=error)
        leg.failed = True
        leg.connection.hang_up(f"internal error: {error!r}")

    def end(self, leg: Leg) -> None:
        """Take a call out of the ticks."""
        self._bank.close(leg.slot)
        self._caller[leg.slot] = 0
        self._played[leg.slot] = 0
        self._on_end(leg)
