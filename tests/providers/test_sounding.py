"""A voice that answers without sound has failed."""

from collections.abc import AsyncIterator

import numpy as np
import pytest

from media_pod.providers.ports import FailureKind, ProviderError, Speech
from media_pod.providers.tts.sounding import sounding

SOUND = np.ones(160, np.int16)
SILENCE = np.zeros(160, np.int16)


async def voice(*pieces: Speech) -> AsyncIterator[Speech]:
    for piece in pieces:
        yield piece


async def spoken(text: str, *pieces: Speech) -> list[Speech]:
    return [piece async for piece in sounding(voice(*pieces), text, "mute")]


SILENT = (
    (),
    (Speech("Hello.", SOUND[:0], ()),),
    (Speech("Hello.", SILENCE, ()), Speech("", SILENCE, ())),
)


@pytest.mark.parametrize("pieces", SILENT)
async def test_no_sound_for_a_text_is_a_failure(pieces: tuple[Speech, ...]) -> None:
    with pytest.raises(ProviderError, match=r"mute: read no sound for 'Hello\.'") as caught:
        await spoken("Hello.", *pieces)
    assert caught.value.kind is FailureKind.BAD_ANSWER


async def test_silence_before_the_sound_is_kept() -> None:
    pieces = (Speech("Hello.", SILENCE, ()), Speech("", SOUND, ()), Speech("", SILENCE, ()))
    assert await spoken("Hello.", *pieces) == list(pieces)


@pytest.mark.parametrize("text", ["", "...", " - "])
async def test_a_text_without_words_may_be_silent(text: str) -> None:
    assert await spoken(text) == []
    assert len(await spoken(text, Speech(text, SILENCE, ()))) == 1
