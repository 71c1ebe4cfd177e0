"""What telephones send: packet lengths, digits, silence, wideband."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from asterisk.callers import agent, interrupter, line, silent, speaker
from asterisk.judged import judge, played_as_heard
from asterisk.measured import Measured, spread
from asterisk.world import world
from interject_lab.scoring.truth import true_delay_ms
from interject_lab.telephones.handset import Dtmf
from interject_lab.telephones.sip.media import MediaSettings
from media_pod.providers.ports import Pcm
from real_time.retry import in_real_time

PTIMES_MS = (10, 30, 40, 60)
WIDE_HZ = 16_000


@pytest.mark.timeout(240)
@in_real_time
async def test_callers_are_heard_whatever_their_packets_last(
    tree: Path, tmp_path: Path, measured: Measured
) -> None:
    async with world(tree, tmp_path, [agent()], phones=len(PTIMES_MS)) as there:
        phones = [
            there.phone(
                line(160.0, seed=number),
                interrupter(4, seed=number),
                max_s=35,
                number=number,
                settings=MediaSettings(ptime_ms=ptime_ms),
            )
            for number, ptime_ms in enumerate(PTIMES_MS)
        ]
        called = await asyncio.gather(
            *(there.call(phone, "100", number) for number, phone in enumerate(phones))
        )
        await there.until_no_call()

    recordings = there.recordings()
    all_judged = [judge(each.call.record, recordings[each.uuid]) for each in called]
    for ptime_ms, judged in zip(PTIMES_MS, all_judged, strict=True):
        assert (judged.missed, judged.false_stops) == (0, 0), ptime_ms
        assert len(judged.interruptions) >= 3, ptime_ms
        measured.row(
            "ptime of the caller",
            f"{ptime_ms} ms: onset to last RTP, p50 / p95 / max",
            spread(judged.to_last_rtp_ms),
        )


@pytest.mark.timeout(150)
@in_real_time
async def test_keys_stop_the_bot_and_the_hole_that_they_leave_moves_nothing(
    tree: Path, tmp_path: Path, measured: Measured
) -> None:
    keys = [Dtmf(4.0 + 0.4 * index, digit) for index, digit in enumerate("4837#")]
    desk = agent(dialogue={"kind": "parcelDesk"})
    async with world(tree, tmp_path, [desk]) as there:
        phone = there.phone(line(), silent(), max_s=14, settings=MediaSettings(dtmf=keys))
        called = await there.call(phone, "100")
        await there.until_no_call()

    recording = there.recordings()[called.uuid]
    greeting, keyed, answer = recording.words[:3]
    assert greeting.cut, "the first key interrupts it"
    assert (keyed.speaker, keyed.heard) == ("caller", "4837")
    assert answer.heard.startswith("I have 4 8 3 7.")
    caller = recording.audio("caller").reshape(-1, 160)
    holes = hole_ticks((caller == 0).all(axis=1))
    heard = played_as_heard(recording)
    true_ms = true_delay_ms(called.call.record, recording.audio("caller"), heard)
    found_ms, known = recording.trace(true_ms).delay_ms, np.flatnonzero(np.isfinite(true_ms))[-50:]
    error_ms = float(np.median(np.abs(found_ms[known] - true_ms[known])))
    assert error_ms < 5
    measured.row("DTMF during speech", "hole in the caller's audio", f"{holes * 20} ms")
    measured.row("DTMF during speech", "delay error after five keys", f"{error_ms:.1f} ms")


@pytest.mark.timeout(300)
@in_real_time
async def test_a_caller_whose_phone_sends_nothing_for_half_a_minute_is_still_there(
    tree: Path, tmp_path: Path, measured: Measured
) -> None:
    async with world(tree, tmp_path, [agent()]) as there:
        phone = there.phone(
            line(),
            speaker([(38.0, "hold on please"), (45.0, "wait a moment")]),
            max_s=52,
            settings=MediaSettings(mute=[(5.0, 35.0)]),
        )
        called = await there.call(phone, "100")
        await there.until_no_call()

    assert called.call.ended == "the caller hung up"
    judged = judge(called.call.record, there.recordings()[called.uuid])
    assert judged.false_stops == 0
    assert judged.missed == 0 and judged.interruptions
    measured.row("no RTP from the caller for 30 s", "false stops", "0")
    measured.row(
        "no RTP from the caller for 30 s",
        "onset to last RTP afterwards",
        spread(judged.to_last_rtp_ms),
    )


@pytest.mark.timeout(180)
@in_real_time
async def test_wideband_reaches_both_ends(tree: Path, tmp_path: Path, measured: Measured) -> None:
    wide = {"name": "agent", "extensions": ["100"], "rateHz": WIDE_HZ}
    pod = agent(line={"rateHz": WIDE_HZ})
    async with world(tree, tmp_path, [pod], dialplan=[wide], phones=2) as there:
        phone = there.phone(
            line(rate_hz=WIDE_HZ),
            interrupter(2, rate_hz=WIDE_HZ),
            max_s=18,
            codecs=("G722",),
        )
        narrow = there.phone(line(), interrupter(2), max_s=18, number=1)
        called, other = await asyncio.gather(there.call(phone, "100"), there.call(narrow, "100", 1))
        await there.until_no_call()

    assert called.call.codec == "G722"
    recordings = there.recordings()
    at_pod = high_band_db(recordings[called.uuid].audio("caller"))
    at_phone = high_band_db(called.call.record.bot)
    narrow_at_pod = high_band_db(recordings[other.uuid].audio("caller"))
    assert at_pod > narrow_at_pod + 15
    assert at_phone > narrow_at_pod + 15
    case = "G.722, 16 kHz, power in 4.2-7 kHz against all"
    measured.row(case, "bot's voice at the telephone", f"{at_phone:.0f} dB")
    measured.row(case, "caller's voice and echo at the pod", f"{at_pod:.0f} dB")
    measured.row(case, "the same from a mu-law call", f"{narrow_at_pod:.0f} dB")


def hole_ticks(where: NDArray[np.bool_]) -> int:
    """The median length of the runs of 3 to 20 ticks: what a digit leaves."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], where, [False]]).astype(int)))
    lengths = edges[1::2] - edges[::2]
    return int(np.median(lengths[(lengths >= 3) & (lengths <= 20)]))


def high_band_db(pcm: Pcm) -> float:
    """Power between 4.2 and 7 kHz of audio at 16 kHz, against that of all of it, in dB."""
    power = np.abs(np.fft.rfft(pcm.astype(float))) ** 2
    frequency_hz = np.fft.rfftfreq(pcm.size, 1 / WIDE_HZ)
    high = (frequency_hz > 4200) & (frequency_hz < 7000)
    return float(10 * np.log10(power[high].sum() / power.sum()))
