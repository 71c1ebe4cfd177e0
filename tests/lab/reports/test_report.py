import base64
import io
import re
from dataclasses import replace

import numpy as np
import pytest
from matplotlib import image

from interject_lab.audio_files import mu_law_wav
from interject_lab.call_record import BankTrace, CallRecord, SoundKind, Spoken
from interject_lab.network.codecs import g711_decode
from interject_lab.reports.call_report import (
    CallReport,
    ReportedFinding,
    StopMark,
    TranscriptLine,
    call_report,
)
from interject_lab.reports.report import in_words, render
from interject_lab.reports.timeline import REASONS, draw
from interject_lab.scoring.score import CallScore, score
from lab.conftest import Talk, make_talk
from media_pod.duplex.contract import Decision, Reason


def make_report(talk: Talk, *, pod_lead_ticks: int = 0) -> CallReport:
    """Six seconds; the bot is stopped at 2 s for a caller who talks from 1.8 s to 3 s.

    The pod's recording begins `pod_lead_ticks` before the telephone's.
    """
    rng = np.random.default_rng(8)
    times_ns = np.arange(300, dtype=np.int64) * 20_000_000
    bot = np.concatenate([talk(2.0), np.zeros(32_000, np.int16)])
    caller = rng.integers(-200, 200, 48_000).astype(np.int16)
    record = CallRecord(
        rate_hz=8000,
        caller=caller,
        bot=bot,
        caller_sent_ns=times_ns,
        bot_arrived_ns=times_ns,
        bot_played_sample=np.arange(300, dtype=np.int64) * 160,
        line_delay_ms=np.full(300, 250, np.float32),
        spoken=(Spoken("wait", 14_400, 24_000, interrupts=True),),
        ended="",
    )
    rows = np.zeros(300, np.float32)
    before = np.zeros(pod_lead_ticks * 160, np.int16)
    trace = BankTrace(
        caller=np.concatenate([before, caller])[:48_000],
        played=np.concatenate([before, bot])[:48_000],
        cleaned=caller,
        speech=rows,
        decision=np.where(np.arange(300) % 90 > 60, Decision.CALLER, Decision.ONSET).astype(
            np.int8
        ),
        reason=(np.arange(300) % len(Reason)).astype(np.int8),
        delay_ms=rows + 250,
        delay_confidence=rows + 1,
        erle_db=rows,
        true_delay_ms=rows + 250,
    )
    return call_report(
        "Ours & <theirs>",
        record,
        score("ours", record, [16_000], trace),
        trace,
        stop_samples=[16_000],
        transcript=[TranscriptLine(0.5, "bot", "Please tell me", "your <number>.")],
    )


@pytest.fixture(scope="module")
def page() -> str:
    return render("Title", "Intro", [make_report(make_talk)])


def test_everything_lies_on_the_axis_of_the_pod(talk: Talk) -> None:
    shown = make_report(talk, pod_lead_ticks=5)
    assert shown.talks[0].start_s == pytest.approx(1.9)
    assert shown.talks[0].end_s == pytest.approx(3.1)
    assert shown.stops == (StopMark(2.1, true=True),)
    assert shown.duration_s == 6.0


def test_the_timeline_is_a_picture_in_which_the_caller_can_be_seen(page: str, talk: Talk) -> None:
    shown = make_report(talk)
    (picture,) = re.findall(r"data:image/png;base64,([^\"]+)", page)
    with_talk = image.imread(io.BytesIO(base64.b64decode(picture)), format="png")
    without = image.imread(io.BytesIO(draw(replace(shown, talks=()))), format="png")
    height, width = with_talk.shape[:2]
    assert width > height > 800
    changed = np.flatnonzero(np.any(with_talk != without, axis=(0, 2)))
    # 1.8 s to 3 s of six, between the edges of the axis.
    assert changed[0] / width == pytest.approx(0.108 + 0.844 * 0.3, abs=0.005)
    assert changed[-1] / width == pytest.approx(0.108 + 0.844 * 0.5, abs=0.005)


def test_ducks_are_counted_and_shown_where_the_bot_is_to_be_heard(talk: Talk) -> None:
    shown = make_report(talk)
    # The doubts begin at 0, 1.8, 3.6 and 5.4 s, and the bot speaks in the first two seconds.
    assert shown.score.ducks == 2
    certain = replace(shown.trace, decision=np.zeros(300, np.int8))
    assert draw(replace(shown, trace=certain), dpi=20) != draw(shown, dpi=20)


def test_the_ground_shows_what_kind_of_sound_it_is(talk: Talk) -> None:
    shown = make_report(talk)
    (speech,) = shown.talks
    kinds: list[SoundKind] = ["interruption", "backchannel", "noise", "second_speaker"]
    drawn = {draw(replace(shown, talks=(replace(speech, kind=kind),)), dpi=20) for kind in kinds}
    assert len(drawn) == len(kinds)


def test_a_call_of_silence_can_be_drawn(talk: Talk) -> None:
    shown = make_report(talk)
    nothing = np.full(300, np.nan, np.float32)
    trace = replace(
        shown.trace, played=np.zeros(48_000, np.int16), delay_ms=nothing, true_delay_ms=nothing
    )
    assert draw(replace(shown, trace=trace, stops=())).startswith(b"\x89PNG")


def test_every_reason_has_its_words_and_its_own_colour() -> None:
    assert set(REASONS) == set(Reason)
    assert len({color for _, color in REASONS.values()}) == len(Reason)


def test_the_page_carries_everything_and_fetches_nothing(page: str) -> None:
    sources = re.findall(r'(?:src|href|url)[=(]"?([^")\s]+)', page)
    assert len(sources) == 3
    assert all(source.startswith(("data:", "#")) for source in sources)
    assert "//" not in re.sub(r'"data:[^"]*"', "", page)


def test_text_is_escaped_and_what_was_not_heard_is_marked(page: str) -> None:
    assert "Ours &amp; &lt;theirs&gt;" in page
    assert '<span class="unheard">your &lt;number&gt;.</span>' in page


def test_what_was_expected_is_counted_and_listed(talk: Talk, page: str) -> None:
    findings = (ReportedFinding("found <a>", True), ReportedFinding("found b", False))
    judged = render("T", "I", [replace(make_report(talk), findings=findings)], "Scenario")
    assert "<th>Scenario</th>" in judged
    assert "<th>Expectations met</th>" in judged
    assert '<td class="bad">1<small> of 2</small></td>' in judged
    assert '<li class="good">found &lt;a&gt;</li>' in judged
    assert '<li class="bad">found b</li>' in judged
    assert "Expectations" not in page


def test_three_calls_of_45_s_stay_below_6_mb(page: str) -> None:
    audio = len(
        base64.b64encode(mu_law_wav(np.zeros(360_000, np.int16), np.zeros(1, np.int16), 8000))
    )
    assert 3 * (len(page) + audio) < 6e6


def test_the_recording_has_the_caller_left_and_the_bot_right() -> None:
    left, right = np.array([0, 32_124, -8], np.int16), np.array([8], np.int16)
    wav = mu_law_wav(left, right, 8000)
    assert wav[:4] == b"RIFF"
    assert int.from_bytes(wav[4:8], "little") == len(wav) - 8
    data = np.frombuffer(wav[wav.index(b"data") + 8 :], np.uint8)
    heard = g711_decode(data, "mu").reshape(-1, 2)
    assert heard.tolist() == [[0, 8], [32_124, 0], [-8, 0]]


SCORE = CallScore("x", 45, 30, 4, 0, 4, 4, 0, 6, 160.0, 200.0, 1.0, 2.0, 99.0, 25.0)
FALSE_ONCE = replace(SCORE, false_barge_ins=1, heard=3, missed=1)
DEAF = replace(SCORE, interruptions=2, heard=0, missed=2, onset_to_silence_p50_ms=None)
JUMPY = replace(SCORE, false_barge_ins=9, interruptions=0, heard=0)


def test_a_score_in_words() -> None:
    assert in_words(SCORE) == (
        "Never stopped for its own echo, heard all 4 interruptions,"
        " and was silent 160 ms after the caller's first sound (median)."
    )
    assert in_words(FALSE_ONCE) == (
        "Stopped once although the caller was silent, heard 3 of 4 interruptions,"
        " and was silent 160 ms after the caller's first sound (median)."
    )
    assert in_words(DEAF) == (
        "Never stopped for its own echo, but talked on through both interruptions."
    )
    assert in_words(JUMPY) == (
        "Stopped 9 times although the caller was silent; the caller had no chance to interrupt."
    )
