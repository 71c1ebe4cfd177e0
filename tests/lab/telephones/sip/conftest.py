"""Telephones on a quiet line without echo, and what they say."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interject_lab.network.line import DelayStep, TelephoneLine
from interject_lab.network.paths import EchoPath
from interject_lab.telephones.caller import Caller, Cue, PlannedUtterance
from interject_lab.telephones.sip.phone import SipPhone
from interject_lab.telephones.sip.signalling import Account

Pcm = NDArray[np.int16]

NO_SERVER = Account("test", "", "127.0.0.1", 9)


def tone(seconds: float, rate_hz: int = 8000, *, hz: float = 440.0) -> Pcm:
    """int16 [samples] of a tone at -10 dBFS."""
    phase = 2 * np.pi * hz * np.arange(round(seconds * rate_hz)) / rate_hz
    return np.rint(np.sin(phase) * 32768 * 10 ** (-10 / 20) * math.sqrt(2)).astype(np.int16)


def make_phone(
    *plan: PlannedUtterance, account: Account = NO_SERVER, rate_hz: int = 8000, **settings: Any
) -> SipPhone:
    line = TelephoneLine(
        rate_hz,
        EchoPath("hybrid", rate_hz, np.array([1.0])),
        erl_db=math.inf,
        delays=[DelayStep(0, 0)],
        bot_speech=tone(0.1, rate_hz),
        law=None,
        noise_dbfs=-math.inf,
        rng=np.random.default_rng(0),
    )
    return SipPhone(account, line, Caller(plan, rate_hz), **({"max_s": 0.3} | settings))


def says(pcm: Pcm, at_s: float = 0.0) -> PlannedUtterance:
    return PlannedUtterance("said", pcm, Cue.AT, at_s)
