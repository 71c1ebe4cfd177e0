"""The stand-in for a recognizer, as the pod's own Wyoming client sees it."""

import asyncio

import numpy as np

from interject_lab.evaluation.stand_ins.recognizer import stand_in_recognizer
from interject_lab.evaluation.stand_ins.spoken_words import CallerWords
from media_pod.manifest.providers import WyomingSttSettings
from media_pod.providers.wyoming.stt import WyomingStt

RATE_HZ = 8000
SECOND = np.zeros(RATE_HZ, np.int16)


async def test_words_come_while_they_are_said_and_whole_at_the_end() -> None:
    words = CallerWords()
    words.say("My", 0.5)
    words.say("number.", 1.5)
    async with stand_in_recognizer(words, "en-US") as address:
        settings = WyomingSttSettings(kind="wyoming", address=address)
        stt = WyomingStt(settings, RATE_HZ, "en-US", 5.0)
        await stt.start()
        utterance = stt.listen()
        words.now_s = 1.0
        utterance.feed(SECOND)
        async with asyncio.timeout(5):
            while not utterance.partial:
                await asyncio.sleep(0)
        assert utterance.partial == "My"
        words.now_s = 2.0
        utterance.feed(SECOND)
        assert await utterance.finish() == "My number."
        await stt.aclose()


async def test_it_passes_the_check_of_the_pod() -> None:
    async with stand_in_recognizer(CallerWords(), "de") as address:
        settings = WyomingSttSettings(kind="wyoming", address=address)
        stt = WyomingStt(settings, RATE_HZ, "de-DE", 5.0)
        assert "interject-eval" in await stt.check()
        await stt.aclose()
