"""The rules of the Pod Security level `restricted` that apply to these pods."""

from collections.abc import Iterator

from chart.rendering import Json

_VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim",
    "projected", "secret",
}  # fmt: skip
_HOST = ("hostNetwork", "hostPID", "hostIPC")


def violations(pod: Json) -> Iterator[str]:
    """Violations in a pod's spec, as text."""
    for key in _HOST:
        if pod.get(key):
            yield key
    for volume in pod.get("volumes", []):
        for kind in volume.keys() - {"name"} - _VOLUMES:
            yield f"volume {volume['name']} is a {kind}"
    of_pod = pod.get("securityContext", {})
    for container in (*pod.get("initContainers", []), *pod["containers"]):
        own = container.get("securityContext", {})
        for problem in _of_container(of_pod | own, own):
            yield f"container {container['name']}: {problem}"
        for port in container.get("ports", []):
            if port.get("hostPort"):
                yield f"container {container['name']}: hostPort"


def _of_container(effective: Json, own: Json) -> Iterator[str]:
    if effective.get("runAsNonRoot") is not True:
        yield "runAsNonRoot"
    if effective.get("runAsUser") == 0:
        yield "runAsUser"
    if effective.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost"):
        yield "seccompProfile"
    if own.get("privileged"):
        yield "privileged"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation"
    if own.get("capabilities", {}).get("drop") != ["ALL"]:
        yield "capabilities"
    if set(own.get("capabilities", {}).get("add", [])) - {"NET_BIND_SERVICE"}:
        yield "added capabilities"
