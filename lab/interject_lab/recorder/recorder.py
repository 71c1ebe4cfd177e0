"""What is kept of each call of a pod: every step of the bank, and the words."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from interject_lab.call_record import BankTrace
from media_pod.call.call import Call
from media_pod.call.transcript import TranscriptEntry
from media_pod.calls.registry import Leg
from media_pod.duplex.contract import TICK_MS, Pcm, Step

_STEPS = ".npz"
_WORDS = ".json"
MAX_TICKS = 5 * 60 * 1000 // TICK_MS
"""Five minutes of a call; later steps are not kept."""
MAX_CALLS = 64
"""Later calls are not kept."""


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """One call as its pod saw it; one row per tick."""

    arrays: dict[str, NDArray[np.generic]]
    words: tuple[TranscriptEntry, ...]
    word_rows: tuple[int, ...]
    """[words] the row in which each turn of `words` was over. A pod that stalls steps less often
    than time passes, so the turns' own times are not on the axis of the rows."""

    def audio(self, name: str) -> Pcm:
        """`caller`, `played` or `cleaned`: int16 [ticks * samples]."""
        return self.arrays[name].astype(np.int16)

    def trace(self, true_delay_ms: NDArray[np.float32]) -> BankTrace:
        """What the report shows."""
        return BankTrace(**self.arrays, true_delay_ms=true_delay_ms)  # type: ignore[arg-type]

    def stop_samples(self, rate_hz: int) -> list[int]:
        """Where in what was played the bot was cut short."""
        tick = rate_hz * TICK_MS // 1000
        turns = zip(self.words, self.word_rows, strict=True)
        return [row * tick for line, row in turns if line.cut]


class Recorder:
    """A tap that keeps the calls of its pod."""

    def __init__(self) -> None:
        self._calls: dict[str, _Kept] = {}

    def step(self, legs: dict[int, Leg], caller: Pcm, played: Pcm, step: Step) -> None:
        """See `clock.Tap`."""
        for slot, leg in legs.items():
            uuid = leg.call.info.uuid
            kept = self._calls.get(uuid)
            if kept is None or kept.call is not leg.call:
                if len(self._calls) == MAX_CALLS:
                    continue
                kept = self._calls[uuid] = _Kept(leg.call)
            kept.step(_row(caller, played, step, slot))

    def save(self, folder: Path) -> None:
        """Write each call to `folder`, under its UUID; of one that came twice, the second time."""
        for uuid, kept in self._calls.items():
            kept.save(folder / uuid)


class _Kept:
    """What is kept of one call."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self._rows: list[dict[str, NDArray[np.generic]]] = []
        self._word_rows: list[int] = []

    def step(self, row: dict[str, NDArray[np.generic]]) -> None:
        if len(self._rows) < MAX_TICKS:
            self._note_words()
            self._rows.append(row)

    def save(self, path: Path) -> None:
        columns = {name: [row[name] for row in self._rows] for name in self._rows[0]}
        audio = ("caller", "played", "cleaned")
        arrays = {
            name: np.concatenate(rows) if name in audio else np.array(rows)
            for name, rows in columns.items()
        }
        np.savez(path.with_suffix(_STEPS), allow_pickle=False, **arrays)
        self._note_words()
        lines = [asdict(line) for line in self.call.transcript.entries]
        words = {"lines": lines, "rows": self._word_rows}
        path.with_suffix(_WORDS).write_text(json.dumps(words))

    def _note_words(self) -> None:
        # Turns end after the step of their tick: one that is new now was over before this row.
        new = len(self.call.transcript.entries) - len(self._word_rows)
        self._word_rows += [len(self._rows)] * new


def load(folder: Path) -> dict[str, Recording]:
    """What `Recorder.save` wrote: each call by its UUID."""
    return {path.stem: _load(path) for path in sorted(folder.glob(f"*{_STEPS}"))}


def _load(path: Path) -> Recording:
    with np.load(path) as arrays:
        kept = {name: arrays[name] for name in arrays.files}
    words = json.loads(path.with_suffix(_WORDS).read_text())
    return Recording(
        kept, tuple(TranscriptEntry(**line) for line in words["lines"]), tuple(words["rows"])
    )


def _row(caller: Pcm, played: Pcm, step: Step, slot: int) -> dict[str, NDArray[np.generic]]:
    rows: dict[str, NDArray[np.generic]] = {
        "caller": caller,
        "played": played,
        "cleaned": step.cleaned,
        "speech": step.speech,
        "decision": step.decision,
        "reason": step.reason,
        "delay_ms": step.delay_ms,
        "delay_confidence": step.delay_confidence,
        "erle_db": step.erle_db,
    }
    return {name: np.array(array[slot]) for name, array in rows.items()}
