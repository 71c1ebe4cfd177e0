"""One utterance and the recognizers that may have to hear it: audio, deadlines, reports."""

import asyncio

import numpy as np
import pytest

from call.doubles import FRAME, SOON, Listened, Recognizer, chain, others
from media_pod.providers.chain import traceback_of
from media_pod.providers.ports import FailureKind, Pcm, ProviderError
from media_pod.providers.recognition import Recognition
from providers.doubles import Reports

GONE = ProviderError("no connection", FailureKind.UNREACHABLE)
WRONG = ProviderError("wrong key", FailureKind.UNAUTHORIZED)


class Heard:
    """An utterance of ten frames, each full of its number, and those who listen to it."""

    def __init__(
        self, *recognizers: Recognizer, max_frames: int = 100, deadline_s: float = 5.0
    ) -> None:
        self.recognition = Recognition(
            chain("stt", *recognizers, deadline_s=deadline_s), max_frames * FRAME
        )
        self.reports = Reports()
        for number in range(1, 11):
            self.recognition.feed(np.full(FRAME, number, np.int16))

    async def finish(self) -> str:
        return await self.recognition.finish(self.reports)


def hears(*texts: str | Exception | None) -> Recognizer:
    recognizer = Recognizer()
    recognizer.texts = list(texts)
    return recognizer


def frames(audio: Pcm) -> list[int]:
    return [int(number) for number in audio[::FRAME]]


WHOLE = list(range(1, 11))


async def test_the_recognizer_hears_the_audio_as_it_comes() -> None:
    first = hears("yes")
    heard = Heard(first)
    assert len(first.utterances[0].chunks) == 10
    assert await heard.finish() == "yes"
    assert heard.reports.lines == ["double answered finished"]


async def test_a_fallback_hears_the_utterance_from_its_start() -> None:
    first, second = hears(WRONG), hears("two")
    heard = Heard(first, second)

    assert await heard.finish() == "two"

    assert frames(second.utterances[0].audio) == WHOLE
    assert first.utterances[0].discarded
    assert heard.reports.lines == ["double failed", "double answered finished"]


async def test_a_second_try_hears_the_utterance_from_its_start() -> None:
    first = hears(GONE, "again")
    assert await Heard(first).finish() == "again"
    assert frames(first.utterances[1].audio) == WHOLE


async def test_what_is_kept_for_another_try_is_bounded() -> None:
    first, second = hears(WRONG), hears("two")
    await Heard(first, second, max_frames=4).finish()
    assert frames(first.utterances[0].audio) == WHOLE
    assert frames(second.utterances[0].audio) == [1, 2, 3, 4]


async def test_when_no_recognizer_can_the_last_error_is_raised() -> None:
    heard = Heard(hears(GONE, GONE), hears(WRONG))
    with pytest.raises(ProviderError, match="wrong key"):
        await heard.finish()
    assert heard.reports.lines == ["double failed"] * 3


async def test_a_recognizer_that_hangs_is_replaced_at_its_deadline() -> None:
    first, second = hears(None), hears("two")
    heard = Heard(first, second, deadline_s=SOON)
    assert await heard.finish() == "two"
    assert first.utterances[0].discarded
    assert [str(error) for error in heard.reports.errors] == ["double: no text within 0.01 s"]


@pytest.mark.parametrize("fault", ["broken", "deaf"])
async def test_a_recognizer_that_raises_while_it_listens_costs_no_tick(fault: str) -> None:
    first, second = hears(), hears("two")
    setattr(first, fault, True)
    heard = Heard(first, second)
    assert heard.recognition.partial == ""
    assert await heard.finish() == "two"
    assert frames(second.utterances[0].audio) == WHOLE
    (error,) = heard.reports.errors
    assert isinstance(error, ProviderError)
    assert isinstance(traceback_of(error), RuntimeError)


async def test_the_words_so_far_are_those_of_the_recognizer_that_listens() -> None:
    first = hears("yes")
    heard = Heard(first)
    first.utterances[0].partial = "ye"
    assert heard.recognition.partial == "ye"
    heard.recognition.discard()
    assert heard.recognition.partial == ""


async def test_an_utterance_that_nobody_wants_is_given_up_once() -> None:
    first = hears("yes")
    heard = Heard(first)
    heard.recognition.discard()
    first.utterances[0].discarded = False
    heard.recognition.discard()
    heard.recognition.feed(np.zeros(FRAME, np.int16))
    assert not first.utterances[0].discarded
    assert len(first.utterances[0].chunks) == 10
    assert heard.reports.lines == []


class Stubborn(Listened):
    def discard(self) -> None:
        raise RuntimeError("it goes on")


async def test_a_recognizer_that_raises_when_it_is_given_up_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    first = hears()
    first.listen = lambda: Stubborn("yes")  # type: ignore[method-assign]
    Heard(first).recognition.discard()
    assert "double: RuntimeError: it goes on" in caplog.text
    assert "Traceback" in caplog.text


async def test_who_does_not_wait_any_more_abandons_the_request() -> None:
    heard = Heard(hears(None), hears("two"))
    work = asyncio.create_task(heard.finish())
    await asyncio.sleep(0)
    work.cancel()
    await asyncio.wait([work])
    assert heard.reports.lines == ["double abandoned"]
    assert not others()
