"""The agent as a scenario runs it: its servers replaced by stand-ins, its ports free ones."""

from urllib.parse import urlsplit

from media_pod.manifest.agent import AgentSpec, VoiceAgent
from media_pod.manifest.operation import CapacitySettings, DrainSettings, TelemetrySettings
from media_pod.manifest.providers import (
    LlmSettings,
    PrimaryEspeakTtsSettings,
    PrimaryWyomingSttSettings,
)
from media_pod.manifest.server import ServerSettings
from media_pod.manifest.tools import HttpToolSettings, ToolSettings


def with_stand_ins(agent: VoiceAgent, *, model: str = "", tools: str = "") -> VoiceAgent:
    """`agent` with its language model and its HTTP tools at these servers.

    Args:
        agent: any.
        model: URL of the stand-in without a path; "" to keep the agent's own models.
        tools: URL of the stand-in without a path; "" to keep the tools' own servers.
    """
    spec, changes = agent.spec, dict[str, object]()
    if model and spec.llm is not None:
        changes["llm"] = LlmSettings(
            kind="openai", model=spec.llm.model, base_url=f"{model}/v1", api_key=None
        )
    if tools:
        changes["tools"] = tuple(_at(tool, tools) for tool in spec.tools)
    return _changed(agent, changes)


def for_calls(agent: VoiceAgent, recognizer: str, *, espeak: bool) -> VoiceAgent:
    """`agent` as a pod of its own for one call over AudioSocket.

    Args:
        agent: any.
        recognizer: host and port of a Wyoming server; "" to keep the agent's own recognizers.
        espeak: put the built-in voice in place of the agent's own voices.
    """
    changes: dict[str, object] = {
        "server": ServerSettings(bind_host="127.0.0.1", audio_socket_port=0, http_port=0),
        "capacity": CapacitySettings(calls=1),
        "drain": DrainSettings(timeout_seconds=2),
        "telemetry": TelemetrySettings(),
        "line": agent.spec.line.model_copy(update={"transport": "audioSocket"}),
    }
    if recognizer:
        changes["stt"] = PrimaryWyomingSttSettings(kind="wyoming", address=recognizer)
    if espeak:
        changes["tts"] = PrimaryEspeakTtsSettings()
    return _changed(agent, changes)


def _changed(agent: VoiceAgent, changes: dict[str, object]) -> VoiceAgent:
    spec: AgentSpec = agent.spec.model_copy(update=changes)
    return agent.model_copy(update={"spec": spec})


def _at(tool: ToolSettings, server: str) -> ToolSettings:
    if not isinstance(tool, HttpToolSettings):
        return tool
    # Not by a parsed URL: {names} in it stand for arguments.
    rest = tool.url.partition("://")[2]
    host = urlsplit(f"//{rest}").netloc
    url = f"{server}{rest[len(host) :]}"
    # A stand-in needs no secret, and an environment without them is to do.
    headers = tuple(each for each in tool.headers if each.value_from is None)
    return tool.model_copy(update={"url": url, "headers": headers, "allowed_hosts": ("127.0.0.1",)})
