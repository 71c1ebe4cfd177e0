"""The espeak-ng voice."""

import asyncio
import sys
import threading
from contextlib import aclosing

import numpy as np
import pytest

from call.doubles import leave
from media_pod.call.playout import Playout
from media_pod.errors import SetupError
from media_pod.providers.builtin import espeak_engine
from media_pod.providers.builtin.espeak import EspeakTts, synthesize
from media_pod.providers.builtin.espeak_engine import Engine
from media_pod.providers.ports import Pcm, ProviderError, Speech

POLICY = (
    "If nobody opens the door, Dr. Smith leaves a card - and takes it back. The depot keeps "
    "parcel 4712 for 10 days. Then it goes back on the next van!"
)


def rms(pcm: Pcm) -> float:
    return float(np.sqrt(np.square(pcm.astype(np.float64)).mean()))


async def spoken(tts: EspeakTts, text: str) -> list[Speech]:
    return [speech async for speech in tts.speak(text)]


@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_every_word_sounds_where_it_is_said_to_be(rate_hz: int) -> None:
    for speech in synthesize(POLICY, rate_hz):
        assert " ".join(word.text for word in speech.words).split() == speech.text.split()
        edges = [edge for word in speech.words for edge in (word.start_sample, word.end_sample)]
        assert edges == sorted(edges)
        assert edges[-1] <= speech.pcm.size
        level = rms(speech.pcm)
        for word in speech.words:
            assert word.end_sample - word.start_sample > 0.04 * rate_hz
            assert rms(speech.pcm[word.start_sample : word.end_sample]) > level / 10


def test_words_lie_at_the_same_time_at_every_rate() -> None:
    # espeak speaks the same text some samples longer or shorter each time.
    for low, high in zip(synthesize(POLICY, 8000), synthesize(POLICY, 16000), strict=True):
        for one, other in zip(low.words, high.words, strict=True):
            assert abs(one.start_sample / 8000 - other.start_sample / 16000) < 0.02


def test_pauses_belong_to_no_word() -> None:
    (speech,) = synthesize("Yes, no.", 8000)
    yes, no = speech.words
    gap = speech.pcm[yes.end_sample : no.start_sample]
    assert gap.size > 0.05 * 8000
    assert rms(gap) < rms(speech.pcm) / 20


def test_a_sentence_ends_in_a_fifth_of_a_second_of_silence() -> None:
    (speech,) = synthesize("Hello there.", 8000)
    silence = speech.pcm.size - speech.words[-1].end_sample
    assert 0.15 < silence / 8000 < 0.25
    assert not speech.pcm[-1400:].any()


@pytest.mark.parametrize(
    "voice", ["en-us", "en-gb+f3", "en-us+klatt4", "en-us+m3", "en-us+whisper"]
)
def test_all_voices_are_equally_loud_and_none_clips(voice: str) -> None:
    for speech in synthesize(POLICY, 8000, voice):
        loud = speech.pcm[: speech.pcm.size // 160 * 160].reshape(-1, 160).astype(np.float64)
        power = np.square(loud).mean(axis=1)
        active = 10 * np.log10(power[power > power.max() / 100].mean() / 32768**2)
        assert -24 < active < -18
        assert np.abs(speech.pcm.astype(np.int32)).max() < 29300


def test_rate_and_pitch_are_heard() -> None:
    length = {wpm: synthesize("Hello there.", 8000, "en-us", wpm)[0].pcm.size for wpm in (120, 240)}
    assert length[120] > 1.4 * length[240]

    def period(pitch: int) -> int:
        (speech,) = synthesize("Aah.", 8000, pitch=pitch)
        spectrum = np.fft.rfft(speech.pcm[400:2000])
        spectrum[80:] = 0  # above 400 Hz: the formants
        correlation = np.fft.irfft(np.abs(spectrum) ** 2)
        return int(correlation[40:160].argmax()) + 40

    assert period(0) > 1.2 * period(99)


def test_settings_of_one_request_do_not_leak_into_the_next() -> None:
    plain = synthesize("Hello there.", 8000)[0].pcm.size
    synthesize("Hello there.", 8000, "en-gb+f3", 300, 90)
    assert abs(synthesize("Hello there.", 8000)[0].pcm.size - plain) < 160


async def test_it_streams_piece_by_piece() -> None:
    tts = EspeakTts(8000)
    pieces = await spoken(tts, POLICY)
    assert " ".join(speech.text for speech in pieces) == POLICY
    assert len(pieces) >= 3
    await tts.aclose()


async def test_closing_the_iterator_stops_the_synthesis(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    synthesis = Engine.synthesize

    def counted(self: Engine, text: str, voice: str, words_per_minute: int, pitch: int) -> object:
        made.append(text)
        return synthesis(self, text, voice, words_per_minute, pitch)

    monkeypatch.setattr(Engine, "synthesize", counted)
    tts = EspeakTts(8000)
    async with aclosing(tts.speak("One. Two. Three. Four.")) as pieces:
        assert (await anext(pieces)).text == "One."
    await tts.aclose()
    assert made == ["One."]


async def test_a_cancelled_turn_does_not_hold_up_the_next() -> None:
    tts = EspeakTts(8000)
    task = asyncio.create_task(spoken(tts, "Never heard. " * 1000))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [speech.text for speech in await spoken(tts, "Hello.")] == ["Hello."]
    await tts.aclose()


async def test_a_closed_voice_says_so_and_leaves_no_thread() -> None:
    tts = EspeakTts(8000)
    await spoken(tts, "Hello.")
    await tts.aclose()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("espeak")]
    with pytest.raises(ProviderError, match="closed"):
        await spoken(tts, "Hello.")


@pytest.mark.parametrize("text", ["", "  \n", "... -- !", "\x00"])
async def test_nothing_to_say_is_no_speech(text: str) -> None:
    tts = EspeakTts(8000)
    assert await spoken(tts, text) == []
    await tts.aclose()


@pytest.mark.parametrize(
    "text", ["a\x00b", "\x01 5 \x02", "<b>bold</b> [[a]]", "日本 ok", "🎉 yes"]
)
def test_any_text_is_spoken_without_harm(text: str) -> None:
    speech = synthesize(text, 8000)
    assert speech
    assert all(piece.pcm.size for piece in speech)


@pytest.mark.parametrize(
    ("voice", "message"),
    [
        ("en-uz", "no voice 'en-uz'; nearest: .*en-us"),
        ("en-us+f33", r"no variant 'f33' \(voice 'en-us\+f33'\); nearest: .*f3"),
        ("", "no voice ''; known: "),
    ],
)
def test_an_unknown_voice_is_refused_with_the_nearest_names(voice: str, message: str) -> None:
    with pytest.raises(ProviderError, match=message):
        EspeakTts(8000, voice)


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ProviderError, match=r"words per minute is 20; expected 80\.\.450"):
        EspeakTts(8000, words_per_minute=20)
    with pytest.raises(ProviderError, match=r"pitch is 100; expected 0\.\.99"):
        synthesize("Hello", 8000, pitch=100)


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    # Not the cache itself: espeak must not be initialized twice in a process.
    monkeypatch.setattr(espeak_engine, "_load", espeak_engine._load.__wrapped__)
    with pytest.raises(SetupError, match=r"pip install 'interject\[media\]'"):
        EspeakTts(8000)


@pytest.mark.parametrize(
    ("voice", "text"),
    [
        ("cmn", "您的包裹今天下午到达，请在家等候。"),
        ("ja", "お荷物は今日の午後に届きます。お待ちください。"),
        ("th", "พัสดุของคุณจะมาถึงวันนี้"),
    ],
)
def test_half_of_a_text_without_blanks_is_known_to_have_been_heard(voice: str, text: str) -> None:
    rate_hz, frame = 8000, 160
    playout = Playout(rate_hz, frame)
    samples = 0
    for speech in synthesize(text, rate_hz, voice):
        playout.add(speech)
        samples += speech.pcm.size
    for _ in range(samples // 2 // frame):
        leave(playout)

    said = playout.stop()

    assert said.heard + said.unheard == text
    assert 0.3 < len(said.heard) / len(text) < 0.7
