"""Clauses whose audio arrives in pieces."""

import struct
from itertools import pairwise

import numpy as np
import pytest
import soxr
from hypothesis import given
from hypothesis import strategies as st

from media_pod.providers.builtin.espeak import synthesize
from media_pod.providers.ports import FailureKind, Pcm, ProviderError, Speech
from media_pod.providers.tts.level import active_frames, frame_power
from media_pod.providers.tts.streamed import StreamedClause
from media_pod.providers.tts.voice_profile import TYPICAL_MS_PER_LETTER, VoiceProfile

TEXT = "If nobody opens the door, the driver leaves a card."
SOURCE_HZ = 22_050
VOICE = synthesize(TEXT, SOURCE_HZ)[0].pcm
CUTS = st.lists(st.integers(0, 2 * VOICE.size), max_size=12)


def silence(ms: int) -> Pcm:
    return np.zeros(SOURCE_HZ * ms // 1000, np.int16)


def header(rate_hz: int = SOURCE_HZ, channels: int = 1, bits: int = 16) -> bytes:
    """A WAV header as servers stream it: with sizes that are not true, and a list of tags."""
    form = struct.pack("<HHIIHH", 1, channels, rate_hz, rate_hz * 2, 2, bits)
    return (
        b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0"
        + form
        + b"LIST\x05\0\0\0INFO\0\0"
        + b"data\0\0\0\0"
    )


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    ends = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    return [data[start:end] for start, end in pairwise(ends)]


def spoken(
    pieces: list[bytes], profile: VoiceProfile | None = None, text: str = TEXT
) -> list[Speech]:
    clause = StreamedClause(text, SOURCE_HZ, 8000, profile or VoiceProfile())
    parts = [clause.feed(piece) for piece in pieces]
    return [part for part in (*parts, clause.finish()) if part is not None]


def whole(parts: list[Speech]) -> Pcm:
    return np.concatenate([part.pcm for part in parts])


def active_dbfs(pcm: Pcm) -> float:
    power = active_frames(frame_power(pcm.astype(np.float32), 8000))
    return float(10 * np.log10(power.mean() / 32768**2))


@given(CUTS, st.booleans(), st.integers(0, 400))
def test_any_split_of_the_bytes_gives_the_same_speech(
    cuts: list[int], with_header: bool, silent_ms: int
) -> None:
    pcm = np.concatenate([silence(silent_ms), VOICE]).tobytes()
    (one,) = spoken([pcm])[:1]
    data = header() + pcm if with_header else pcm
    parts = spoken(split(data, cuts))
    assert np.array_equal(whole(parts), whole(spoken([pcm])))
    assert parts[-1].words == spoken([pcm])[-1].words
    assert [part.text for part in parts] == [one.text] + [""] * (len(parts) - 1)
    assert [part.continues for part in parts] == [False] + [True] * (len(parts) - 1)


def test_pieces_are_resampled_without_clicks() -> None:
    profile = VoiceProfile()
    profile.learn_level(np.full(100, 3276.8**2, np.float32))  # a gain of 1
    got = whole(spoken(split(VOICE.tobytes(), list(range(0, 2 * VOICE.size, 777))), profile))
    expected = soxr.resample(VOICE.astype(np.float32), SOURCE_HZ, 8000, "VHQ")[-got.size :]
    soft = np.abs(expected) < 20_000
    assert np.abs(got - expected)[soft].max() <= 1


@pytest.mark.parametrize("level_db", [-30, -20, 0, 3])
def test_voices_are_equally_loud_from_their_first_clause_and_none_clips(level_db: int) -> None:
    scaled = np.clip(VOICE * 10 ** (level_db / 20), -32768, 32767).astype("<i2").tobytes()
    profile = VoiceProfile()
    for _ in range(3):
        pcm = whole(spoken(split(scaled, [5000, 20_000]), profile))
        assert active_dbfs(pcm) == pytest.approx(-20, abs=3)
        assert np.abs(pcm.astype(np.int32)).max() <= 32768 * 10 ** (-1 / 20)
    assert active_dbfs(pcm) == pytest.approx(-20, abs=0.5)


def test_the_gain_is_the_same_in_the_whole_clause() -> None:
    soft_end = np.concatenate([VOICE, VOICE // 10])
    pcm = whole(spoken(split(soft_end.tobytes(), list(range(0, 4 * VOICE.size, 4096)))))
    loud, soft = pcm[: pcm.size // 2], pcm[pcm.size // 2 :]
    assert active_dbfs(loud) - active_dbfs(soft) == pytest.approx(20, abs=0.5)


@pytest.mark.parametrize(("silent_ms", "kept_ms"), [(0, 0), (60, 60), (100, 100), (900, 100)])
def test_callers_wait_no_more_than_a_tenth_of_a_second_for_the_first_sound(
    silent_ms: int, kept_ms: int
) -> None:
    parts = spoken([np.concatenate([silence(silent_ms), VOICE]).tobytes()])
    without = spoken([VOICE.tobytes()])
    added = (whole(parts).size - whole(without).size) / 8
    assert added == pytest.approx(kept_ms, abs=10)
    first = [parts[-1].words[0].start_sample, without[-1].words[0].start_sample]
    assert (first[0] - first[1]) / 8 == pytest.approx(kept_ms, abs=10)


def test_final_word_times_fill_the_sound_and_leave_a_pause_after_a_comma() -> None:
    (speech,) = spoken([np.concatenate([VOICE, silence(1000)]).tobytes()])[-1:]
    assert " ".join(word.text for word in speech.words) == TEXT
    # The voice ends in 200 ms of silence of its own.
    assert speech.words[-1].end_sample == pytest.approx(
        (VOICE.size / SOURCE_HZ - 0.2) * 8000, abs=200
    )
    gaps = {one.text: other.start_sample - one.end_sample for one, other in pairwise(speech.words)}
    assert gaps.pop("door,") > 0.1 * 8000
    assert set(gaps.values()) == {0}


def test_words_are_near_their_true_times() -> None:
    (true,) = synthesize(TEXT, 8000)
    (speech,) = spoken([VOICE.tobytes()])[-1:]
    errors = [
        abs(one.end_sample - other.end_sample) / 8
        for one, other in zip(speech.words, true.words, strict=True)
    ]
    assert float(np.median(errors)) < 120
    assert max(errors) < 300


def test_words_are_estimated_by_the_rate_of_the_clauses_before() -> None:
    profile = VoiceProfile()
    assert profile.ms_per_letter == TYPICAL_MS_PER_LETTER
    slow = soxr.resample(VOICE, 1, 2).tobytes()  # half as fast
    spoken([slow], profile)
    first, *_, last = spoken(split(slow, [40_000]), profile)
    assert first.words[-1].end_sample == pytest.approx(last.words[-1].end_sample, rel=0.02)
    assert first.words[-1].end_sample > first.pcm.size


def test_a_clause_that_lasts_longer_than_expected_is_not_said_before_it_ends() -> None:
    slow = soxr.resample(VOICE, 1, 3).tobytes()
    *_, running, _ = spoken(split(slow, list(range(0, len(slow), 4000))))
    parts = spoken(split(slow, list(range(0, len(slow), 4000))))
    received = sum(part.pcm.size for part in parts[:-1])
    assert running.words[-1].end_sample >= received


def test_silence_is_no_speech() -> None:
    assert spoken([silence(3000).tobytes()]) == []
    assert spoken([]) == []


def test_a_short_clause_comes_whole() -> None:
    (speech,) = spoken([VOICE[4000:7000].tobytes()], text="Yes.")
    assert speech.text == "Yes."
    assert not speech.continues
    assert [word.text for word in speech.words] == ["Yes."]


def test_the_sample_rate_of_a_header_counts() -> None:
    data = VOICE.tobytes()
    assert np.array_equal(
        whole(spoken([header(11_025), data])),
        whole(spoken([header(11_025) + data])),
    )
    assert whole(spoken([header(11_025), data])).size == pytest.approx(
        2 * whole(spoken([data])).size, rel=0.01
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (header(channels=2), "2 channels of 16 bits; expected 1 channel of 16 bits"),
        (header(bits=8), "1 channels of 8 bits"),
        (header(rate_hz=1) + b"\0\0", r"1 Hz; expected 8000\.\.48000 Hz"),
        (b"RIFF" + bytes(5000), "begins with RIFF, but has no samples"),
    ],
)
def test_audio_of_another_format_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(ProviderError, match=message) as caught:
        spoken([data])
    assert caught.value.kind is FailureKind.BAD_ANSWER


def test_a_server_that_never_ends_is_cut() -> None:
    clause = StreamedClause("Hi.", 8000, 8000, VoiceProfile())
    with pytest.raises(ProviderError, match="more than 120 s of audio for a text of 3 characters"):
        for _ in range(13):
            clause.feed(bytes(160_000))
