"""What an operator with restrictions refuses to run."""

from typing import Any

import pytest
from voice_agents import agent

from voiceagent_operator.decide.permitted import find_forbidden

PREFIX = "agent-"


def keyed(secret: str) -> dict[str, Any]:
    """A recognizer with a key in this Secret."""
    key = {"secretKeyRef": {"name": secret, "key": "key"}}
    return {"stt": {"kind": "openai", "model": "whisper-1", "apiKey": key}}


def template(**spec: Any) -> dict[str, Any]:
    return {"podTemplate": {"spec": spec}}


def reason(prefix: str = PREFIX, **spec: Any) -> str:
    cause = find_forbidden(agent(**spec), prefix)
    return cause.reason if cause else ""


PLACED = template(
    nodeSelector={"disk": "ssd"},
    tolerations=[{"key": "voice", "operator": "Exists"}],
    imagePullSecrets=[{"name": "registry"}],
    containers=[{"name": "media", "resources": {"requests": {"cpu": "2"}}}],
)
FORBIDDEN = [
    template(serviceAccountName="admin"),
    template(volumes=[{"name": "all", "secret": {"secretName": "database"}}]),
    template(hostNetwork=True),
    template(initContainers=[{"name": "first", "image": "any"}]),
    template(containers=[{"name": "sidecar", "image": "any"}]),
    template(containers=[{"name": "media", "envFrom": [{"secretRef": {"name": "database"}}]}]),
    template(containers=[{"name": "media", "command": ["sh"]}]),
    template(containers="media"),
    {"podTemplate": {"metadata": {"labels": {"interject.dev/asterisk": "asterisk"}}}},
    {"podTemplate": {"metadata": {"labels": {"app.kubernetes.io/name": "interject-operator"}}}},
]


@pytest.mark.parametrize("spec", FORBIDDEN)
def test_a_pod_template_that_reaches_further_than_the_agent_is_refused(spec: Any) -> None:
    assert reason(**spec) == "PodTemplateNotAllowed"
    assert reason("", **spec) == ""


def test_placement_and_resources_are_allowed() -> None:
    assert reason(**PLACED) == ""
    assert reason(podTemplate={"metadata": {"labels": {"team": "voice"}}}) == ""


@pytest.mark.parametrize(
    ("prefix", "secret", "expected"),
    [
        (PREFIX, "agent-openai", ""),
        (PREFIX, "database", "SecretNotAllowed"),
        ("", "database", ""),
    ],
)
def test_secrets_are_allowed_by_the_prefix_of_their_names(
    prefix: str, secret: str, expected: str
) -> None:
    assert reason(prefix, **keyed(secret)) == expected
