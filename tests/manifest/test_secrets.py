"""The Secrets of a manifest that the operator mounts: each once, wherever it is referred to."""

from media_pod.manifest.agent import load_manifest
from media_pod.manifest.secrets import secret_refs


def source(name: str, key: str = "api-key") -> dict[str, object]:
    return {"secretKeyRef": {"name": name, "key": key}}


def test_every_key_is_found_once_at_any_depth() -> None:
    llm = {"kind": "openai", "model": "m", "apiKey": source("zeta")}
    fallback = {"kind": "openai", "model": "n", "apiKey": source("alpha")}
    header = {"name": "Authorization", "valueFrom": source("crm", "token")}
    document = {
        "apiVersion": "interject.dev/v1alpha1",
        "kind": "VoiceAgent",
        "metadata": {"name": "desk"},
        "spec": {
            "instructions": "Help.",
            "llm": {**llm, "fallbacks": [fallback]},
            "stt": {**llm, "apiKey": {"env": "KEY", **source("zeta")}},
            "tools": [
                {
                    "kind": "http",
                    "name": "lookup",
                    "description": "Looks up.",
                    "url": "https://crm.example/find",
                    "headers": [header, {"name": "Accept", "value": "text/plain"}],
                }
            ],
        },
    }
    refs = secret_refs(load_manifest(document, "agent.yaml").spec)
    assert [(ref.name, ref.key) for ref in refs] == [
        ("alpha", "api-key"),
        ("crm", "token"),
        ("zeta", "api-key"),
    ]
