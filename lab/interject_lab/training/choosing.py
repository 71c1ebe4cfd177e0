"""Chooses the stop rule of a judge on validation calls.

The calls are replayed: the networks' logits are computed once, and every candidate of the rule
decides on them. A replay is kinder than a closed loop, where a false stop makes the bot begin anew,
and beginnings are hard: the chosen rule is to be confirmed by `interject lab bench`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import Any, Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from interject_lab.scoring.field import GRACE_MS, LEAST_MS, MISSED_AFTER_MS
from interject_lab.training.fitting import JudgeNetwork
from interject_lab.training.recording import Recordings
from media_pod.duplex.contract import TICK_MS
from media_pod.duplex.decision.detector import NORMAL_BIAS
from media_pod.duplex.decision.judge.stop_rule import StopRule, StopTest, voice_logit

BIASES: Final = (0.5, 1.0, 1.5, 2.0)
SPEECH_BIASES: Final = (0.0, 1.0, 2.0)
STOPS_ABOVE: Final = (4.0, 6.0)
TURN_THRESHOLDS: Final = (0.5, 0.75, 1.0, 1.5)
VOICES_MS: Final = (400.0, 500.0, 560.0)
HANGOVER_MS: Final = 300.0

MOST_FALSE_PER_HOUR: Final = 2.5
"""False stops per hour in a replay, most of whose calls are of hard suites. The stop rule with 2.3
in the replay made 0.6 per hour in closed loop, 2 in 3.3 h of the bot's speech: `interject lab bench
--suite default --split validation --calls 320`."""
LATEST_P95_MS: Final = 600.0
UNWANTED_STOP_COST: Final = 0.075
"""Of a stop for a backchannel or a noise, in missed callers: the bot loses a sentence, the caller
his turn."""
DELAY_COST: Final = 0.01
"""Of a millisecond of the median delay to the stop, in percent of missed callers: a choice, not a
measurement."""
MOST_NOISE_STOPS: Final = 10.0
"""Percent of noises that may stop the bot."""

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ReplayScore:
    """One candidate on the validation calls; delays are infinite where it heard nobody."""

    rule: StopRule
    false_per_hour: float
    missed_percent: float
    stop_p50_ms: float
    stop_p95_ms: float
    backchannels_kept_percent: float
    noise_stops_percent: float

    def as_dict(self) -> dict[str, Any]:
        """The fields, the rule's among them, rounded to hundredths."""
        fields = {**asdict(self.rule), **asdict(self)}
        del fields["rule"]
        return {name: round(value, 2) for name, value in fields.items()}


@dataclass(frozen=True, slots=True)
class _Event:
    call: int
    first: int
    end: int
    """The tick after the last in which a stop belongs to it."""
    kind: Literal["turn", "backchannel", "noise"]


def choose(
    networks: Sequence[JudgeNetwork], validation: Recordings
) -> tuple[ReplayScore, list[ReplayScore]]:
    """The best candidate, and all that were tried, itself among them.

    Those with at most `MOST_FALSE_PER_HOUR`, `LATEST_P95_MS` and `MOST_NOISE_STOPS` compete by the
    callers that they miss, the median delay, and the backchannels and noises that they stop for.
    """
    replay = _Replay(networks, validation)
    tried = [
        replay.score(StopRule(bias, speech, above, turn, voice_ms, HANGOVER_MS))
        for speech, above, bias, turn, voice_ms in product(
            SPEECH_BIASES, STOPS_ABOVE, BIASES, TURN_THRESHOLDS, VOICES_MS
        )
    ]
    good = [
        score
        for score in tried
        if score.false_per_hour <= MOST_FALSE_PER_HOUR
        and score.stop_p95_ms <= LATEST_P95_MS
        and score.noise_stops_percent <= MOST_NOISE_STOPS
    ]
    best = min(good or tried, key=_cost)
    return best, tried


def _cost(score: ReplayScore) -> float:
    unwanted_percent = 100 - score.backchannels_kept_percent + score.noise_stops_percent
    return (
        score.missed_percent
        + UNWANTED_STOP_COST * unwanted_percent
        + DELAY_COST * score.stop_p50_ms
    )


def in_a_bank(rule: StopRule) -> StopRule:
    """`rule` for a bank with the usual sensitivity, which has a bias of its own."""
    return replace(rule, bias=rule.bias - NORMAL_BIAS)


class _Replay:
    """The validation calls with the networks' logits."""

    def __init__(self, networks: Sequence[JudgeNetwork], calls: Recordings) -> None:
        near, speech, turn, _, echo = np.moveaxis(calls.labels, 2, 0) > 0.5
        self._near, self._echo = near, echo
        logits = np.mean([_logits(network, calls.features) for network in networks], axis=0)
        self._voice = {
            bias: voice_logit(logits[:, :, 0], logits[:, :, 1] + np.float32(bias))
            for bias in SPEECH_BIASES
        }
        self._turn = logits[:, :, 2]
        grace = np.ones(1 + round(GRACE_MS / TICK_MS))
        covered = np.stack([np.convolve(row, grace)[: row.size] > 0 for row in near])
        self._alone = echo & ~covered
        self._events = list(_events(covered, speech, turn, echo))

    def score(self, rule: StopRule) -> ReplayScore:
        """One rule on all calls."""
        calls, ticks = self._near.shape
        test = StopTest(calls, rule)
        voice = self._voice[rule.speech_bias]
        rises = np.stack(
            [
                test.step(
                    voice[:, tick],
                    self._turn[:, tick],
                    self._echo[:, tick],
                    self._echo[:, tick],
                )
                for tick in range(ticks)
            ],
            axis=1,
        )
        stops_ms: dict[str, list[float | None]] = {"turn": [], "backchannel": [], "noise": []}
        for event in self._events:
            stops_ms[event.kind].append(self._stop_ms(rises, event))
        delays_ms = stops_ms["turn"]
        heard = [ms for ms in delays_ms if ms is not None and ms <= MISSED_AFTER_MS]
        hours = max(int(self._alone.sum()), 1) * TICK_MS / 3.6e6
        return ReplayScore(
            rule=rule,
            false_per_hour=float((rises & self._alone).sum()) / hours,
            missed_percent=100 * (1 - len(heard) / len(delays_ms)) if delays_ms else 0.0,
            stop_p50_ms=float(np.quantile(heard, 0.5)) if heard else np.inf,
            stop_p95_ms=float(np.quantile(heard, 0.95)) if heard else np.inf,
            backchannels_kept_percent=100 - _stopped_percent(stops_ms["backchannel"]),
            noise_stops_percent=_stopped_percent(stops_ms["noise"]),
        )

    def _stop_ms(self, rises: Flags, event: _Event) -> float | None:
        found = np.flatnonzero(rises[event.call, event.first : event.end])
        return float(found[0] + 1) * TICK_MS if found.size else None


def _events(covered: Flags, speech: Flags, turn: Flags, echo: Flags) -> Iterable[_Event]:
    """The sounds that begin over the bot's: turns of at least 600 ms, and what takes no turn.

    `covered` joins what pauses of up to `GRACE_MS` part: a decision lasts through them, and does
    not rise again.
    """
    for call, row in enumerate(covered):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], row.astype(np.int8), [0]])))
        for first, end in edges.reshape(-1, 2):
            if not echo[call, first]:
                continue
            if not turn[call, first:end].any():
                voice = bool(speech[call, first:end].any())
                yield _Event(call, int(first), int(end), "backchannel" if voice else "noise")
            elif (end - first) * TICK_MS >= LEAST_MS + GRACE_MS:
                yield _Event(call, int(first), int(end), "turn")


def _stopped_percent(stops_ms: Sequence[float | None]) -> float:
    """Of sounds that should not stop the bot; 0 for none."""
    stopped = sum(ms is not None for ms in stops_ms)
    return 100 * stopped / len(stops_ms) if stops_ms else 0.0


def _logits(network: JudgeNetwork, features: NDArray[np.float16]) -> Floats:
    """[calls, ticks, 3]"""
    network.eval()
    with torch.no_grad():
        parts = [
            network(torch.from_numpy(part.astype(np.float32)), None)[0].numpy()
            for part in np.array_split(features, max(len(features) // 32, 1))
        ]
    found: Floats = np.concatenate(parts)
    return found
