"""Ground truth: the echo delay that a pod should find.

The buffers and the two clocks between telephone and pod cannot be read. But audio is exact: the
pod's recording of a call shows, to the sample, which part of the caller's stream it received in
each tick, and the telephone's record shows which part of the bot's stream it played in that part.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from interject_lab.call_record import UNDERRUN, CallRecord

Pcm = NDArray[np.int16]

NOWHERE = -1
_KEY_SAMPLES = 48
"""Line noise makes this many samples unique within a call."""
_NEAR_TICKS = 100
"""2 s: stalls and queues move audio by less."""
_HASH_BASE = np.uint64(0x9E3779B97F4A7C15)


def locate(stream: Pcm, frames: NDArray[np.int16]) -> NDArray[np.int64]:
    """Where in `stream` each row of `frames` [frames, tick] comes from, in samples.

    `NOWHERE` for rows that are not in it as they are (filled holes), or that are all the same
    sample. A row is searched behind the previous one first, then `_NEAR_TICKS` around that, and
    everywhere only until one is found: a bot may say the same again.
    """
    tick = frames.shape[1]
    found = np.full(len(frames), NOWHERE, np.int64)
    index = _Index(stream, min(_KEY_SAMPLES, tick))
    expected, nowhere_yet = 0, True
    for row, frame in enumerate(frames):
        if np.all(frame == frame[0]):
            expected += tick
            continue
        if not np.array_equal(stream[expected : expected + tick], frame):
            starts = index.starts_of(frame)
            if not nowhere_yet:
                starts = starts[np.abs(starts - expected) <= _NEAR_TICKS * tick]
            if starts.size == 0:
                expected += tick
                continue
            expected = int(starts[np.argmin(np.abs(starts - expected))])
        found[row], nowhere_yet = expected, False
        expected += tick
    return found


class _Index:
    """Where in a stream a frame may begin, by a hash of its first `size` samples."""

    def __init__(self, stream: Pcm, size: int) -> None:
        self._stream = stream
        # A polynomial modulo 2**64 with an odd base: every match is compared in full.
        self._weights = np.cumprod(np.full(size, _HASH_BASE))
        hashes = self._hashes_of(stream) if stream.size >= size else np.zeros(0, np.uint64)
        self._order = np.argsort(hashes, kind="stable")
        self._hashes = hashes[self._order]

    def starts_of(self, frame: Pcm) -> NDArray[np.int64]:
        """Every place at which `frame` is in the stream as it is."""
        value = self._hashes_of(frame[: self._weights.size])[0]
        first, last = (np.searchsorted(self._hashes, value, side) for side in ("left", "right"))
        places = self._order[first:last]
        same = [np.array_equal(self._stream[at : at + frame.size], frame) for at in places]
        return np.asarray(places[same], np.int64)

    def _hashes_of(self, samples: Pcm) -> NDArray[np.uint64]:
        """One for each run of `size` samples."""
        return np.convolve(samples.astype(np.uint64), self._weights, "valid").astype(np.uint64)


def true_delay_ms(record: CallRecord, caller: Pcm, played: Pcm) -> NDArray[np.float32]:
    """The delay of the echo as a pod saw it, per tick of the pod; NaN where it is unknown.

    Args:
        record: the telephone's.
        caller, played: int16 [ticks * tick], what the pod's bank was given (`BankTrace`).
    """
    tick = record.tick_samples
    ticks = min(caller.size, played.size) // tick
    taken = locate(record.caller, caller[: ticks * tick].reshape(ticks, tick))
    leads = _Leads(record, played)
    truth = np.full(ticks, np.nan, np.float32)
    for index in np.flatnonzero(taken != NOWHERE):
        frame, within = divmod(int(taken[index]), tick)
        heard = int(record.bot_played_sample[frame])
        if heard != UNDERRUN:
            between = int(index) * tick - leads.at(heard) - (heard + within)
            truth[index] = between * 1000 / record.rate_hz + record.line_delay_ms[frame]
    return truth


def caller_lead(record: CallRecord, caller: Pcm) -> int:
    """How many samples later in `caller`, the pod's recording, the telephone's frames lie.

    The usual lead of the call; what the pod filled or dropped in between moves it by that much.
    """
    return _lead(record.caller, caller, record.tick_samples)


def played_lead(record: CallRecord, played: Pcm) -> int:
    """How many samples later in `played`, the pod's recording, the telephone's `bot` lies."""
    return _lead(record.bot, played, record.tick_samples)


def in_bot_stream(record: CallRecord, played: Pcm, samples: Sequence[int]) -> list[int]:
    """Where in the telephone's `bot` the given samples of `played`, the pod's recording, lie."""
    known, found = _played_frames(record, played)
    if known.size == 0:
        return list(samples)
    tick = record.tick_samples
    places = []
    for sample in samples:
        index = max(int(np.searchsorted(known, sample // tick, side="right")) - 1, 0)
        places.append(int(found[index] + sample - known[index] * tick))
    return places


class _Leads:
    """How many samples later in the pod's recording a sample of the telephone's `bot` lies.

    A pod that skips a tick records its silence, which never reached the telephone: from there on
    the lead is a tick more.
    """

    def __init__(self, record: CallRecord, played: Pcm) -> None:
        known, found = _played_frames(record, played)
        order = np.argsort(found, kind="stable")
        self._positions = found[order]
        self._leads = (known * record.tick_samples - found)[order]

    def at(self, sample: int) -> int:
        """The lead of the last frame at or before `sample` that is known; 0 if none is."""
        if self._positions.size == 0:
            return 0
        index = int(np.searchsorted(self._positions, sample, side="right")) - 1
        return int(self._leads[max(index, 0)])


def _played_frames(record: CallRecord, played: Pcm) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which ticks of the pod's recording the telephone's `bot` has, and where in it, in samples."""
    tick = record.tick_samples
    ticks = played.size // tick
    found = locate(record.bot, played[: ticks * tick].reshape(ticks, tick))
    known = np.flatnonzero(found != NOWHERE)
    return known.astype(np.int64), found[known]


def _lead(stream: Pcm, recording: Pcm, tick: int) -> int:
    ticks = recording.size // tick
    found = locate(stream, recording[: ticks * tick].reshape(ticks, tick))
    known = np.flatnonzero(found != NOWHERE)
    return round(float(np.median(known * tick - found[known]))) if known.size else 0
