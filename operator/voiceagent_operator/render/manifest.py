"""The manifest that the pods serve: the VoiceAgent without what the cluster alone needs."""

from typing import Final

import yaml

from media_pod.manifest.reload import ONLY_CLUSTER
from voiceagent_operator import names
from voiceagent_operator.agent import Agent
from voiceagent_operator.kube.kinds import VOICE_AGENT, Json

FILE: Final = "agent.yaml"


def config_maps(agent: Agent) -> list[Json]:
    """The ConfigMap with the manifest."""
    return [{"name": names.manifest_name(agent), "data": {FILE: manifest(agent)}}]


def manifest(agent: Agent) -> str:
    """The text of the pods' manifest.

    Its peers are the agent's own pods: a full or draining pod asks them for room, and about calls
    that it does not know.
    """
    spec = agent.spec.model_dump(
        mode="json", by_alias=True, exclude_none=True, exclude=set(ONLY_CLUSTER)
    )
    spec["server"]["peers"] = [f"{names.headless_name(agent)}:{agent.spec.server.http_port}"]
    document = {
        "apiVersion": VOICE_AGENT.api_version,
        "kind": VOICE_AGENT.kind,
        "metadata": {"name": agent.name, "namespace": agent.namespace},
        "spec": spec,
    }
    # The dumper in C: written in Python it takes 10 ms, half of a look that finds nothing to do.
    return yaml.dump(document, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True)
