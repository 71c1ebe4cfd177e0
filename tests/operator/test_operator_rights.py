"""What the operator asks to be allowed."""

from voiceagent_operator.rights import (
    agent_rules,
    api_service_rules,
    certificate_rules,
    election_rules,
)


def test_only_children_that_a_changed_agent_can_lose_may_be_deleted() -> None:
    """The rest goes with the VoiceAgent, by the garbage collector of the cluster."""
    deleted = {
        resource
        for rule in agent_rules()
        if "delete" in rule["verbs"]
        for resource in rule["resources"]
    }
    assert deleted == {
        "configmaps", "networkpolicies", "horizontalpodautoscalers", "scaledobjects",
    }  # fmt: skip


def test_no_rule_has_a_wildcard_or_reads_a_secret_but_its_own() -> None:
    rules = [
        *(*agent_rules(), *election_rules("lease")),
        *(*certificate_rules("own"), *api_service_rules()),
    ]
    for rule in rules:
        assert "*" not in (*rule["verbs"], *rule["resources"], *rule["apiGroups"])
        if "secrets" in rule["resources"] and rule["verbs"] != ["create"]:
            assert rule["resourceNames"] == ["own"]
