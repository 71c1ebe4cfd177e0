"""The chart grants exactly the permissions in the operator's rules."""

import pytest

from chart.cases import METRICS_API
from chart.rendering import NAMESPACE, Json, objects, pods
from voiceagent_operator.agents import names
from voiceagent_operator.rights import (
    agent_rules,
    api_service_rules,
    certificate_rules,
    election_rules,
)

LEASE = "interject-operator"
SECRET = "interject-metrics-api-tls"
NAMESPACED = {"operator": {"watchNamespaces": [NAMESPACE, "sales"]}}


def granted(found: list[Json], kind: str) -> dict[tuple[str | None, str], list[Json]]:
    """Rules of all roles that the operator's ServiceAccount is bound to."""
    roles = {
        (each["metadata"].get("namespace"), each["metadata"]["name"]): each["rules"]
        for each in found
        if each["kind"] == kind
    }
    bound = {}
    for each in found:
        if each["kind"] != f"{kind}Binding" or each["roleRef"]["kind"] != kind:
            continue
        key = (each["metadata"].get("namespace"), each["roleRef"]["name"])
        (subject,) = each["subjects"]
        if subject["name"] == "interject-operator" and key in roles:
            assert subject["namespace"] == NAMESPACE
            bound[key] = roles[key]
    return bound


def test_all_namespaces_are_a_cluster_role_and_the_lease_is_in_the_operators_namespace() -> None:
    found = objects()
    assert granted(found, "ClusterRole")[None, "interject-operator"] == agent_rules()
    election = granted(found, "Role")[NAMESPACE, "interject-operator-election"]
    assert election == election_rules(LEASE)


def test_some_namespaces_have_a_role_each_and_there_is_no_cluster_role() -> None:
    found = objects(NAMESPACED)
    roles = granted(found, "Role")
    assert roles.pop((NAMESPACE, "interject-operator-election")) == election_rules(LEASE)
    assert roles == {
        (NAMESPACE, "interject-operator"): agent_rules(),
        ("sales", "interject-operator"): agent_rules(),
    }
    assert not [each for each in found if each["kind"].startswith("ClusterRole")]


@pytest.mark.parametrize("values", [{}, NAMESPACED])
def test_the_metrics_api_has_the_bindings_of_an_extension_api_server(values: Json) -> None:
    bound = {
        (each["metadata"].get("namespace"), each["roleRef"]["kind"], each["roleRef"]["name"])
        for each in objects(values | {"metricsApi": METRICS_API})
        if each["kind"].endswith("Binding")
    }
    assert (None, "ClusterRole", "system:auth-delegator") in bound
    reader = "extension-apiserver-authentication-reader"
    assert ("kube-system", "Role", reader) in bound


def test_a_self_issued_certificate_needs_a_secret_and_the_api_services() -> None:
    found = objects({"metricsApi": METRICS_API})
    own = granted(found, "Role")[NAMESPACE, "interject-operator-certificate"]
    assert own == certificate_rules(SECRET)
    everywhere = granted(found, "ClusterRole")[None, "interject-operator-api-services"]
    assert everywhere == api_service_rules()


def test_an_external_certificate_needs_no_permissions() -> None:
    values = {
        "metricsApi": METRICS_API
        | {"certificate": "certManager", "certManager": {"issuerRef": {"name": "ca"}}}
    }  # fmt: skip
    assert not [each for each in objects(values) if "certificate" in each["metadata"]["name"]]


def aggregated(found: list[Json], role: str) -> dict[str, set[str]]:
    """Verbs by resource that the cluster's role `role` gets."""
    verbs: dict[str, set[str]] = {}
    for each in found:
        labels = each["metadata"].get("labels", {})
        if labels.get(f"rbac.authorization.k8s.io/aggregate-to-{role}") == "true":
            assert each["kind"] == "ClusterRole"
            for rule in each["rules"]:
                assert rule["apiGroups"] == ["interject.dev"]
                for resource in rule["resources"]:
                    verbs.setdefault(resource, set()).update(rule["verbs"])
    return verbs


READ = {"get", "list", "watch"}


@pytest.mark.parametrize("role", ["edit", "admin"])
def test_who_may_edit_a_namespace_may_edit_its_voice_agents(role: str) -> None:
    verbs = aggregated(objects(), role)
    assert verbs["voiceagents"] >= READ | {"create", "update", "patch", "delete"}
    assert verbs["voiceagents/scale"] >= READ | {"update", "patch"}
    assert verbs["voiceagents/status"] == READ


def test_who_may_view_a_namespace_may_only_view_its_voice_agents() -> None:
    assert set().union(*aggregated(objects(), "view").values()) == READ
    assert "voiceagents" in aggregated(objects(), "view")


@pytest.mark.parametrize(
    "values", [NAMESPACED, {"operator": {"rbac": {"aggregate": False}}},
    {"operator": {"rbac": {"create": False}}}],
)  # fmt: skip
def test_aggregated_roles_are_left_out(values: Json) -> None:
    for role in ("view", "edit", "admin"):
        assert aggregated(objects(values), role) == {}


def test_no_rule_has_a_wildcard() -> None:
    for each in objects():
        for rule in each.get("rules", []):
            assert "*" not in (*rule["verbs"], *rule["resources"], *rule["apiGroups"])


def test_media_pods_accept_traffic_of_operator_and_asterisk() -> None:
    templates = pods(objects())
    operator = templates["Deployment/interject-operator"]["metadata"]["labels"]
    assert names.OPERATOR_PODS.items() <= operator.items()
    asterisk = templates["StatefulSet/interject-asterisk"]["metadata"]["labels"]
    assert asterisk[names.ASTERISK] == "asterisk"
