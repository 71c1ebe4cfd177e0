"""Which keys of Secrets an agent refers to."""

from typing import Any

import pytest

from media_pod.manifest.agent import load_manifest
from media_pod.manifest.secrets import MountedKey, mounted_keys
from voiceagent_documents import HTTP_TOOL, LLM, voice_agent, with_llm


def ref(name: str, key: str, **more: str) -> dict[str, Any]:
    return {"secretKeyRef": {"name": name, "key": key}, **more}


def mounted(**spec: Any) -> list[MountedKey]:
    return list(mounted_keys(load_manifest(voice_agent(spec), "test").spec))


def test_every_place_of_a_reference_is_found_and_each_key_once() -> None:
    speech = {"kind": "openai", "model": "m"}
    voice = speech | {"voice": "v"}
    tool = HTTP_TOOL | {"headers": [{"name": "Authorization", "valueFrom": ref("tools", "http")}]}
    server = {
        "kind": "mcp",
        "name": "files",
        "command": ["files"],
        "headers": [{"name": "TOKEN", "valueFrom": ref("tools", "mcp")}],
    }
    keys = mounted(
        **with_llm(
            llm=LLM | {"apiKey": ref("llm", "a"), "fallbacks": [LLM | {"apiKey": ref("llm", "b")}]},
            stt=speech | {"apiKey": ref("llm", "a")},
            tts={"kind": "espeak", "fallbacks": [voice | {"apiKey": ref("voice", "key")}]},
            tools=[tool, server],
            server={"controlToken": ref("control", "token")},
        )
    )
    assert [(each.name, each.key) for each in keys] == [
        ("control", "token"),
        ("llm", "a"),
        ("llm", "b"),
        ("tools", "http"),
        ("tools", "mcp"),
        ("voice", "key"),
    ]
    assert not any(each.optional for each in keys)


def in_pods(container: object) -> dict[str, Any]:
    return {"podTemplate": {"spec": {"containers": [container]}}}


def test_a_key_is_optional_if_a_variable_of_the_pods_can_replace_it_everywhere() -> None:
    replaceable = ref("keys", "a", env="KEY")
    speech = {"kind": "openai", "model": "m"}
    spec = with_llm(llm=LLM | {"apiKey": replaceable})
    spec |= in_pods({"name": "media", "env": [{"name": "OTHER"}, {"name": "KEY", "value": "x"}]})
    assert mounted(**spec) == [MountedKey("keys", "a", optional=True)]
    for stt in (speech | {"apiKey": ref("keys", "a")}, speech | {"apiKey": replaceable}):
        (key,) = mounted(**spec, stt=stt)
        assert key.optional == (stt["apiKey"] == replaceable)


@pytest.mark.parametrize(
    ("container", "optional"),
    [
        ({"name": "media", "envFrom": [{"configMapRef": {"name": "settings"}}]}, True),
        ({"name": "media", "env": [{"name": "OTHER", "value": "x"}]}, False),
        ({"name": "beside", "env": [{"name": "KEY", "value": "x"}]}, False),
        ({"name": "media", "env": "KEY"}, False),
        ("media", False),
    ],
)
def test_a_variable_that_pods_do_not_have_replaces_nothing(
    container: object, optional: bool
) -> None:
    llm = LLM | {"apiKey": ref("keys", "a", env="KEY")}
    (key,) = mounted(**with_llm(llm=llm), **in_pods(container))
    assert key.optional == optional


def test_an_agent_without_references_has_none() -> None:
    assert mounted(**with_llm(llm=LLM | {"apiKey": {"env": "OPENAI_API_KEY"}})) == []
    assert mounted() == []
