"""The agent of a scenario: what is replaced, and what is not."""

from interject_lab.evaluation.stand_ins.agent_document import for_calls, with_stand_ins
from lab.evaluation.scenarios import agent
from media_pod.manifest.agent import load_manifest
from media_pod.manifest.tools import HttpToolSettings

TOOLS = [
    {
        "kind": "http",
        "name": "find",
        "description": "Finds.",
        "url": "https://{tenant}.example.com:8443/parcels/{number}?a={number}",
        "parameters": {
            "type": "object",
            "properties": {"number": {"type": "string"}, "tenant": {"type": "string"}},
        },
        "allowedHosts": ["a.example.com"],
        "headers": [
            {"name": "X-Key", "valueFrom": {"env": "KEY"}},
            {"name": "X-Kind", "value": "test"},
        ],
    },
    {"kind": "hangUp"},
]


def test_without_stand_ins_an_agent_is_as_it_was() -> None:
    assert with_stand_ins(agent(tools=TOOLS)) == agent(tools=TOOLS)


def test_the_model_has_another_address_and_no_key() -> None:
    made = with_stand_ins(agent(), model="http://127.0.0.1:1")
    assert made.spec.llm is not None
    assert (made.spec.llm.base_url, made.spec.llm.api_key) == ("http://127.0.0.1:1/v1", None)
    assert made.spec.llm.model == "m"


def test_a_tool_keeps_its_path_and_sends_no_secret() -> None:
    made = with_stand_ins(agent(tools=TOOLS), tools="http://127.0.0.1:1")
    tool, hang_up = made.spec.tools
    assert isinstance(tool, HttpToolSettings)
    assert tool.url == "http://127.0.0.1:1/parcels/{number}?a={number}"
    assert tool.allowed_hosts == ("127.0.0.1",)
    assert [header.value for header in tool.headers] == ["test"]
    assert hang_up == agent(tools=TOOLS).spec.tools[1]


def test_a_pod_for_one_call_is_a_valid_manifest() -> None:
    piper = {"kind": "piper", "voicePath": "voice.onnx"}
    spec = {"line": {"transport": "webSocket", "rateHz": 16000}, "tts": piper}
    made = for_calls(agent(**spec), "127.0.0.1:7", espeak=False)
    again = load_manifest(made.model_dump(mode="json", exclude_none=True), "again")
    assert again == made
    assert (made.spec.line.transport, made.spec.line.rate_hz) == ("audioSocket", 16000)
    assert (made.spec.stt.kind, made.spec.tts.kind) == ("wyoming", "piper")
    assert (made.spec.server.http_port, made.spec.server.audio_socket_port) == (0, 0)


def test_recognizer_and_voice_are_replaced_apart() -> None:
    piper = {"kind": "piper", "voicePath": "voice.onnx"}
    made = for_calls(agent(tts=piper), "", espeak=True)
    assert (made.spec.stt.kind, made.spec.tts.kind) == ("pocketsphinx", "espeak")
