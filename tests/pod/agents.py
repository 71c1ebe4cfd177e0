"""Manifests of agents whose model is a server of the test."""

from typing import Any

import yaml

from media_pod.manifest.agent import AgentSpec, load_manifest
from providers.openai.scripted_server import MODEL, ScriptedServer, chunk

USAGE = {"prompt_tokens": 12, "completion_tokens": 3}


def document(url: str, **spec: Any) -> dict[str, Any]:
    """A VoiceAgent with the built-in recognizer and voice."""
    llm = {"kind": "openai", "model": MODEL, "baseUrl": url}
    return {
        "apiVersion": "interject.dev/v1alpha1",
        "kind": "VoiceAgent",
        "metadata": {"name": "desk"},
        "spec": {"instructions": "Help.", "llm": llm, **spec},
    }


def spec_of(url: str, **spec: Any) -> AgentSpec:
    return load_manifest(document(url, **spec), "agent.yaml").spec


def as_yaml(url: str, **spec: Any) -> str:
    return yaml.safe_dump(document(url, **spec))


def says(server: ScriptedServer, text: str) -> None:
    """The server's next reply."""
    server.streams(chunk({"content": text}), chunk({}, "stop", usage=USAGE))


def calls(server: ScriptedServer, name: str, arguments: str = "{}", text: str = "") -> None:
    """The server's next reply calls a tool."""
    call = {"index": 0, "id": "c1", "function": {"name": name, "arguments": arguments}}
    delta: dict[str, object] = {"tool_calls": [call]}
    if text:
        delta["content"] = text
    server.streams(chunk(delta), chunk({}, "tool_calls", usage=USAGE))
