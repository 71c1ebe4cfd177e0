"""Scenarios and an agent for the tests, made from the least that they need."""

from pathlib import Path
from typing import Any, Final

from interject_lab.evaluation.scenario.document import Scenario, load_scenario
from media_pod.manifest.agent import VoiceAgent, load_manifest

EXAMPLES: Final = sorted(
    (Path(__file__).resolve().parents[3] / "examples" / "scenarios").glob("*.yaml")
)
OPEN: Final = [{"when": {"caller": "open"}, "say": "We are open from nine to six. Anything else?"}]
"""Rules of a model that knows the opening hours."""


def scenario(*steps: dict[str, Any], **fields: Any) -> Scenario:
    document = {"name": "test", "steps": list(steps), "model": {"rules": OPEN}, **fields}
    model = document["model"]
    if model is not None:
        # Times of tokens are not what these tests are about.
        document["model"] = {"firstTokenMs": 0, "tokenMs": 0, **model}
    return load_scenario(document, "test.yaml")


def agent(**spec: Any) -> VoiceAgent:
    """An agent with a language model, which greets with "Hello."."""
    document = {
        "apiVersion": "interject.dev/v1alpha1",
        "kind": "VoiceAgent",
        "metadata": {"name": "test"},
        "spec": {
            "instructions": "Answer.",
            "greeting": {"text": "Hello."},
            "llm": {"kind": "openai", "model": "m", "apiKey": {"env": "NO_SUCH_KEY"}},
            **spec,
        },
    }
    return load_manifest(document, "agent.yaml")
