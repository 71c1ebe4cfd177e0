"""A whole pod on real sockets whose agent has a language model."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from faulty_model import APOLOGY, DEADLINE_S
from keypad_caller import CallEvents
from pod_on_sockets import Running, running

from media_pod.manifest.agent import VoiceAgent, load_manifest

GREETING = "Hello."
GOODBYE = "I cannot go on. Goodbye."
CALLS = 24


def _agent(url: str, tools: list[dict[str, Any]] | None = None) -> VoiceAgent:
    document = {
        "apiVersion": "interject.dev/v1alpha1",
        "kind": "VoiceAgent",
        "metadata": {"name": "agent"},
        "spec": {
            "instructions": "Answer.",
            "greeting": {"text": GREETING, "interruptible": "always"},
            "llm": {"kind": "openai", "model": "test-model", "baseUrl": f"{url}/v1"},
            "tts": {"kind": "espeak", "wordsPerMinute": 400},
            "tools": tools or [],
            "phrases": {"apology": APOLOGY, "goodbye": GOODBYE},
            "turn": {"noInputMs": 60_000},
            "capacity": {"calls": CALLS},
            "deadlines": {"providerSeconds": DEADLINE_S},
            "server": {"bindHost": "127.0.0.1", "audioSocketPort": 0, "httpPort": 0},
        },
    }
    return load_manifest(document, "the test's agent")


@asynccontextmanager
async def pod_of(
    url: str, tools: list[dict[str, Any]] | None = None
) -> AsyncIterator[tuple[Running, CallEvents]]:
    """A running pod whose agent has its language model at `url`, and what happens in its calls."""
    events = CallEvents()
    async with running(_agent(url, tools), subscribers=[events.on_event]) as pod:
        yield pod, events
