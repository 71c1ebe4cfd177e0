"""A VoiceAgent as the API server returns it: the manifest and its Kubernetes metadata."""

from dataclasses import dataclass

from media_pod.manifest.agent import AgentSpec, load_manifest
from voiceagent_operator.kube.kinds import Json

Key = tuple[str, str]
"""Namespace and name."""


@dataclass(frozen=True, slots=True)
class Agent:
    """One VoiceAgent."""

    namespace: str
    name: str
    uid: str
    generation: int
    created: str
    """RFC 3339, UTC, to the second."""
    spec: AgentSpec

    @property
    def key(self) -> Key:
        """Namespace and name."""
        return self.namespace, self.name


def parse_agent(found: Json) -> Agent:
    """The VoiceAgent in an object of the API server.

    Raises:
        SpecError: the models refuse the spec, although the API server accepted it: the CRD has
            another version.
    """
    head = found["metadata"]
    # The models know only the metadata that users write.
    document = {
        "apiVersion": found["apiVersion"],
        "kind": found["kind"],
        "metadata": {"name": head["name"], "namespace": head["namespace"]},
        "spec": found.get("spec", {}),
    }
    manifest = load_manifest(document, f"VoiceAgent {head['namespace']}/{head['name']}")
    return Agent(
        namespace=head["namespace"],
        name=head["name"],
        uid=head["uid"],
        generation=head["generation"],
        created=head["creationTimestamp"],
        spec=manifest.spec,
    )
