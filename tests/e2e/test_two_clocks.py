"""A suite's call over TCP to a real pod and on the lab's virtual clock: the same decisions.

The figures of the suites are only as good as that. The pod's bank, given the same input again,
decides the same in each tick, whatever the machine did meanwhile. So does the bank on the virtual
clock, whose bot plays the same samples as the pod's, ducks and fades with them.
"""

import asyncio
from pathlib import Path
from typing import Final
from uuid import UUID

import numpy as np
import pytest
import soundfile
from pod_on_sockets import manifest, running
from recorded_bank import Fed, RecordedBank
from virtual_again import run_again

from call.doubles import Recognizer
from interject_lab.call_record import CallRecord
from interject_lab.material.corpus import loaded
from interject_lab.suite.document import read_suite
from interject_lab.suite.draw import SuiteCall, draw_call
from interject_lab.telephones.phone import Phone, ask_call_start
from media_pod.duplex.bank import Bank
from media_pod.duplex.contract import TICK_MS, Pcm
from media_pod.providers.registry import ProviderRegistry
from real_time.retry import again_if_stalled
from real_time.verdict import TRIES

RATE_HZ: Final = 8000
TICK: Final = RATE_HZ * TICK_MS // 1000
SECONDS: Final = 24.0
SEED: Final = 1
NUMBER: Final = 2
"""Of the call in the suite `clean`: its caller interrupts nearly every sentence."""
CALL: Final = UUID(int=NUMBER)
PAUSE_MS: Final = 1000
"""Between sentences: longer than any pause inside one."""
LEAST_STOPS: Final = 2


@pytest.fixture
def any_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of a recognizer, whose process takes a while to load."""
    monkeypatch.setattr(ProviderRegistry, "_stt", lambda self, settings, path: Recognizer())


@pytest.mark.slow
@pytest.mark.timeout(TRIES * 120)
@pytest.mark.usefixtures("any_words")
def test_a_call_of_a_pod_is_the_same_on_the_virtual_clock(tmp_path: Path) -> None:
    again_if_stalled(lambda: _compare(tmp_path))


def _compare(folder: Path) -> None:
    call = _drawn()
    fed, record = asyncio.run(_call_a_pod(call, folder))
    decisions = np.array([step.decision[0] for step in fed.steps])
    assert np.array_equal(fed.again(Bank(1, RATE_HZ)), decisions)

    virtual = run_again(_drawn(), fed, record, _sentences(fed, call.utterances))

    np.testing.assert_array_equal(virtual.trace.decision, decisions)
    np.testing.assert_array_equal(virtual.trace.played, np.concatenate(fed.played, axis=None))
    assert len(virtual.stop_samples) >= LEAST_STOPS


def _drawn() -> SuiteCall:
    suite = read_suite("clean").model_copy(update={"seconds": SECONDS})
    return draw_call(suite, loaded(None, RATE_HZ, "test"), SEED, NUMBER)


async def _call_a_pod(call: SuiteCall, folder: Path) -> tuple[Fed, CallRecord]:
    script = []
    for number, pcm in enumerate(call.utterances):
        path = folder / f"{number}.wav"
        # In whole ticks, so that the sentences after it begin with a tick, as the lab's do.
        soundfile.write(path, np.pad(pcm, (0, -pcm.size % TICK)), RATE_HZ)
        script.append({"play": str(path), "pauseMs": PAUSE_MS})
    dialogue = {"kind": "scripted", "script": script, "atEnd": "repeat"}
    bank = RecordedBank(RATE_HZ)
    agent = manifest([], dialogue=dialogue, capacity={"calls": 1})
    now = asyncio.get_running_loop().time
    async with running(agent, bank=lambda spec: bank, now=now) as pod:
        api = f"http://127.0.0.1:{pod.addresses.http_port}"
        host, port = await ask_call_start(api, CALL)
        phone = Phone(call.line, call.caller, max_s=SECONDS, clock_ns=lambda: round(now() * 1e9))
        record = await phone.call(host, port, CALL)
        await pod.until_free()
    return bank.fed, record


def _sentences(fed: Fed, utterances: tuple[Pcm, ...]) -> list[tuple[int, Pcm]]:
    """The tick in which each sentence of the pod's bot began, and its audio."""
    played = np.concatenate(fed.played, axis=None)
    sentences, silent_ticks = [], PAUSE_MS // TICK_MS
    for tick, frame in enumerate(fed.played):
        if not frame.any():
            silent_ticks += 1
            continue
        if silent_ticks * TICK_MS >= PAUSE_MS // 2:
            sentences.append(min((_beginning(tick, pcm, played) for pcm in utterances), key=_error))
        silent_ticks = 0
    return [(tick, pcm) for tick, pcm, _ in sentences]


def _beginning(first_sound: int, pcm: Pcm, played: Pcm) -> tuple[int, Pcm, int]:
    """When `pcm` began if its first sound is what was played in the tick `first_sound`, and how
    much its first tick with sound differs from that."""
    silent_ticks = int(np.flatnonzero(pcm)[0]) // TICK
    sound = pcm[silent_ticks * TICK : (silent_ticks + 1) * TICK].astype(int)
    error = np.abs(sound - played[first_sound * TICK : (first_sound + 1) * TICK]).max()
    return first_sound - silent_ticks, pcm, int(error)


def _error(beginning: tuple[int, Pcm, int]) -> int:
    return beginning[2]
