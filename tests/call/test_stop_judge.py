"""What is called a false stop, on speech and echo. `-s` prints the table of decision 0025."""

import sys
from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from media_pod.call.events import BargeIn
from media_pod.call.stop_judge import StopJudge
from media_pod.duplex.bank import Bank
from media_pod.duplex.contract import Decision, Pcm
from media_pod.providers.builtin.espeak import synthesize

RATE_HZ, FRAME, TICKS = 8000, 160, 500
CALLS = 60
"""Of each sort."""
BOT = (
    "Our driver comes between eight in the morning and six in the evening, and rings once. If "
    "nobody opens the door, the driver leaves a card and takes the parcel back to the depot."
)
SENTENCES = {
    "de": "Entschuldigung, ich möchte bitte meine Adresse ändern",
    "es+f2": "Perdone, quiero cambiar la dirección de mi paquete",
    "fr": "Excusez-moi, je voudrais changer mon adresse",
    "pl+f3": "Przepraszam, chcę zmienić adres mojej paczki",
    "it": "Scusi, vorrei cambiare il mio indirizzo",
}
WORDS = {
    "de": "Nein",
    "es+f2": "No gracias",
    "fr": "Mais non",
    "pl+f3": "Poczekaj",
    "it": "Un momento",
}
Samples = NDArray[np.float64]


def spoken(text: str, voice: str) -> Samples:
    return np.concatenate([piece.pcm for piece in synthesize(text, RATE_HZ, voice)]).astype(float)


@dataclass
class Line:
    """One call: the bot, the echo of it, and the caller, if there is one."""

    caller: Samples
    stop_tick: int | None
    """When the bot stops without a caller; None if the bank stops it."""
    echo: Samples
    """Impulse response."""
    played: Samples = field(default_factory=lambda: np.zeros(TICKS * FRAME))
    judge: StopJudge = field(default_factory=StopJudge)
    stopped: bool = False

    def play(self, tick: int, bot: Samples) -> None:
        if not self.stopped:
            self.played[tick * FRAME : (tick + 1) * FRAME] = bot[tick * FRAME : (tick + 1) * FRAME]

    def heard(self, tick: int, noise: Samples) -> Pcm:
        end = (tick + 1) * FRAME
        past = np.zeros(self.echo.size + FRAME)
        recent = self.played[max(0, end - past.size) : end]
        past[past.size - recent.size :] = recent
        echo = np.convolve(past, self.echo, "valid")[-FRAME:]
        sound = self.caller[end - FRAME : end] + echo + noise
        return np.clip(sound, -32768, 32767).astype(np.int16)

    def take(self, tick: int, decision: int, speech: float, delay_ms: float) -> None:
        if self.stopped:
            self.judge.hear(speech, Decision(decision))
            return
        spoke = bool(self.caller[: (tick + 1) * FRAME].any())
        by_caller = decision == Decision.CALLER and spoke
        if tick == self.stop_tick or (self.stop_tick is None and by_caller):
            self.stopped = True
            self.judge.stopped(BargeIn(0, 0, "", 0.2, delay_ms, 1.0, 1.0, "", "", 0))


def lines(sort: str, rng: np.random.Generator) -> list[Line]:
    said = {"sentence": SENTENCES, "words": WORDS}.get(sort)
    made = []
    for number in range(CALLS):
        caller = np.zeros(TICKS * FRAME)
        if said is not None:
            voice = list(said)[number % len(said)]
            speech, at = spoken(said[voice], voice), int(rng.uniform(3.5, 5.0) * RATE_HZ)
            caller[at : at + speech.size] = speech * 10 ** (rng.uniform(-8, 2) / 20)
        tail = np.exp(-np.arange(400) / 80) * rng.normal(0, 0.3, 400)
        tail[0] = 1.0
        delay = np.zeros(int(rng.integers(60, 700)) * RATE_HZ // 1000)
        echo = np.concatenate([delay, tail]) * 10 ** (-rng.uniform(10, 25) / 20)
        stop_tick = None if said is not None else int(rng.uniform(3.5, 6.0) * 50)
        made.append(Line(caller, stop_tick, echo))
    return made


@pytest.mark.parametrize(
    ("decision", "speech", "suspected"),
    [(Decision.CALLER, 0.9, False), (Decision.NONE, 0.9, True), (Decision.CALLER, 0.1, True)],
)
def test_a_stop_is_true_where_silero_and_the_bank_find_the_caller(
    decision: Decision, speech: float, suspected: bool
) -> None:
    judge = StopJudge()
    judge.stopped(BargeIn(0, 0, "", 0.2, 120.0, 1.0, 1.0, "", "", 0))
    for _ in range(50):
        judge.hear(speech, decision)
    assert (judge.false_stop(words=False) is not None) == suspected


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("sort", "least", "most"), [("sentence", 0, 0), ("words", 30, 50), ("nobody", CALLS, CALLS)]
)
def test_a_stop_is_suspected_where_nobody_spoke(sort: str, least: int, most: int) -> None:
    rng = np.random.default_rng(17)
    bot = np.zeros(TICKS * FRAME)
    speech = spoken(BOT, "en-us")[: bot.size]
    bot[: speech.size] = speech
    calls = lines(sort, rng)
    bank = Bank(CALLS, RATE_HZ, keep_backchannels=False)
    for slot in range(CALLS):
        bank.open(slot)
    for tick in range(TICKS):
        for call in calls:
            call.play(tick, bot)
        noise = rng.normal(0, 8, (CALLS, FRAME))
        caller = np.stack([call.heard(tick, noise[slot]) for slot, call in enumerate(calls)])
        played = np.stack([call.played[tick * FRAME : (tick + 1) * FRAME] for call in calls])
        step = bank.step(caller, played.astype(np.int16))
        for slot, call in enumerate(calls):
            call.take(tick, step.decision[slot], step.speech[slot], float(step.delay_ms[slot]))

    stopped = [call.judge for call in calls if call.stopped]
    suspected = sum(judge.false_stop(words=False) is not None for judge in stopped)
    speech_ms = np.percentile([judge.speech_ms for judge in stopped], [5, 50, 95, 100])
    sys.stdout.write(
        f"{sort}: {suspected} of {len(stopped)} suspected, speech after the stop, p5, p50, p95, "
        f"most: {speech_ms} ms\n"
    )
    assert len(stopped) >= CALLS - 2
    assert least <= suspected <= most
