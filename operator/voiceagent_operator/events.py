"""Events on a VoiceAgent: one for each condition that turns, none for one that stays."""

from typing import Final

from voiceagent_operator.kube.api import FIELD_MANAGER
from voiceagent_operator.kube.kinds import EVENT, VOICE_AGENT, Json
from voiceagent_operator.status import Turn

_LONGEST_NOTE: Final = 1000
"""Kubernetes takes 1024 bytes."""
_TOLD: Final = frozenset({"Ready", "Degraded", "Published"})
"""The others turn with every rollout and every wave of calls."""


def event(found: Json, turn: Turn, instance: str, now: str, suffix: str) -> Json | None:
    """The event that tells of `turn`, None if nobody needs one.

    Args:
        found: the VoiceAgent.
        instance: which replica of the operator reports.
        now: RFC 3339 with microseconds, UTC.
        suffix: makes its name unique.
    """
    if turn.kind not in _TOLD or turn.status == "Unknown" or (turn.first and _expected(turn)):
        return None
    head = found["metadata"]
    body = EVENT.head(head["namespace"], f"{head['name']}.{suffix}")
    return body | {
        "eventTime": now,
        "reportingController": f"interject.dev/{FIELD_MANAGER}",
        "reportingInstance": instance,
        "action": "Reconcile",
        "reason": turn.reason,
        "type": "Warning" if turn.bad else "Normal",
        "note": f"{turn.kind} is {turn.status}: {turn.message}"[:_LONGEST_NOTE],
        "regarding": {
            "apiVersion": VOICE_AGENT.api_version,
            "kind": VOICE_AGENT.kind,
            "namespace": head["namespace"],
            "name": head["name"],
            "uid": head["uid"],
        },
    }


def _expected(turn: Turn) -> bool:
    """Whether it goes without saying of a new agent: nothing is wrong, and no pod answers yet."""
    return turn.reason in ("AsExpected", "NoPodReady", "NothingToPublish", "NoAsterisk")
