"""A cluster in memory: an API server that keeps objects, and the operator's client of it.

It knows what the operator relies on: versions and generations, server-side apply, status as a
subresource, label selectors, watches with bookmarks, deletion of what an object owns, and rights:
a request that no rule of rights.py allows is refused, as it would be in a cluster.
"""

import asyncio
import copy
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from voiceagent_operator.kube.api import ApiServer
from voiceagent_operator.kube.errors import BY_STATUS, ApiError
from voiceagent_operator.kube.kinds import EVENT, POD, VOICE_AGENT, Json, Kind
from voiceagent_operator.render.children import KINDS, OPTIONAL
from voiceagent_operator.rights import agent_rules, election_rules

CREATED = "2026-01-01T00:00:00Z"
BOOKMARK_S = 60.0

Place = tuple[Kind, str, str]
"""Kind, namespace and name."""
Fault = Callable[[str, str], ApiError | None]
"""From verb and path to the error with which the request fails."""


class MemoryCluster:
    """The state of the cluster, and what people do to it.

    Args:
        optional: which kinds it has of those that not every cluster has.
    """

    def __init__(self, *, optional: frozenset[Kind] = frozenset()) -> None:
        self.kinds = (VOICE_AGENT, POD, EVENT, *(kind for kind in KINDS if kind not in OPTIONAL))
        self.kinds += tuple(optional)
        self.objects: dict[Place, Json] = {}
        self.version = 0
        self.log: list[tuple[int, str, Place, Json]] = []
        """Version, what happened, where, and the object afterwards."""
        self.changed = asyncio.Condition()
        self.writes: list[tuple[str, str]] = []
        """Verb and path of each write of the operator's."""
        self.fault: Fault = lambda verb, path: None

    def find(self, kind: Kind, namespace: str, name: str) -> Json | None:
        return self.objects.get((kind, namespace, name))

    def get(self, kind: Kind, namespace: str, name: str) -> Json:
        return self.objects[kind, namespace, name]

    def all(self, kind: Kind) -> list[Json]:
        return [found for place, found in self.objects.items() if place[0] is kind]

    def newer_than(self, version: int) -> bool:
        return self.version > version

    def create(self, kind: Kind, body: Json, *, manager: str = "kubectl") -> Json:
        """Another client creates an object."""
        head = body["metadata"]
        place = (kind, head["namespace"], head["name"])
        assert place not in self.objects, f"{place} exists"
        made = copy.deepcopy(body)
        self.version += 1
        made["metadata"] = {
            "uid": f"uid-{self.version}",
            "generation": 1,
            "creationTimestamp": CREATED,
            "managedFields": [],
            **made["metadata"],
        }
        return self._store(place, made, manager, "ADDED")

    def edit(
        self, kind: Kind, namespace: str, name: str, patch: Json, *, manager: str = "kubectl"
    ) -> Json:
        """Another client merges `patch` into an object; None removes a key."""
        place = (kind, namespace, name)
        return self._store(place, _merged(self.objects[place], patch), manager, "MODIFIED")

    def put_status(self, kind: Kind, namespace: str, name: str, status: Json) -> Json:
        """Another controller writes a status."""
        place = (kind, namespace, name)
        found = {**copy.deepcopy(self.objects[place]), "status": status}
        return self._store(place, found, "controller", "MODIFIED", "status")

    def delete(self, kind: Kind, namespace: str, name: str) -> None:
        """An object goes, and what it owns after it."""
        found = self.objects.pop((kind, namespace, name))
        self.version += 1
        self._note("DELETED", (kind, namespace, name), found)
        uid = found["metadata"]["uid"]
        for other, each in tuple(self.objects.items()):
            owners = each["metadata"].get("ownerReferences", [])
            if any(owner["uid"] == uid for owner in owners) and other in self.objects:
                self.delete(*other)

    def _store(
        self, place: Place, found: Json, manager: str, what: str, subresource: str = ""
    ) -> Json:
        before = self.objects.get(place)
        head = found["metadata"]
        self.version += 1
        head["resourceVersion"] = str(self.version)
        if before is not None and before.get("spec") != found.get("spec"):
            head["generation"] = before["metadata"]["generation"] + 1
        mine = {"manager": manager, "subresource": subresource}
        others = [each for each in head["managedFields"] if not mine.items() <= each.items()]
        head["managedFields"] = [*others, {**mine, "time": str(self.version)}]
        self.objects[place] = found
        self._note(what, place, found)
        return copy.deepcopy(found)

    def _note(self, what: str, place: Place, found: Json) -> None:
        self.log.append((self.version, what, place, copy.deepcopy(found)))

    async def settle(self) -> None:
        """Wake the watches; what they report is dealt with in virtual time."""
        async with self.changed:
            self.changed.notify_all()


class MemoryApi(ApiServer):
    """The operator's client: its requests, its rights, its place in the managed fields."""

    def __init__(self, cluster: MemoryCluster) -> None:
        self._cluster = cluster
        self._rules = [*agent_rules(), *election_rules("interject-operator")]

    async def aclose(self) -> None:
        """There is no connection."""

    async def _request(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        body: Json | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> Json:
        await asyncio.sleep(0)
        if error := self._cluster.fault(method, path):
            raise error
        if path.startswith("/openapi"):
            raise _error(method, path, 404, "not served here")
        address = self._address(method, path)
        if isinstance(address, str):
            return self._discovery(method, path, address)
        if method == "GET":
            return self._read(path, address, params or {})
        self._cluster.writes.append((method, path))
        try:
            return self._write(method, path, address, body or {}, content_type)
        finally:
            await self._cluster.settle()

    def _read(self, path: str, address: "_Address", params: Mapping[str, str]) -> Json:
        self._allow("GET", path, address, "get" if address.name else "list")
        if address.name:
            return copy.deepcopy(self._existing("GET", path, address))
        cluster = self._cluster
        items = [
            copy.deepcopy(found)
            for place, found in cluster.objects.items()
            if address.covers(place) and _selected(found, params)
        ]
        return {"items": items, "metadata": {"resourceVersion": str(cluster.version)}}

    def _write(
        self, method: str, path: str, address: "_Address", body: Json, content_type: str
    ) -> Json:
        cluster, me = self._cluster, "interject-operator"
        kind, namespace, name = address.kind, address.namespace or "", address.name
        there = cluster.find(kind, namespace, name)
        applies = content_type == "application/apply-patch+yaml"
        verb = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}[method]
        self._allow(method, path, address, verb)
        if method == "POST":
            return cluster.create(kind, body, manager=me)
        if there is None and applies and not address.subresource:
            self._allow(method, path, address, "create")
            return cluster.create(kind, body, manager=me)
        there = self._existing(method, path, address)
        if method == "DELETE":
            cluster.delete(kind, namespace, name)
            return {}
        if method == "PUT":
            version = body["metadata"].get("resourceVersion")
            if version not in (None, there["metadata"]["resourceVersion"]):
                raise _error(method, path, 409, "the object has been modified")
            metadata = {**there["metadata"], **body["metadata"]}
            return cluster._store((kind, namespace, name), {**body, "metadata": metadata}, me,
                                  "MODIFIED")  # fmt: skip
        if address.subresource == "status":
            status = copy.deepcopy(body["status"])
            found = {**copy.deepcopy(there), "status": status}
            place = (kind, namespace, name)
            return cluster._store(place, found, me, "MODIFIED", "status")
        return cluster.edit(kind, namespace, name, body, manager=me)

    @asynccontextmanager
    async def watch(
        self, path: str, params: Mapping[str, str], *, idle_s: float, accept: str
    ) -> AsyncIterator[AsyncIterator[Json]]:
        if error := self._cluster.fault("WATCH", path):
            raise error
        address = self._address("WATCH", path)
        assert not isinstance(address, str)
        self._allow("WATCH", path, address, "watch")
        yield self._events(address, params)

    async def _events(self, address: "_Address", params: Mapping[str, str]) -> AsyncIterator[Json]:
        cluster = self._cluster
        seen = int(params["resourceVersion"])
        while address.kind in cluster.kinds:
            news = [entry for entry in cluster.log if entry[0] > seen]
            for version, what, place, found in news:
                seen = version
                if address.covers(place) and _selected(found, params):
                    yield {"type": what, "object": found}
            try:
                async with asyncio.timeout(BOOKMARK_S), cluster.changed:
                    await cluster.changed.wait_for(partial(cluster.newer_than, seen))
            except TimeoutError:
                metadata = {"resourceVersion": str(seen)}
                yield {"type": "BOOKMARK", "object": {"metadata": metadata}}

    def _address(self, method: str, path: str) -> "_Address | str":
        """Where a path points; the group and version if it asks for the kinds of one."""
        for kind in self._cluster.kinds:
            if (address := _Address.of(kind, path)) is not None:
                return address
        groups = {kind.api_version for kind in self._cluster.kinds}
        group = path.removeprefix("/apis/")
        if group in groups:
            return group
        raise _error(method, path, 404, "the server could not find the requested resource")

    def _discovery(self, method: str, path: str, group: str) -> Json:
        served = [kind for kind in self._cluster.kinds if kind.api_version == group]
        return {"resources": [{"name": kind.plural} for kind in served]}

    def _existing(self, method: str, path: str, address: "_Address") -> Json:
        found = self._cluster.find(address.kind, address.namespace or "", address.name)
        if found is None:
            raise _error(method, path, 404, f"{address.kind.plural} {address.name} not found")
        return found

    def _allow(self, method: str, path: str, address: "_Address", verb: str) -> None:
        resource = address.kind.plural
        if address.subresource:
            resource += f"/{address.subresource}"
        for rule in self._rules:
            named = rule.get("resourceNames")
            if (
                address.kind.group in rule["apiGroups"]
                and resource in rule["resources"]
                and verb in rule["verbs"]
                and (named is None or address.name in named)
            ):
                return
        raise _error(method, path, 403, f"cannot {verb} {resource}")


@dataclass(frozen=True)
class _Address:
    """What a path of the API stands for."""

    kind: Kind
    namespace: str | None
    name: str = ""
    subresource: str = ""

    @classmethod
    def of(cls, kind: Kind, path: str) -> "_Address | None":
        everywhere = kind.path()
        if path == everywhere:
            return cls(kind, None)
        root = everywhere.removesuffix(kind.plural)
        parts = path.removeprefix(root).split("/")
        if not path.startswith(root) or parts[0] != "namespaces" or parts[2:3] != [kind.plural]:
            return None
        return cls(kind, parts[1], *parts[3:5])

    def covers(self, place: Place) -> bool:
        return place[0] is self.kind and self.namespace in (None, place[1])


def _selected(found: Json, params: Mapping[str, str]) -> bool:
    labels = found["metadata"].get("labels", {})
    for term in filter(None, params.get("labelSelector", "").split(",")):
        key, equals, value = term.partition("=")
        if key not in labels or (equals and labels[key] != value):
            return False
    for term in filter(None, params.get("fieldSelector", "").split(",")):
        key, _, value = term.partition("=")
        if found.get(key) != value:
            return False
    return True


def _merged(base: Any, patch: Any) -> Any:
    """A merge of maps, and of lists whose items have names; whatever else is replaced."""
    match base, patch:
        case dict(), dict():
            merged = {key: copy.deepcopy(value) for key, value in base.items()}
            for key, value in patch.items():
                if value is None:
                    merged.pop(key, None)
                else:
                    merged[key] = _merged(merged.get(key), value)
            return merged
        case list(), list() if _named(base) and _named(patch):
            by_name = {item["name"]: item for item in patch}
            kept = [_merged(item, by_name.pop(item["name"], {})) for item in base]
            return [*kept, *copy.deepcopy(list(by_name.values()))]
    return copy.deepcopy(patch)


def _named(items: list[Any]) -> bool:
    return all(isinstance(item, dict) and "name" in item for item in items)


def _error(method: str, path: str, status: int, message: str) -> ApiError:
    kind = BY_STATUS.get(status, ApiError)
    return kind(f"{method} {path}", status, "Refused", message)


def refusing(status: int, message: str, *verbs_and_paths: str) -> Fault:
    """Every request fails whose verb and path contain all of these words."""

    def fault(verb: str, path: str) -> ApiError | None:
        words = f"{verb} {path}"
        if all(each in words for each in verbs_and_paths):
            return _error(verb, path, status, message)
        return None

    return fault


def conditions(found: Json) -> Iterator[tuple[str, str, str, str]]:
    """Type, status, reason and message of each condition."""
    for each in found.get("status", {}).get("conditions", []):
        yield each["type"], each["status"], each["reason"], each["message"]


def condition(found: Json, kind: str) -> tuple[str, str, str]:
    """Status, reason and message."""
    return {each[0]: each[1:] for each in conditions(found)}[kind]
