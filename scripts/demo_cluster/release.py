"""The chart, installed as a user would, and the telephone that it made an account for."""

import base64
import json
from pathlib import Path
from typing import Any, Final

import yaml
from helm_python import Config, HelmError

from demo_cluster.cluster import Cluster, Json
from demo_cluster.errors import DemoError
from demo_cluster.scripts import ROOT, say
from interject_lab.telephones.sip.signalling import Account

NAME: Final = "interject"
NAMESPACE: Final = "interject"
SAMPLE: Final = "parcel-desk"
EXTENSION: Final = "100"
READY_S: Final = 180
_PHONE: Final = "601"
_METRICS_PORT: Final = 9100
_CALLS: Final = (
    "import urllib.request as r;"
    "print(r.urlopen('http://127.0.0.1:1650/api/calls', timeout=2).read().decode())"
)


def install(cluster: Cluster, images: Path, otlp: str) -> None:
    """Install the chart, or bring what is installed up to date; returns when it can be called.

    Args:
        images: values that name the images.
        otlp: where traces go; "" for nowhere.

    Raises:
        DemoError: it does not become ready.
    """
    values: dict[str, Any] = yaml.safe_load(images.read_text())
    values["telemetry"] = {"otlpEndpoint": otlp}
    values["asterisk"]["metricsPort"] = _METRICS_PORT
    helm = _helm(cluster)
    try:
        if any(release["name"] == NAME for release in helm.list(all_namespaces=False)):
            say("upgrading the chart ...")
            helm.upgrade(ROOT / "charts" / NAME, NAME, values)
        else:
            say("installing the chart ...")
            helm.install(ROOT / "charts" / NAME, NAME, values, create_namespace=True)
    except HelmError as error:
        raise DemoError(f"helm: {error}") from error
    for what, condition in (
        (f"deployment/{NAME}-operator", "condition=Available"),
        (f"pod/{NAME}-asterisk-0", "condition=Ready"),
        (f"va/{SAMPLE}", "create"),
        (f"va/{SAMPLE}", "condition=Ready"),
        (f"va/{SAMPLE}", "condition=Published"),
    ):
        say(f"waiting for {what}: {condition} ...")
        cluster.run("wait", f"--for={condition}", what, f"--timeout={READY_S}s", "-n", NAMESPACE)


def uninstall(cluster: Cluster) -> None:
    """Take all of it away, VoiceAgents and their resource too.

    Raises:
        DemoError: something stays.
    """
    cluster.run("delete", "voiceagents", "--all", "-n", NAMESPACE, "--ignore-not-found")
    try:
        _helm(cluster).uninstall(NAME, ignore_not_found=True)
    except HelmError as error:
        raise DemoError(f"helm: {error}") from error
    cluster.run("delete", "crd", "voiceagents.interject.dev", "--ignore-not-found")
    cluster.run("delete", "namespace", NAMESPACE, "--ignore-not-found")


def account(cluster: Cluster) -> Account:
    """The telephone's, found as the chart's notes say."""
    secret = cluster.get("secret", f"{NAME}-asterisk", "-n", NAMESPACE)
    password = base64.b64decode(secret["data"][_PHONE]).decode()
    pod = cluster.get("pod", f"{NAME}-asterisk-0", "-n", NAMESPACE)
    ports = cluster.get("service", f"{NAME}-asterisk-0", "-n", NAMESPACE)["spec"]["ports"]
    port = next(each["nodePort"] for each in ports if each["name"] == "sip-udp")
    return Account(_PHONE, password, pod["status"]["hostIP"], port)


def pages(cluster: Cluster) -> list[tuple[str, str]]:
    """Name and host:port of every pod's page of metrics."""
    return [
        (pod["metadata"]["name"], f"{pod['status']['podIP']}:{port}")
        for pod in cluster.get("pods", "-n", NAMESPACE)["items"]
        if pod["status"].get("podIP") and (port := _metrics_port(pod))
    ]


def uuids(cluster: Cluster) -> list[str]:
    """Of the calls that the agent's pods have, which they say to nobody but themselves."""
    pods = cluster.get("pods", "-n", NAMESPACE, "-l", "interject.dev/agent")["items"]
    found: list[str] = []
    for pod in pods:
        place = ("exec", pod["metadata"]["name"], "-n", NAMESPACE, "-c", "media")
        try:
            answer = cluster.run(*place, "--", "python", "-c", _CALLS)
        except DemoError:  # a pod that is not up yet, or is going
            continue
        found += [call["uuid"] for call in json.loads(answer)["calls"]]
    return found


def _metrics_port(pod: Json) -> int:
    labels = pod["metadata"]["labels"]
    if "interject.dev/agent" in labels:
        return 1650
    if "interject.dev/asterisk" in labels:
        return _METRICS_PORT
    return 8080 if labels.get("app.kubernetes.io/name") == "interject-operator" else 0


def _helm(cluster: Cluster) -> Config:
    return Config(kubeconfig_path=cluster.kubeconfig, namespace=NAMESPACE)
