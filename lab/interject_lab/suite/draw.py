"""Draws the calls of a suite: the same call for the same suite, material, seed and number."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import numpy as np

from interject_lab.call_record import Sound, SoundKind
from interject_lab.material.material import Material
from interject_lab.material.sounds import dtmf
from interject_lab.material.variants import SPEED, in_a_room, varied
from interject_lab.material.voices import Voice, at_level
from interject_lab.network.codecs import CLOCK_HZ, Law
from interject_lab.network.impairments import Background, CarrierCanceller, Impairments, Loss
from interject_lab.network.line import DelayStep, TelephoneLine
from interject_lab.network.paths import EchoPath, hybrid, measured, room, single_tap
from interject_lab.suite.document import DelayMix, LineMix, PathChoice, Suite
from interject_lab.telephones.caller import Caller, Cue, PlannedUtterance
from media_pod.duplex.contract import PHASES, Pcm

_T = TypeVar("_T")
_Name = TypeVar("_Name", bound=str)

_LAWS: Final[tuple[Law, ...]] = ("mu", "a")
_SHORTEST_CYCLE_S: Final = 2.5
"""No utterance of the bot and the pause after it together are shorter."""
_SHORT_SOUND_S: Final = 0.4
"""Sounds that begin early are several in an utterance, each with its time and this before it."""
_LEAST_PHRASES: Final = 6
"""Of a caller who is a bot: fewer would repeat themselves, and so would their echo."""
_ANSWER_AFTER_S: Final = (0.2, 1.0)
_DELAY_MS: Final = (20.0, 1000.0)
"""Steps of the delay stay inside, and inside of a suite's own range if that is wider."""
_FIRST_STEP_S: Final = 3.0
_BURST_TICKS: Final = (1.0, 3.0)
_OVERDRIVE: Final = 3.0
_CARRIER_ERLE_DB: Final = (20.0, 30.0)
_CARRIER_OPENS_AFTER_MS: Final = (20.0, 40.0)
_SECOND_SPEAKER_BELOW_DB: Final = (8.0, 20.0)
_DIGIT_MS: Final = (80, 300)


@dataclass(frozen=True, slots=True, eq=False)
class SuiteCall:
    """One call of a suite, to be run once: the line and the caller have state."""

    number: int
    line: TelephoneLine
    caller: Caller
    plan: tuple[PlannedUtterance, ...]
    sounds: tuple[Sound, ...]
    """One for each of `plan`."""
    utterances: tuple[Pcm, ...]
    """Of the bot, in order, at their level."""
    phase: int
    """Of the call in its bank."""
    conditions: Mapping[str, Any]
    """What was drawn, for the results; keys have units."""


def draw_call(suite: Suite, material: Material, seed: int, number: int) -> SuiteCall:
    """Call `number` of the suite."""
    rng = _rng(suite, seed, number)
    bot_dbfs = float(rng.uniform(*suite.bot.level_dbfs))
    utterances, bot = _utterances(suite, material, bot_dbfs, rng)
    noise_dbfs = float(rng.uniform(*suite.line.noise_dbfs))
    bot_speech = np.concatenate(utterances[:3])
    line, conditions = _line(suite, material, bot_speech, noise_dbfs, rng)
    planner = _Planner(suite, material, noise_dbfs, rng)
    after_s = sum(suite.caller.event_after_seconds) / 2
    cycle_s = min(_SHORTEST_CYCLE_S, after_s + _SHORT_SOUND_S)
    drawn = [planner.draw() for _ in range(int(suite.seconds / cycle_s) + 1)]
    plan = tuple(planned for planned, _ in drawn)
    return SuiteCall(
        number=number,
        line=line,
        caller=Caller(plan, material.rate_hz),
        plan=plan,
        sounds=tuple(sound for _, sound in drawn),
        utterances=utterances,
        phase=int(rng.integers(PHASES)),
        conditions={
            **conditions,
            "bot": bot,
            "caller": planner.voice.name,
            "in_the_field": planner.in_the_field,
            "bot_dbfs": round(bot_dbfs, 1),
            "caller_dbfs": round(planner.level_dbfs, 1),
        },
    )


def draw_line(
    suite: Suite, material: Material, seed: int, number: int, bot_speech: Pcm
) -> tuple[TelephoneLine, dict[str, Any]]:
    """The line of call `number` for another bot, and what was drawn for it.

    White noise has other samples than in the call, whose caller draws from the same generator.

    Args:
        suite, material, seed, number: as of `draw_call`.
        bot_speech: int16 [samples], what the echo return loss holds for.
    """
    rng = _rng(suite, seed, number)
    _utterances(suite, material, float(rng.uniform(*suite.bot.level_dbfs)), rng)
    noise_dbfs = float(rng.uniform(*suite.line.noise_dbfs))
    return _line(suite, material, bot_speech, noise_dbfs, rng)


def _rng(suite: Suite, seed: int, number: int) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(suite.name.encode()), number])


def _utterances(
    suite: Suite, material: Material, level_dbfs: float, rng: np.random.Generator
) -> tuple[tuple[Pcm, ...], str]:
    training = material.split == "train"
    voice = _pick(_bots(material), rng)
    variant = int(rng.integers(2**32)) if training else 0
    count = int(suite.seconds / suite.bot.utterance_seconds[0]) + 1
    rate_hz = material.rate_hz
    made = []
    for _ in range(min(count, 2 * len(voice.phrases))):
        wanted = round(rng.uniform(*suite.bot.utterance_seconds) * rate_hz)
        said = _pick(voice.phrases, rng)
        while said.size < wanted * (SPEED[1] if training else 1):
            pause = np.zeros(round(rng.uniform(0.05, 0.25) * rate_hz), np.int16)
            said = np.concatenate([said, pause, _pick(voice.phrases, rng)])
        if training:
            said = varied(said, rate_hz, np.random.default_rng(variant))
        made.append(at_level(said[:wanted], rate_hz, level_dbfs))
    return tuple(made), voice.name


def _bots(material: Material) -> tuple[Voice, ...]:
    """Whose voices the bot may have; to learn from, those of callers too: those of bots are few."""
    if material.split != "train":
        return material.bots
    talkers = (voice for voice in material.callers if len(voice.phrases) >= _LEAST_PHRASES)
    return (*material.bots, *talkers)


class _Planner:
    """Draws what happens at one caller's end."""

    def __init__(
        self, suite: Suite, material: Material, noise_dbfs: float, rng: np.random.Generator
    ) -> None:
        self._mix, self._material, self._rng = suite.caller, material, rng
        self.voice = _pick(material.callers, rng)
        self.in_the_field = self.voice.in_the_field or rng.random() < self._mix.in_the_field_share
        low, high = self._mix.level_dbfs
        least = noise_dbfs + self._mix.least_over_noise_db
        self.level_dbfs = float(min(max(rng.uniform(low, high), least), high))
        self._variant = int(rng.integers(2**32))
        """The caller's voice and room stay the same during the call."""

    def draw(self) -> tuple[PlannedUtterance, Sound]:
        """The sound of the next utterance of the bot."""
        kind = _weighted(self._mix.events, self._rng)
        match kind:
            case "none":
                return self._planned(kind, "", np.zeros(0, np.int16), 0.0)
            case "interruption" | "answer":
                return self._speech(kind, self.voice, 0.0)
            case "backchannel":
                return self._speech(kind, _pick(self._material.backchannels, self._rng), 0.0)
            case "second_speaker":
                below_db = float(self._rng.uniform(*_SECOND_SPEAKER_BELOW_DB))
                return self._speech(kind, _pick(self._material.callers, self._rng), below_db)
            case "dtmf":
                return self._digit()
            case "noise":
                return self._noise()

    def _speech(
        self, kind: SoundKind, voice: Voice, below_db: float
    ) -> tuple[PlannedUtterance, Sound]:
        rate_hz = self._material.rate_hz
        pcm = _pick(voice.phrases, self._rng)
        if self._material.split == "train":
            pcm = varied(pcm, rate_hz, np.random.default_rng(self._variant))
        if self.in_the_field and not voice.in_the_field:
            pcm = in_a_room(pcm, rate_hz, np.random.default_rng(self._variant))
        level_dbfs = self.level_dbfs - below_db + float(self._rng.uniform(-2, 2))
        return self._planned(kind, voice.name, pcm, level_dbfs)

    def _noise(self) -> tuple[PlannedUtterance, Sound]:
        kind = _weighted(self._mix.noises, self._rng)
        pcm = _pick(self._material.events[kind], self._rng)
        variant = int(self._rng.integers(2**32))
        if self._material.split == "train":
            pcm = varied(pcm, self._material.rate_hz, np.random.default_rng(variant))
        level_dbfs = float(self._rng.uniform(*self._mix.noise_level_dbfs))
        return self._planned("noise", kind, pcm, level_dbfs)

    def _digit(self) -> tuple[PlannedUtterance, Sound]:
        digit = _pick("0123456789*#", self._rng)
        tone_ms = int(self._rng.integers(*_DIGIT_MS))
        pcm = dtmf(digit, self._material.rate_hz, tone_ms)
        level_dbfs = float(self._rng.uniform(*self._mix.noise_level_dbfs))
        return self._planned("dtmf", digit, pcm, level_dbfs)

    def _planned(
        self, kind: SoundKind, what: str, pcm: Pcm, level_dbfs: float
    ) -> tuple[PlannedUtterance, Sound]:
        if pcm.size:
            pcm = at_level(pcm, self._material.rate_hz, level_dbfs)
        after_s = float(self._rng.uniform(*self._mix.event_after_seconds))
        cue, cue_s = Cue.BOT_SPEAKING, after_s
        if kind in ("none", "answer"):
            cue, cue_s = Cue.BOT_SILENT, float(self._rng.uniform(*_ANSWER_AFTER_S))
        planned = PlannedUtterance(f"{kind} {what}".rstrip(), pcm, cue, cue_s)
        sound = Sound(kind, what, round(level_dbfs, 1), self.in_the_field)
        return planned, sound


def _line(
    suite: Suite,
    material: Material,
    bot_speech: Pcm,
    noise_dbfs: float,
    rng: np.random.Generator,
) -> tuple[TelephoneLine, dict[str, Any]]:
    mix, rate_hz = suite.line, material.rate_hz
    erl_db = float(rng.uniform(*mix.erl_db))
    delays = _delays(mix.delay, suite.seconds, rng)
    path_kind, path = _path(_weighted(mix.paths, rng), material, rng)
    law = _LAWS[int(rng.integers(len(_LAWS)))]
    impairments, drawn = _impairments(mix, material, noise_dbfs, rng)
    line = TelephoneLine(
        rate_hz,
        path,
        erl_db=erl_db,
        delays=delays,
        bot_speech=bot_speech,
        law=law,
        noise_dbfs=noise_dbfs if impairments.background is None else -90.0,
        rng=rng,
        impairments=impairments,
    )
    conditions = {
        "erl_db": round(erl_db, 1),
        "delay_ms": round(delays[0].delay_ms),
        "path": path_kind,
        "law": law,
        "noise_dbfs": round(noise_dbfs, 1),
        # Lists, as a line of JSON gives them back.
        "steps": [[round(step.at_s, 2), round(step.delay_ms)] for step in delays[1:]],
        **drawn,
    }
    return line, conditions


def _delays(mix: DelayMix, seconds: float, rng: np.random.Generator) -> list[DelayStep]:
    low, high = mix.ms
    delay_ms = float(rng.uniform(low, high))
    if rng.random() < mix.log_share:
        delay_ms = float(np.exp(rng.uniform(np.log(max(low, 1)), np.log(max(high, 1)))))
    delays = [DelayStep(0.0, delay_ms)]
    least_ms, most_ms = min(low, _DELAY_MS[0]), max(high, _DELAY_MS[1])
    if rng.random() < mix.step_share:
        count = round(float(rng.uniform(*mix.steps_per_minute)) * seconds / 60)
        for at_s in np.sort(rng.uniform(_FIRST_STEP_S, seconds, count)):
            by_ms = float(rng.uniform(*mix.step_ms)) * (1 if rng.random() < 0.5 else -1)
            if not least_ms <= delay_ms + by_ms <= most_ms:
                by_ms = -by_ms
            delay_ms = float(np.clip(delay_ms + by_ms, least_ms, most_ms))
            delays.append(DelayStep(float(at_s), delay_ms))
    return delays


def _path(
    kind: PathChoice, material: Material, rng: np.random.Generator
) -> tuple[PathChoice, EchoPath]:
    """A path and its kind: a made room stands in for a measured one that the material lacks."""
    if kind == "measured" and material.impulse_responses:
        index = int(rng.integers(len(material.impulse_responses)))
        return kind, measured(material.impulse_responses[index], material.rate_hz)
    if kind == "tap":
        return kind, single_tap(material.rate_hz)
    if kind == "hybrid":
        return kind, hybrid(rng, material.rate_hz)
    return "room", room(rng, material.rate_hz)


def _impairments(
    mix: LineMix, material: Material, noise_dbfs: float, rng: np.random.Generator
) -> tuple[Impairments, dict[str, Any]]:
    low_rate = _weighted(mix.low_rates, rng) if rng.random() < mix.low_rate_share else None
    if material.rate_hz != CLOCK_HZ:
        low_rate = None  # such codecs have narrowband alone
    drift_ppm = 0.0
    if rng.random() < mix.delay.drift_share:
        drift_ppm = float(rng.uniform(*mix.delay.drift_ppm))
    loss = None
    if rng.random() < mix.loss_share:
        loss = Loss(
            float(rng.uniform(*mix.loss)),
            float(rng.uniform(*_BURST_TICKS)),
            filled=bool(rng.random() < mix.loss_filled_share),
        )
    carrier = None
    if rng.random() < mix.carrier_canceller_share:
        carrier = CarrierCanceller(
            erle_db=float(rng.uniform(*_CARRIER_ERLE_DB)),
            opens_after_ms=float(rng.uniform(*_CARRIER_OPENS_AFTER_MS)),
            noise_dbfs=noise_dbfs,
        )
    background_kind = _weighted(mix.backgrounds, rng)
    if not material.backgrounds.get(background_kind):
        background_kind = "white"  # recordings need a corpus
    background = None
    if background_kind != "white":
        background = Background(_pick(material.backgrounds[background_kind], rng), noise_dbfs)
    overdrive = _OVERDRIVE if rng.random() < mix.overdrive_share else None
    return Impairments(low_rate, drift_ppm, loss, carrier, overdrive, background), {
        "low_rate": low_rate,
        "drift_ppm": round(drift_ppm),
        "loss": None if loss is None else round(loss.share, 4),
        "loss_filled": None if loss is None else loss.filled,
        "carrier_canceller": carrier is not None,
        "background": background_kind,
        "overdrive": overdrive is not None,
    }


def _pick(choices: Sequence[_T], rng: np.random.Generator) -> _T:
    return choices[int(rng.integers(len(choices)))]


def _weighted(weights: Mapping[_Name, float], rng: np.random.Generator) -> _Name:
    names = list(weights)
    shares = np.array([weights[name] for name in names])
    return names[int(rng.choice(len(names), p=shares / shares.sum()))]
