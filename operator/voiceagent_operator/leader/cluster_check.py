"""How much of VoiceAgents the cluster's CRD knows.

Helm and kubectl can leave an old CRD in place while the operator is upgraded. The API server then
drops settings that it does not know, and refuses a status that contains them. Agents keep running,
with as much of their status as the API server accepts, until the CRD is updated.
"""

import logging
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from media_pod.manifest.crd.definition import schema
from voiceagent_operator.decide.causes import Cause
from voiceagent_operator.kube.api import ApiServer
from voiceagent_operator.kube.errors import ApiError
from voiceagent_operator.kube.kinds import VOICE_AGENT, Json

HOW_TO_APPLY: Final = "kubectl apply --server-side -f crds/"
PUBLISHED: Final = f"/openapi/v3/apis/{VOICE_AGENT.api_version}"
"""OpenAPI document of the group; every authenticated client may read it."""
_NAMED = 5
"""Most settings named in a message."""

_logger = logging.getLogger(__name__)


class CrdCheck:
    """Reports what the CRD lacks: once in the log, and in the status of each VoiceAgent.

    Args:
        version: the operator's.
    """

    def __init__(self, api: ApiServer, version: str) -> None:
        self._api = api
        self._version = version
        self._trouble: Cause | None = None
        self._refused: frozenset[str] = frozenset()

    def trouble(self) -> Cause | None:
        """The cause for the status; None if the CRD is not known to lack anything."""
        return self._trouble

    def refuses(self, field: str) -> bool:
        """Whether the CRD lacks this field of the status."""
        return field in self._refused

    async def check(self) -> bool:
        """Read the schema that is served; returns whether the result has changed."""
        try:
            published = await self._api.get(PUBLISHED)
        except ApiError as error:
            _logger.debug("schema of VoiceAgents cannot be read: %s", error)
            return False
        lacking = missing_settings(published)
        trouble = Cause("CrdOutdated", self._sentence(lacking)) if lacking else None
        if trouble == self._trouble:
            return False
        self._trouble = trouble
        self._refused = frozenset(
            path.removeprefix("status.") for path in lacking if path.startswith("status.")
        )
        if trouble is None:
            _logger.info("the CRD of VoiceAgents is up to date")
        else:
            _logger.warning("%s", trouble.message)
        return True

    def _sentence(self, lacking: list[str]) -> str:
        more = len(lacking) - _NAMED
        rest = f" and {more} more" if more > 0 else ""
        return (
            f"the CRD of VoiceAgents is older than this operator, {self._version}, and lacks "
            f"{', '.join(lacking[:_NAMED])}{rest}; apply the CRD of this version: {HOW_TO_APPLY}"
        )


def missing_settings(published: Json) -> list[str]:
    """Paths of settings, and `path=value` of choices, that this operator knows and a CRD lacks.

    Args:
        published: the OpenAPI document of the group; empty result if VoiceAgents are not in it.
    """
    for served in published.get("components", {}).get("schemas", {}).values():
        kinds = served.get("x-kubernetes-group-version-kind") or ()
        if any(each.get("kind") == VOICE_AGENT.kind for each in kinds):
            own = _known()["properties"]
            there = served.get("properties", {})
            return [
                path
                for part in ("spec", "status")
                for path in _missing(own[part], there.get(part), part)
            ]
    return []


@cache
def _known() -> dict[str, Any]:
    """Computed once: it blocks the event loop for 0.1 s."""
    return schema()


def _missing(own: dict[str, Any], served: dict[str, Any] | None, path: str) -> Iterator[str]:
    if served is None:
        yield path
        return
    if "enum" in served:
        yield from (f"{path}={each}" for each in own.get("enum", ()) if each not in served["enum"])
    if served.get("x-kubernetes-preserve-unknown-fields"):
        return
    there = served.get("properties", {})
    for name, each in own.get("properties", {}).items():
        yield from _missing(each, there.get(name), f"{path}.{name}")
    for inner, mark in (("items", "[]"), ("additionalProperties", ".*")):
        if isinstance(own.get(inner), dict):
            yield from _missing(own[inner], served.get(inner), f"{path}{mark}")
