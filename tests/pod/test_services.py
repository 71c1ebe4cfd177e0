"""What all calls of an agent share: made, started and closed once; sentences that must be there."""

from pathlib import Path

import numpy as np
import pytest

from call.doubles import Voice, speech
from media_pod.errors import SetupError
from media_pod.manifest.agent import AgentSpec
from media_pod.pod.services import AgentServices
from media_pod.providers.chain import ProviderChain
from pod.agents import document, spec_of
from pod.test_check import closed_port

AWAY = "http://127.0.0.1:1/v1"


def services(spec: AgentSpec) -> AgentServices:
    return AgentServices(spec, Path(), environ={})


def kept(made: AgentServices, text: str) -> bool:
    made.fixed.keep(text, [speech("x")])
    return made.fixed.get(text) != ()


def test_the_sentences_of_every_call_are_synthesized_once() -> None:
    lookup = {
        "kind": "http",
        "name": "find",
        "description": "Finds.",
        "url": "http://127.0.0.1:1/",
        "filler": "Let me look.",
    }
    spec = spec_of(AWAY, greeting={"text": "Hello."}, tools=[lookup])
    made = services(spec)
    for text in ("Hello.", "Let me look.", *spec.phrases.model_dump().values()):
        assert kept(made, text)
    assert not kept(made, "Anything else.")


def test_a_greeting_that_differs_from_call_to_call_is_not_kept() -> None:
    made = services(spec_of(AWAY, greeting={"text": "Hello {{ caller }}."}))
    assert not kept(made, "Hello {{ caller }}.")
    assert not kept(made, "Hello .")


async def test_a_greeting_with_default_variables_is_synthesized_with_the_pod() -> None:
    spec = spec_of(AWAY, greeting={"text": "Hello {{ name }}."}, variables={"name": "Ann"})
    made, voice = services(spec), Voice()
    made.tts = ProviderChain("tts", [voice], 5.0, lambda: 0.0)
    await made.start()
    assert [piece.text for piece in made.fixed.get("Hello Ann.")] == ["Hello Ann."]
    await made.aclose()


async def test_a_voice_that_comes_back_speaks_what_the_built_in_one_had_to() -> None:
    made, voice = services(spec_of(AWAY)), Voice()
    voice.failing.add("Sorry.")
    made.tts = ProviderChain("tts", [voice], 5.0, lambda: 0.0)
    assert await made.prepared("Sorry.")
    assert made.fixed.get("Sorry.") == ()
    await made.aclose()


async def test_a_sentence_is_there_though_its_voice_is_away() -> None:
    tts = {"kind": "wyoming", "address": f"127.0.0.1:{closed_port()}"}
    made = services(spec_of(AWAY, tts=tts))
    try:
        pieces = await made.prepared("Sorry.")
    finally:
        await made.aclose()
    assert np.concatenate([piece.pcm for piece in pieces]).any()


async def test_the_agents_own_voice_is_preferred() -> None:
    made = services(spec_of(AWAY))
    voice = Voice()
    made.tts = ProviderChain("tts", [voice], 5.0, lambda: 0.0)
    pieces = await made.prepared("Sorry again.")
    assert [piece.text for piece in pieces] == ["Sorry again."]
    assert voice.spoken == 1
    await made.aclose()


class Part(Voice):
    """Logs its start and its end."""

    def __init__(self, name: str, log: list[str]) -> None:
        super().__init__()
        self.name, self.log = name, log
        self.tools = ()

    async def start(self) -> None:
        self.log.append(f"{self.name} starts")

    async def aclose(self) -> None:
        self.log.append(f"{self.name} ends")


async def test_every_part_starts_before_the_first_call_and_ends_after_the_last() -> None:
    made, log = services(spec_of(AWAY)), list[str]()
    made.tts = ProviderChain("tts", [Part("voice", log), Part("second voice", log)], 5.0, float)
    made.sources = (Part("tools", log),)
    await made.start()
    assert log == ["tools starts", "voice starts", "second voice starts"]
    log.clear()
    await made.aclose()
    assert sorted(log) == ["second voice ends", "tools ends", "voice ends"]


def test_a_missing_secret_names_its_path() -> None:
    llm = {**document(AWAY)["spec"]["llm"], "apiKey": {"env": "NO_SUCH_KEY"}}
    with pytest.raises(SetupError, match=r"spec\.llm\.apiKey: found no environment variable"):
        services(spec_of(AWAY, llm=llm))
