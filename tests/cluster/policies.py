"""NetworkPolicies enforced on the rig, whose network by itself does not.

Networks of real clusters do, and what a policy forgets to allow breaks there alone. Policies become
rules of the packet filter for the pods that they select, polled twice a second: a pod is open until
the next poll, as it is for a moment with other implementations too. What the machine itself
sends to its pods, probes of the kubelet among them, is not filtered.
"""

import ipaddress
import json
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from kubernetes.client import ApiClient, CoreV1Api, NetworkingV1Api
from kubernetes.config import new_client_from_config

from cluster.cluster import Cluster, Json

TABLE: Final = "interject-policies"
POLL_S: Final = 0.5
NFT_S: Final = 10.0
API_S: Final = 5.0
HEAD: Final = f"""\
table ip {TABLE}
delete table ip {TABLE}
table ip {TABLE} {{
"""
HOOK: Final = """\
  chain {name} {{
    type filter hook {name} priority filter; policy accept;
    ct state established,related accept
"""
_OPERATORS: Final = {
    "In": lambda value, values: value in values,
    "NotIn": lambda value, values: value not in values,
    "Exists": lambda value, values: value is not None,
    "DoesNotExist": lambda value, values: value is None,
}


@dataclass(frozen=True)
class World:
    """What policies are about."""

    policies: Sequence[Json]
    pods: Sequence[Json]
    namespaces: Mapping[str, Mapping[str, str]]
    """The labels of each."""


def rules(world: World) -> str:
    """The packet filter's table, which replaces the one before.

    Raises:
        ValueError: a policy has what is not enforced here: a named port of egress.
    """
    chains, jumps = "", {"ingress": "", "egress": ""}
    for pod in _with_addresses(world.pods):
        address = pod["status"]["podIP"]
        for way, kind, end in (("ingress", "Ingress", "daddr"), ("egress", "Egress", "saddr")):
            policies = [each for each in world.policies if _isolates(each, kind, pod)]
            if policies:
                name = f"{way}_{address.replace('.', '_')}"
                jumps[way] += f"    ip {end} {address} jump {name}\n"
                lines = [line for each in policies for line in _allowed(world, each, way, pod)]
                body = "".join(f"    {line} return\n" for line in dict.fromkeys(lines))
                chains += f"  chain {name} {{\n{body}    counter drop\n  }}\n"
    forward = HOOK.format(name="forward") + jumps["egress"] + jumps["ingress"] + "  }\n"
    own = HOOK.format(name="input") + jumps["egress"] + "  }\n"
    return HEAD + chains + forward + own + "}\n"


@contextmanager
def enforced(cluster: Cluster) -> Iterator[None]:
    """All policies of the rig are enforced until the context is left.

    Whether a foreign cluster enforces them is up to its network; nothing is done there.
    """
    if not cluster.own:
        yield
        return
    api = new_client_from_config(str(cluster.kubeconfig))
    stop, failures = threading.Event(), []

    def keep() -> None:
        before = ""
        try:
            while not stop.is_set():
                if (now := rules(_world(api))) != before:
                    _filter(now)
                    before = now
                stop.wait(POLL_S)
        except Exception as error:  # raised when the context is left
            failures.append(error)

    thread = threading.Thread(target=keep, name="policies")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        _filter(f"table ip {TABLE}\ndelete table ip {TABLE}\n")
        api.close()
    assert not failures, failures


def _world(api: ApiClient) -> World:
    policies = NetworkingV1Api(api).list_network_policy_for_all_namespaces
    core = CoreV1Api(api)
    found = [
        json.loads(ask(_preload_content=False, _request_timeout=API_S).data)["items"]
        for ask in (policies, core.list_pod_for_all_namespaces, core.list_namespace)
    ]
    labels = {each["metadata"]["name"]: each["metadata"]["labels"] for each in found[2]}
    return World(found[0], found[1], labels)


def _filter(table: str) -> None:
    command = ["nft", "--file", "-"]
    done = subprocess.run(command, input=table, text=True, capture_output=True, timeout=NFT_S)
    assert done.returncode == 0, done.stderr + table


def _with_addresses(pods: Sequence[Json]) -> Iterator[Json]:
    for pod in pods:
        if pod["status"].get("podIP") and not pod["spec"].get("hostNetwork"):
            yield pod


def _isolates(policy: Json, kind: str, pod: Json) -> bool:
    return (
        kind in policy["spec"]["policyTypes"]
        and policy["metadata"]["namespace"] == pod["metadata"]["namespace"]
        and _selects(policy["spec"]["podSelector"], pod["metadata"].get("labels", {}))
    )


def _selects(selector: Json, labels: Mapping[str, str]) -> bool:
    wanted = selector.get("matchLabels", {})
    return all(labels.get(name) == value for name, value in wanted.items()) and all(
        _OPERATORS[each["operator"]](labels.get(each["key"]), each.get("values", ()))
        for each in selector.get("matchExpressions", ())
    )


def _allowed(world: World, policy: Json, way: str, pod: Json) -> Iterator[str]:
    """What one policy lets through, as the packet filter's matches."""
    side, end = ("from", "saddr") if way == "ingress" else ("to", "daddr")
    for rule in policy["spec"].get(way, ()):
        peers = rule.get(side) or [None]
        ports = rule.get("ports") or [None]
        for peer in peers:
            address = _peer(world, policy["metadata"]["namespace"], peer, end)
            if address is not None:
                yield from (f"{address} {_port(port, way, pod)}".strip() for port in ports)


def _peer(world: World, namespace: str, peer: Json | None, end: str) -> str | None:
    """The match of an address; "" for any peer, None for no peer."""
    if peer is None:
        return ""
    if block := peer.get("ipBlock"):
        if ipaddress.ip_network(block["cidr"]).version != 4:
            return None
        but = ", ".join(block.get("except", ()))
        return f"ip {end} {block['cidr']}" + (f" ip {end} != {{ {but} }}" if but else "")
    addresses = [
        pod["status"]["podIP"]
        for pod in _with_addresses(world.pods)
        if _is_in(world, namespace, peer.get("namespaceSelector"), pod["metadata"]["namespace"])
        and _selects(peer.get("podSelector", {}), pod["metadata"].get("labels", {}))
    ]
    return f"ip {end} {{ {', '.join(sorted(addresses))} }}" if addresses else None


def _is_in(world: World, own: str, selector: Json | None, namespace: str) -> bool:
    if selector is None:
        return namespace == own
    return _selects(selector, world.namespaces.get(namespace, {}))


def _port(port: Json | None, way: str, pod: Json) -> str:
    if port is None:
        return ""
    protocol, number = port.get("protocol", "TCP").lower(), port.get("port")
    if number is None:
        return f"meta l4proto {protocol}"
    if isinstance(number, str):
        if way == "egress":
            raise ValueError(f"port {number!r} of egress: named ports are not supported here")
        number = _numbers(pod)[number, protocol]
    last = port.get("endPort", number)
    return f"{protocol} dport {number}-{last}" if last != number else f"{protocol} dport {number}"


def _numbers(pod: Json) -> dict[tuple[str, str], Any]:
    return {
        (port["name"], port.get("protocol", "TCP").lower()): port["containerPort"]
        for container in pod["spec"]["containers"]
        for port in container.get("ports", ())
        if "name" in port
    }
