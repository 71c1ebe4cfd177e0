"""Audio and transcript of an item become speech that is exact to the sample."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from media_pod.dialogues.realtime import g711
from media_pod.dialogues.realtime.audio_format import G711, PCM, AudioFormat, CallerAudio
from media_pod.dialogues.realtime.item_speech import ItemSpeech
from media_pod.providers.ports import Pcm, Word
from media_pod.providers.tts.voice_profile import VoiceProfile

cuts = st.lists(st.integers(0, 4000), max_size=8)


def pieces(data: bytes, at: Sequence[int]) -> list[bytes]:
    edges = [0, *sorted(min(cut, len(data)) for cut in at), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


def item(audio_format: AudioFormat = G711, rate_hz: int = 8000) -> ItemSpeech:
    return ItemSpeech(audio_format, rate_hz, VoiceProfile())


def spoken(speech: ItemSpeech, data: bytes, at: Sequence[int]) -> Pcm:
    for piece in pieces(data, at):
        speech.add_audio(piece)
    speech.end()
    return speech.take(speech.samples).pcm


def sound(ms: int, rate_hz: int) -> Pcm:
    time = np.arange(ms * rate_hz // 1000) / rate_hz
    pcm: Pcm = np.rint(8000 * np.sin(2 * np.pi * 440 * time)).astype(np.int16)
    return pcm


@given(cuts)
def test_any_split_of_mu_law_gives_the_same_samples(at: list[int]) -> None:
    data = g711.encoded(sound(500, 8000))
    assert np.array_equal(spoken(item(), data, at), g711.decoded(data))


@given(cuts, st.sampled_from([8000, 16_000]))
def test_any_split_of_pcm_gives_the_same_samples(at: list[int], rate_hz: int) -> None:
    data = sound(50, 24_000).tobytes()
    whole = spoken(item(PCM, rate_hz), data, [])
    assert np.array_equal(spoken(item(PCM, rate_hz), data, at), whole)
    assert whole.size == 50 * rate_hz // 1000


@given(st.integers(0, 9000), st.sampled_from([(G711, 8000), (PCM, 8000), (PCM, 16_000)]))
def test_a_truncation_is_never_above_what_was_heard_or_the_length(
    heard: int, line: tuple[AudioFormat, int]
) -> None:
    audio_format, rate_hz = line
    speech = item(audio_format, rate_hz)
    speech.add_audio(bytes(997 * audio_format.bytes_per_sample))
    speech.end()
    cut_ms = speech.truncation_ms(heard)
    assert cut_ms * rate_hz <= heard * 1000
    assert cut_ms * audio_format.rate_hz <= 997 * 1000
    if heard * 1000 < 996 * 1000 * rate_hz // audio_format.rate_hz:
        assert (cut_ms + 1) * rate_hz > heard * 1000


@given(st.lists(st.integers(1, 3000), min_size=1, max_size=20))
def test_parts_together_are_the_item(sizes: list[int]) -> None:
    speech = item()
    data = g711.encoded(sound(900, 8000))
    taken: list[Pcm] = []
    for piece in pieces(data, np.cumsum(sizes).tolist()):
        speech.add_audio(piece)
        part = speech.take(700)
        assert part.continues == bool(taken)
        taken.append(part.pcm)
    speech.end()
    taken.append(speech.take(speech.samples).pcm)
    assert np.array_equal(np.concatenate(taken), g711.decoded(data))


@given(cuts)
def test_any_split_of_the_callers_audio_gives_the_same_bytes(at: list[int]) -> None:
    pcm = sound(400, 16_000)
    whole = CallerAudio(PCM, 16_000)
    expected = whole.feed(pcm) + whole.finish()
    split = CallerAudio(PCM, 16_000)
    parts = [
        split.feed(np.frombuffer(part, np.int16))
        for part in pieces(pcm.tobytes(), [c * 2 for c in at])
    ]
    assert b"".join(parts) + split.finish() == expected
    assert len(expected) == 2 * 400 * 24


def test_words_that_come_after_the_audio_are_in_the_last_part() -> None:
    speech = item()
    speech.add_text("one")
    speech.add_audio(g711.encoded(sound(1000, 8000)))
    assert [word.text for word in speech.take(8000).words] == ["one"]
    speech.set_text("one two")
    speech.end()
    last = speech.take(8000)
    assert last.pcm.size == 0
    assert last.continues
    assert last.words == (Word("one", 0, 4000), Word("two", 4000, 8000))


def test_an_item_without_sound_has_words_and_no_length() -> None:
    speech = item()
    speech.set_text("one two")
    speech.add_audio(g711.encoded(np.zeros(800, np.int16)))
    speech.end()
    assert all(word.end_sample == 0 for word in speech.take(800).words)
