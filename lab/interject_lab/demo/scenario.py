"""The demonstration's call: what the caller says and when, on which line, to which agent.

The line is drawn, as those of `interject lab bench` are: the first of the default suite whose delay
steps while the bot speaks.

The caller speaks at fixed times, so that every listening mode gets the same samples. The times fit
a parcel desk that listens: answers come after its questions, and the caller talks over it three
times.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from interject_lab.material.corpus import loaded
from interject_lab.network.line import TelephoneLine
from interject_lab.suite.document import read_suite
from interject_lab.suite.draw import draw_line
from interject_lab.telephones.caller import Caller, Cue, PlannedUtterance
from media_pod.dialogues.parcel_desk.script import POLICY
from media_pod.manifest.agent import VoiceAgent, load_manifest
from media_pod.providers.builtin.espeak import synthesize

Pcm = NDArray[np.int16]

RATE_HZ: Final = 8000
SUITE: Final = "default"
SEED: Final = 1
CALL_NUMBER: Final = 4
BOT_VOICE: Final = "en-us"
CALLER_VOICE: Final = "en-us+klatt4"
CALLER_WPM: Final = 130
"""A slow voice, which the built-in recognizer understands with its small grammar."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Duration of the call, and the caller's lines as (time in s, text)."""

    seconds: float
    lines: tuple[tuple[float, str], ...]


FULL: Final = Scene(
    52.0,
    (
        (6.8, "four eight three seven"),
        (14.8, "yes"),
        (21.0, "wait"),
        (26.0, "yes"),
        (33.0, "hold on"),
        (38.6, "yes"),
        (44.5, "address"),
    ),
)
SHORT: Final = Scene(27.0, FULL.lines[:3])


def agent() -> VoiceAgent:
    """The parcel desk, on free ports."""
    document = {
        "apiVersion": "interject.dev/v1alpha1",
        "kind": "VoiceAgent",
        "metadata": {"name": "demo"},
        "spec": {
            "dialogue": {"kind": "parcelDesk"},
            "tts": {"kind": "espeak", "voice": BOT_VOICE},
            # "wait", "yes" and "address" over the bot are what the parcel desk listens for.
            "bargeIn": {"backchannels": "stop"},
            "line": {"rateHz": RATE_HZ},
            "capacity": {"calls": 1},
            "server": {"bindHost": "127.0.0.1", "audioSocketPort": 0, "httpPort": 0},
            "drain": {"timeoutSeconds": 2},
        },
    }
    return load_manifest(document, "the demonstration's agent")


def caller(scene: Scene) -> Caller:
    """The caller; the same samples at each call of this function."""
    plan = [PlannedUtterance(text, _say(text), Cue.AT, at_s) for at_s, text in scene.lines]
    return Caller(plan, RATE_HZ)


def line() -> tuple[TelephoneLine, dict[str, Any]]:
    """The line and what was drawn for it (`SuiteCall.conditions`).

    The same echo and the same noise at each call of this function.
    """
    speech = np.concatenate([made.pcm for made in synthesize(POLICY[1], RATE_HZ, BOT_VOICE)])
    material = loaded(None, RATE_HZ, "test")
    return draw_line(read_suite(SUITE), material, SEED, CALL_NUMBER, speech)


def _say(text: str) -> Pcm:
    made = synthesize(text, RATE_HZ, CALLER_VOICE, CALLER_WPM)
    return np.concatenate([speech.pcm for speech in made])
