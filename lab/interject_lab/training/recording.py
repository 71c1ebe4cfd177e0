"""Records the features of training calls with their labels, in several processes.

The recordings are kept, one file for each chunk of calls, so that an interrupted run goes on.
"""

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from interject_lab.errors import writing
from interject_lab.material.corpus import corpus_digest, load, loaded
from interject_lab.material.material import Split
from interject_lab.processes import processes
from interject_lab.scripted_bot import ScriptedBot
from interject_lab.suite.document import read_suite
from interject_lab.suite.draw import draw_call
from interject_lab.training.labels import label
from interject_lab.training.oracle_bot import OracleBot
from interject_lab.virtual import VirtualCall, run
from media_pod.duplex.bank import Bank
from media_pod.duplex.contract import Decision, Reason
from media_pod.duplex.decision.detector import Detection, Evidence
from media_pod.duplex.decision.judge.features import VERSION, FeatureExtractor

CALL_S: Final = 30.0
"""Short calls: the first utterances are hard, and there is one in each."""
CHUNK: Final = 24

MIX: Final[dict[str, float]] = {
    "default": 0.44,
    "loud-echo": 0.12,
    "steps": 0.12,
    "codec": 0.10,
    "noise": 0.06,
    "quiet": 0.06,
    "no-echo": 0.04,
    "backchannels": 0.06,
}
"""Shares of the suites: the whole mix, and more of what is hard."""


@dataclass(frozen=True, slots=True, eq=False)
class Recordings:
    """Calls of one length."""

    features: NDArray[np.float16]
    """[calls, ticks, features]"""
    labels: NDArray[np.float32]
    """[calls, ticks, 5], as `labels.Labels.stacked`."""


@dataclass(frozen=True, slots=True)
class _Job:
    suite: str
    numbers: tuple[int, ...]
    seed: int
    split: Split
    corpus: Path | None
    seconds: float
    rate_hz: int
    path: Path


def record(
    calls: int,
    seed: int,
    split: Split,
    corpus: Path | None,
    folder: Path,
    jobs: int,
    on_calls: Callable[[int, int], None],
    rate_hz: int = 8000,
    seconds: float = CALL_S,
    mix: Mapping[str, float] = MIX,
) -> Recordings:
    """Record calls, or read those that `folder` has already.

    Args:
        calls: how many; each suite's share is rounded.
        seed: of the calls.
        split: of the material.
        corpus: recordings beside the made material.
        folder: of the recordings; made if missing.
        jobs: processes; with one, this process records.
        on_calls: receives the number of calls that are done, and of all.
        rate_hz: of the lines.
        seconds: duration of a call.
        mix: shares of suites, which sum to 1.

    Raises:
        SetupError: a corpus that cannot be used.
    """
    load(corpus, rate_hz, split)
    with writing(folder, "--folder"):
        folder.mkdir(parents=True, exist_ok=True)
    wanted = _jobs(_counts(calls, mix), _Job("", (), seed, split, corpus, seconds, rate_hz, folder))
    missing = [job for job in wanted if not job.path.exists()]
    total = sum(len(job.numbers) for job in wanted)
    done = total - sum(len(job.numbers) for job in missing)
    on_calls(done, total)
    for recorded in _recorded(missing, jobs):
        done += recorded
        on_calls(done, total)
    return _read([job.path for job in wanted], total)


def _read(paths: Sequence[Path], calls: int) -> Recordings:
    """The recordings of all files, in memory once: thousands of calls take gigabytes."""
    with np.load(paths[0]) as first:
        arrays = {
            name: np.empty((calls, *part.shape[1:]), part.dtype) for name, part in first.items()
        }
    done = 0
    for path in paths:
        with np.load(path) as part:
            count = len(part["labels"])
            for name, array in arrays.items():
                array[done : done + count] = part[name]
        done += count
    return Recordings(**arrays)


def _recorded(jobs: Sequence[_Job], count: int) -> Iterator[int]:
    """Run the jobs in `count` processes; how many calls each had, as they end."""
    if count == 1:
        yield from map(_record, jobs)
        return
    with processes(count) as pool:
        for future in as_completed([pool.submit(_record, job) for job in jobs]):
            yield future.result()


def _jobs(counts: Mapping[str, int], job: _Job) -> list[_Job]:
    """The chunks of each suite, like `job`, whose path is their folder.

    A file is named for all that its calls depend on, so that none is taken for another.
    """
    corpus = corpus_digest(job.corpus, job.split)
    jobs = []
    for suite, count in counts.items():
        content = f"{read_suite(suite).model_dump_json()} {corpus} {job.rate_hz} {job.seconds:g}"
        made_of = f"{VERSION}-{job.seed}-{zlib.crc32(content.encode()):08x}"
        for first in range(0, count, CHUNK):
            numbers = tuple(range(first, min(first + CHUNK, count)))
            name = f"{job.split}-{suite}-{made_of}-{first}-{len(numbers)}.npz"
            jobs.append(replace(job, suite=suite, numbers=numbers, path=job.path / name))
    return jobs


def _counts(calls: int, mix: Mapping[str, float]) -> dict[str, int]:
    return {suite: round(calls * share) for suite, share in mix.items()}


def _stream(job: _Job) -> int:
    """Of the bots' random numbers: other ones in each suite and split."""
    return zlib.crc32(f"{job.split} {job.suite}".encode())


def _record(job: _Job) -> int:
    suite = read_suite(job.suite).model_copy(update={"seconds": job.seconds})
    material = loaded(job.corpus, job.rate_hz, job.split)
    calls = [draw_call(suite, material, job.seed, number) for number in job.numbers]
    taps: list[_FeatureTap] = []

    def tap(slots: int, threshold_bias: float, *, keep_backchannels: bool) -> _FeatureTap:
        taps.append(_FeatureTap(slots))
        return taps[-1]

    bank = Bank(len(calls), job.rate_hz, detector=tap)
    virtual = [
        VirtualCall(
            call.line,
            call.caller,
            OracleBot(
                ScriptedBot(call.utterances, job.rate_hz, start_s=0.1),
                call.caller,
                call.sounds,
                np.random.default_rng([job.seed, _stream(job), call.number]),
            ),
            call.phase,
        )
        for call in calls
    ]
    results = run(bank, virtual, suite.seconds)
    labels = [
        label(result, call.plan, call.sounds, call.line.near_delay_samples)
        for call, result in zip(calls, results, strict=True)
    ]
    stacked = np.stack([each.stacked() for each in labels])
    features = np.stack(taps[0].taken, axis=1)
    unfinished = job.path.with_suffix(".part")
    with unfinished.open("wb") as file:
        np.savez(file, features=features, labels=stacked)
    unfinished.rename(job.path)
    return len(calls)


class _FeatureTap:
    """A detector that keeps the features and decides nothing."""

    needs_signals: Final = True

    def __init__(self, slots: int) -> None:
        self._extractor = FeatureExtractor(slots)
        self._slots = slots
        self.taken: list[NDArray[np.float16]] = []

    def reset(self, slot: int) -> None:
        self._extractor.reset(slot)

    def step(self, evidence: Evidence) -> Detection:
        self.taken.append(self._extractor.step(evidence).astype(np.float16))
        return Detection(
            np.full(self._slots, Decision.NONE, np.int8),
            np.full(self._slots, Reason.QUIET, np.int8),
        )
