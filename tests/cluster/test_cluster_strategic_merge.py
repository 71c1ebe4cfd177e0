"""Our merge of pod templates against the API server's own, case by case and at random."""

import asyncio
from collections.abc import Coroutine
from contextlib import closing
from typing import Any, Final

from hypothesis import given, settings

from cluster.cluster import Cluster
from pod_templates import CONTAINERS, FIRST, VOLUMES, patches
from voiceagent_operator.kube.api import ApiServer, find_cluster
from voiceagent_operator.kube.errors import ApiError
from voiceagent_operator.kube.kinds import Json, Kind
from voiceagent_operator.render.strategic_merge import KEYS, merge

TEMPLATE: Final = Kind("", "v1", "podtemplates", "PodTemplate")
ROOT: Final = "io.k8s.api.core.v1.PodTemplateSpec"

RANDOM_CASES: Final = 200
ENV: Final = [{"name": "a", "value": "a"}, {"name": "b", "value": "b"}]

BASE: Final[Json] = {
    "metadata": {"labels": {"app": "media", "tier": "voice"}},
    "spec": {
        "nodeSelector": {"pool": "voice"},
        "tolerations": [{"key": "old", "operator": "Exists"}],
        "imagePullSecrets": [{"name": "first"}],
        "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["a"]}],
        "topologySpreadConstraints": [
            {"topologyKey": "zone", "maxSkew": 1, "whenUnsatisfiable": "ScheduleAnyway"}
        ],
        "containers": [
            {
                "name": "media",
                "image": "media:1",
                "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                "envFrom": [{"configMapRef": {"name": "one"}}],
                "ports": [
                    {"name": "http", "containerPort": 1650},
                    {"name": "audio", "containerPort": 3000},
                ],
                "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
                "resources": {"requests": {"cpu": "1", "memory": "1Gi"}},
                "args": ["serve"],
                "readinessProbe": {"httpGet": {"path": "/readyz", "port": "http"}},
            },
            {"name": "second", "image": "second:1"},
        ],
        "initContainers": [{"name": "one", "image": "i"}, {"name": "two", "image": "i"}],
        "volumes": [
            {"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}},
            {"name": "manifest", "configMap": {"name": "m"}},
        ],
    },
}


def container(**patch: Any) -> Json:
    return {"spec": {"containers": [{"name": "media", **patch}]}}


def spec(**patch: Any) -> Json:
    return {"spec": patch}


CASES: Final[dict[str, Json]] = {
    "nothing": {},
    "labels": {"metadata": {"labels": {"tier": None, "team": "a"}}},
    "image": container(image="media:2"),
    "environment": container(env=[{"name": "B", "value": "3"}, {"name": "C", "value": "4"}]),
    "environment goes": container(env=[{"name": "A", "$patch": "delete"}]),
    "environment anew": container(env=[{"$patch": "replace"}, {"name": "C", "value": "4"}]),
    "deleted and made anew": container(
        env=[{"name": "A", "$patch": "delete"}, {"name": "A", "value": "9"}]
    ),
    "sources of environment": container(envFrom=[{"secretRef": {"name": "two"}}]),
    "ports": container(ports=[{"containerPort": 3000, "name": "media"}, {"containerPort": 9}]),
    "a port of two protocols": container(
        ports=[{"containerPort": 3000, "protocol": "UDP"}, {"containerPort": 3000, "name": "x"}]
    ),
    "mounts": container(volumeMounts=[{"mountPath": "/tmp", "readOnly": True, "name": "tmp"}]),
    "resources": container(resources={"requests": {"cpu": "2"}, "limits": {"memory": "2Gi"}}),
    "resources anew": container(resources={"$patch": "replace", "limits": {"memory": "2Gi"}}),
    "resources go": container(resources={"$patch": "delete"}),
    "probe goes": container(readinessProbe=None),
    "probe of another kind": container(
        readinessProbe={"httpGet": None, "tcpSocket": {"port": "http"}}
    ),
    "probe of another kind by keys": container(
        readinessProbe={"$retainKeys": ["tcpSocket"], "tcpSocket": {"port": "http"}}
    ),
    "arguments": container(args=["--fast"]),
    "a sidecar": spec(containers=[{"name": "proxy", "image": "p", "env": [{"name": "A"}]}]),
    "a container goes": spec(containers=[{"name": "second", "$patch": "delete"}]),
    "the order of containers": spec(containers=[{"name": "second"}, {"name": "media"}]),
    "first steps": spec(
        initContainers=[{"name": "two", "image": "j"}, {"name": "new", "image": "i"}]
    ),
    "tolerations": spec(tolerations=[{"key": "gpu", "operator": "Exists"}]),
    "no tolerations": spec(tolerations=[]),
    "nodes": spec(nodeSelector={"pool": None, "zone": "a"}),
    "nodes anew": spec(nodeSelector={"$patch": "replace", "zone": "a"}),
    "secrets": spec(imagePullSecrets=[{"name": "second"}, {"name": "first"}]),
    "hosts": spec(hostAliases=[{"ip": "10.0.0.1", "hostnames": ["b"]}]),
    "spread": spec(
        topologySpreadConstraints=[
            {"topologyKey": "zone", "maxSkew": 2},
            {"topologyKey": "host", "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule"},
        ]
    ),
    "a volume of another type": spec(
        volumes=[{"name": "tmp", "$retainKeys": ["name", "hostPath"], "hostPath": {"path": "/x"}}]
    ),
    "a volume's size": spec(volumes=[{"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}}]),
    "a new volume": spec(volumes=[{"name": "new", "emptyDir": {}}]),
    "security": spec(securityContext={"runAsUser": 1000, "sysctls": []}),
    "affinity": spec(affinity={"podAntiAffinity": {}}),
}


EVERYTHING: Final[Json] = {
    "metadata": {"labels": {"a": "a"}, "annotations": {"b": "b"}},
    "spec": {
        "containers": [{"name": name, "image": "i", "env": ENV} for name in CONTAINERS],
        "initContainers": [{"name": name, "image": "i", "env": ENV} for name in FIRST],
        "volumes": [{"name": name, "emptyDir": {}} for name in VOLUMES],
        "nodeSelector": {"a": "a"},
    },
}
"""With all containers and volumes that random patches know: what is new has to be whole."""


class Server:
    """The API server's own merge, and what it fills in; nothing is stored but the base."""

    def __init__(
        self, cluster: Cluster, namespace: str, base: Json, runner: asyncio.Runner
    ) -> None:
        self._namespace, self._base, self._runner = namespace, base, runner
        cluster.apply({**TEMPLATE.head(namespace, "template"), "template": base})
        self._api = ApiServer(runner.run(find_cluster(cluster.kubeconfig)))

    def close(self) -> None:
        self._runner.run(self._api.aclose())

    def merged(self, patch: Json) -> Json | None:
        """By the server; None if it refuses the outcome."""
        path = TEMPLATE.path(self._namespace, "template")
        # The operator itself never asks for this, so that ApiServer has no method for it.
        kind = "application/strategic-merge-patch+json"
        return self._template(
            self._api._request("PATCH", path, {"dryRun": "All"}, {"template": patch}, kind)
        )

    def ours(self, patch: Json) -> Json | None:
        """Merged by us; None if the server refuses it."""
        body = {**TEMPLATE.head(self._namespace, "ours"), "template": merge(self._base, patch)}
        path = TEMPLATE.path(self._namespace)
        return self._template(self._api._request("POST", path, {"dryRun": "All"}, body))

    def _template(self, request: Coroutine[Any, Any, Json]) -> Json | None:
        try:
            template: Json = self._runner.run(request)["template"]
        except ApiError as error:
            assert error.reason == "Invalid", error
            return None
        return template


def test_ours_is_the_server_s(cluster: Cluster, namespace: str) -> None:
    with asyncio.Runner() as runner, closing(Server(cluster, namespace, BASE, runner)) as server:
        for case, patch in CASES.items():
            theirs = server.merged(patch)
            assert theirs is not None, case
            assert server.ours(patch) == theirs, case


def test_ours_is_the_server_s_at_random(cluster: Cluster, namespace: str) -> None:
    accepted = 0

    @settings(max_examples=RANDOM_CASES, deadline=None, database=None)
    @given(patches(replacing=False))
    def check(patch: Json) -> None:
        nonlocal accepted
        theirs = server.merged(patch)
        assert server.ours(patch) == theirs
        accepted += theirs is not None

    with (
        asyncio.Runner() as runner,
        closing(Server(cluster, namespace, EVERYTHING, runner)) as server,
    ):
        check()
    assert accepted > RANDOM_CASES / 4


async def test_the_lists_with_names_are_those_that_the_server_publishes(api: ApiServer) -> None:
    definitions = (await api.get("/openapi/v2"))["definitions"]
    found: dict[str, str] = {}

    def walk(name: str, path: str) -> None:
        for field, value in definitions[name].get("properties", {}).items():
            below = f"{path}.{field}".lstrip(".")
            if key := value.get("x-kubernetes-patch-merge-key"):
                found[below] = key
            ref = value.get("$ref") or value.get("items", {}).get("$ref")
            # Of metadata a VoiceAgent's template has labels and annotations alone.
            if ref and field != "metadata":
                walk(ref.rpartition("/")[2], below)

    walk(ROOT, "")
    assert found == dict(KEYS)
