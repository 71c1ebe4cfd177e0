"""The CustomResourceDefinition of VoiceAgent, as an object and as YAML."""

from typing import Any, Final, get_args

import yaml

from media_pod.manifest.agent import VoiceAgent
from media_pod.manifest.crd.descriptions import with_allowed_values
from media_pod.manifest.crd.structural import structural, without_defaults
from media_pod.manifest.status import Status

PLURAL: Final = "voiceagents"

_HEADING: Final = """\
# Generated from media_pod/manifest by `interject crd --out crds`; do not edit.
"""
COLUMNS: Final = (
    # name, type, path, priority: 0 always, 1 with -o wide
    ("Ready", "string", '.status.conditions[?(@.type=="Ready")].status', 0),
    ("Pods", "integer", ".status.readyReplicas", 0),
    ("Calls", "integer", ".status.activeCalls", 0),
    ("Capacity", "integer", ".status.capacity", 0),
    ("Extension", "string", ".status.extensions[0]", 0),
    ("Age", "date", ".metadata.creationTimestamp", 0),
    ("Extensions", "string", ".status.extensions", 1),  # all of them, as JSON
    ("Image", "string", ".status.image", 1),
    ("Dialogue", "string", ".spec.dialogue.kind", 1),
    ("Model", "string", ".spec.llm.model", 1),
    ("Version", "string", ".status.version", 1),
)
_WIDTH: Final = 100
"""Line width of the YAML, in characters."""


def schema() -> dict[str, Any]:
    """The structural schema of a VoiceAgent, with `ALLOWED_KEY` still in it."""
    whole = structural(VoiceAgent)
    # The API server has its own schemas for these three, and rejects a CRD with others.
    for name in ("apiVersion", "kind"):
        del whole["properties"][name]["enum"]
    whole["properties"]["metadata"] = {
        "type": "object",
        "properties": {"name": {"type": "string"}},  # so that a rule can refer to it
    }
    whole["properties"]["status"] = without_defaults(structural(Status))
    return whole | {"required": ["spec"]}


def definition() -> dict[str, Any]:
    """The CRD as an API object."""
    (api_version,) = get_args(VoiceAgent.model_fields["api_version"].annotation)
    group, _, version = api_version.partition("/")
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {
                "kind": "VoiceAgent",
                "listKind": "VoiceAgentList",
                "plural": PLURAL,
                "singular": "voiceagent",
                "shortNames": ["va"],
                "categories": ["voice"],
            },
            "versions": [_version(version)],
        },
    }


def file_name(crd: dict[str, Any]) -> str:
    """File name of `crd`."""
    return f"{crd['metadata']['name']}.yaml"


def as_text(crd: dict[str, Any]) -> str:
    """`crd` as a YAML document; deterministic."""
    return _HEADING + yaml.dump(
        crd, Dumper=_Dumper, sort_keys=False, width=_WIDTH, allow_unicode=True
    )


def _version(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "served": True,
        "storage": True,
        "subresources": {
            "status": {},
            "scale": {
                "specReplicasPath": ".spec.replicas",
                "statusReplicasPath": ".status.replicas",
                "labelSelectorPath": ".status.selector",
            },
        },
        "additionalPrinterColumns": [
            {"name": name, "type": kind, "jsonPath": path, "priority": priority}
            for name, kind, path, priority in COLUMNS
        ],
        "schema": {"openAPIV3Schema": with_allowed_values(schema())},
    }


class _Dumper(yaml.CSafeDumper):
    """Writes repeated values in full, without anchors and aliases."""

    def ignore_aliases(self, data: object) -> bool:
        return True
