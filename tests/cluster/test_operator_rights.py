"""What the operator may do, asked of the API server itself."""

from collections.abc import Iterator

import pytest
import yaml

from cluster.cluster import Cluster
from cluster.operator_objects import operator_objects

ACCOUNT = "system:serviceaccount:{}:interject-operator"


@pytest.fixture
def installed(cluster: Cluster, crd: None, namespace: str) -> Iterator[str]:
    """The rights of an operator that watches its own namespace alone, and no pod of it."""
    wanted = operator_objects(namespace, watched=(namespace,))
    rights = [each for each in wanted if each["kind"] != "Deployment"]
    applied = cluster.run("apply", "-f", "-", stdin=yaml.safe_dump_all(rights))
    assert applied.returncode == 0, applied.stderr
    yield namespace


def may(cluster: Cluster, namespace: str, verb: str, what: str, *more: str) -> bool:
    """Whether the operator of `namespace` may, there or where `more` says; `kind#subresource`."""
    where = more or ("-n", namespace)
    what, _, subresource = what.partition("#")
    if subresource:
        where = (*where, f"--subresource={subresource}")
    asked = cluster.run("auth", "can-i", verb, what, f"--as={ACCOUNT.format(namespace)}", *where)
    return asked.stdout.strip() == "yes"


NEEDED = [
    ("watch", "voiceagents.interject.dev"),
    ("patch", "voiceagents.interject.dev#status"),
    ("create", "deployments.apps"),
    ("patch", "pods"),
    ("create", "events.events.k8s.io"),
    ("update", "leases.coordination.k8s.io/interject-operator"),
]
FORBIDDEN = [
    ("get", "secrets"),
    ("list", "secrets"),
    ("create", "pods"),
    ("delete", "pods"),
    ("delete", "deployments.apps"),
    ("delete", "serviceaccounts"),
    ("delete", "services"),
    ("create", "pods#exec"),
    ("get", "pods#log"),
    ("delete", "voiceagents.interject.dev"),
    ("patch", "voiceagents.interject.dev"),
    ("create", "roles.rbac.authorization.k8s.io"),
    ("create", "rolebindings.rbac.authorization.k8s.io"),
    ("escalate", "roles.rbac.authorization.k8s.io"),
    ("impersonate", "serviceaccounts"),
    ("create", "serviceaccounts#token"),
    ("update", "leases.coordination.k8s.io/another-one"),
    ("create", "daemonsets.apps"),
    ("create", "jobs.batch"),
]


def test_it_may_do_what_it_does(cluster: Cluster, installed: str) -> None:
    assert [each for each in NEEDED if not may(cluster, installed, *each)] == []


def test_it_may_not_do_anything_else(cluster: Cluster, installed: str) -> None:
    assert [each for each in FORBIDDEN if may(cluster, installed, *each)] == []


def test_in_a_namespace_of_its_own_it_has_no_rights_elsewhere(
    cluster: Cluster, installed: str
) -> None:
    elsewhere = [
        ("list", "voiceagents.interject.dev", "-n", "default"),
        ("list", "pods", "-n", "kube-system"),
        ("list", "voiceagents.interject.dev", "--all-namespaces"),
        ("list", "namespaces"),
        ("list", "nodes"),
        ("list", "customresourcedefinitions.apiextensions.k8s.io"),
    ]
    assert [each for each in elsewhere if may(cluster, installed, *each)] == []
