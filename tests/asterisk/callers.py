"""Callers in the cases on the real Asterisk, their lines, and the agents that they call."""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from interject_lab.network.line import DelayStep, TelephoneLine
from interject_lab.network.paths import hybrid
from interject_lab.telephones.caller import Caller, Cue, PlannedUtterance
from media_pod.manifest.agent import VoiceAgent, load_manifest
from media_pod.providers.builtin.espeak import synthesize

Pcm = NDArray[np.int16]

SEED: Final = 6
BOT_TEXT: Final = (
    "Our driver comes between eight in the morning and six in the evening, and rings once. "
    "If nobody opens the door, the driver leaves a card and takes the parcel back to the depot. "
    "The depot keeps every parcel for ten working days, and asks for a photo identity card."
)
_WORDS: Final = ("hold on please", "wait a moment", "no, stop there", "that is not what I meant")
_VOICES: Final = ("en-gb+f2", "en-us+m3", "en-gb+f4", "en-us+klatt4")


@cache
def said(text: str, voice: str, rate_hz: int = 8000) -> Pcm:
    """`text` in one of espeak-ng's voices."""
    return np.concatenate([made.pcm for made in synthesize(text, rate_hz, voice)])


def agent(name: str = "agent", **spec: Any) -> VoiceAgent:
    """An agent on ports that the system chooses; without `dialogue` or `llm` it talks on."""
    server = {"bindHost": "127.0.0.1", "audioSocketPort": 0, "httpPort": 0}
    document = {
        "apiVersion": "interject.dev/v1alpha1",
        "kind": "VoiceAgent",
        "metadata": {"name": name},
        "spec": {
            **({} if "llm" in spec else {"dialogue": spec.pop("dialogue", talks_on())}),
            "capacity": {"calls": 8},
            "server": server | spec.pop("server", {}),
            "drain": {"timeoutSeconds": 2},
            **spec,
        },
    }
    return load_manifest(document, "the test's agent")


def talks_on() -> dict[str, Any]:
    """A script without end."""
    return {"kind": "scripted", "script": [{"say": BOT_TEXT, "pauseMs": 200}], "atEnd": "repeat"}


def says(*lines: dict[str, Any]) -> dict[str, Any]:
    """A script that hangs up at its end."""
    return {"kind": "scripted", "script": list(lines), "atEnd": "hangUp"}


def line(
    delay_ms: float = 120.0, erl_db: float = 15.0, *, rate_hz: int = 8000, seed: int = SEED
) -> TelephoneLine:
    """A telephone line with a hybrid at its far end; `delay_ms` is the line's own part."""
    rng = np.random.default_rng(seed)
    return TelephoneLine(
        rate_hz,
        hybrid(rng, rate_hz),
        erl_db=erl_db,
        delays=[DelayStep(0.0, delay_ms)],
        bot_speech=said(BOT_TEXT, "en-us", rate_hz),
        law="mu" if rate_hz == 8000 else None,
        rng=rng,
    )


def silent(rate_hz: int = 8000) -> Caller:
    """A caller who listens."""
    return Caller((), rate_hz)


def interrupter(times: int, *, seed: int = SEED, rate_hz: int = 8000) -> Caller:
    """Talks over the bot, so many times, 1 to 2.5 s after it has begun to speak."""
    rng = np.random.default_rng(seed)
    plan = []
    for index in range(times):
        text, voice = _WORDS[index % len(_WORDS)], _VOICES[(index + seed) % len(_VOICES)]
        pcm = said(text, voice, rate_hz)
        plan.append(PlannedUtterance(text, pcm, Cue.BOT_SPEAKING, float(rng.uniform(1.0, 2.5))))
    return Caller(plan, rate_hz)


def speaker(lines: Sequence[tuple[float, str]], rate_hz: int = 8000) -> Caller:
    """Says each text at its second."""
    plan = [
        PlannedUtterance(text, said(text, _VOICES[0], rate_hz), Cue.AT, at_s)
        for at_s, text in lines
    ]
    return Caller(plan, rate_hz)
