"""The metrics API with the certificate that the operator makes, over a renewal and a new leader.

Two replicas run beside the cluster with the rights of their service account and no others.
"""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml
from cryptography import x509

from asterisk.world import free_port
from cluster.cluster import Cluster
from cluster.operator_objects import NAME, SERVICE, operator_objects
from cluster.operator_objects import SECRET as SECRET_NAME
from cluster.operators import OperatorProcess, find, until
from voiceagent_operator.kube.api import ApiServer
from voiceagent_operator.kube.kinds import API_SERVICE, SECRET, Json
from voiceagent_operator.metrics_api.documents import API_SERVICES, GROUP, VERSIONS


class Installed:
    """The objects of an installation, but for its pods, whose processes run here."""

    def __init__(self, cluster: Cluster, namespace: str, folder: Path) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.kubeconfig = folder / "operator.kubeconfig"
        wanted = operator_objects(namespace, watched=(namespace,), metrics_api=True)
        self.objects = [each for each in wanted if each["kind"] != "Deployment"]

    def apply(self) -> None:
        self.cluster.apply(self.objects)
        token = self.cluster.run("create", "token", NAME, f"--namespace={self.namespace}")
        assert token.returncode == 0, token.stderr
        settings = yaml.safe_load(self.cluster.kubeconfig.read_text())
        for user in settings["users"]:
            user["user"] = {"token": token.stdout.strip()}
        self.kubeconfig.write_text(yaml.safe_dump(settings))

    def delete(self) -> None:
        """What is outside the test's namespace; a dead APIService first of all."""
        self.cluster.run("delete", "apiservice", *API_SERVICES, "--ignore-not-found")
        for each in self.objects:
            place = each["metadata"].get("namespace")
            if place != self.namespace and each["kind"] != "APIService":
                where = [f"--namespace={place}"] if place else []
                self.cluster.run("delete", each["kind"], each["metadata"]["name"], *where)

    def point_at(self, replica: "Replica") -> None:
        """The Service has this replica alone, as while others start or end."""
        self.cluster.apply(
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": {
                    "name": "replica",
                    "namespace": self.namespace,
                    "labels": {"kubernetes.io/service-name": SERVICE},
                },
                "addressType": "IPv4",
                "endpoints": [
                    {"addresses": [self.cluster.own_address], "conditions": {"ready": True}}
                ],
                "ports": [{"name": "https", "port": replica.port, "protocol": "TCP"}],
            }
        )

    def ask(self) -> str:
        """What goes wrong when both versions, and the calls of all pods, are asked for."""
        pods = f"/namespaces/{self.namespace}/pods/*/interject_active_calls"
        for version in VERSIONS:
            for path in ("", pods):
                done = self.cluster.run("get", "--raw", f"/apis/{GROUP}/{version}{path}")
                if done.returncode != 0:
                    return done.stderr
        return ""


class Replica(OperatorProcess):
    """With a metrics API."""

    def __init__(self, installed: Installed, folder: Path, name: str) -> None:
        self.port = free_port()
        super().__init__(
            installed.kubeconfig,
            installed.namespace,
            folder / f"{name}.log",
            *("--namespace", installed.namespace),
            *("--identity", name),
            *("--metrics-api-port", str(self.port)),
            *("--metrics-api-secret", SECRET_NAME),
            *("--metrics-api-service", SERVICE),
        )


@pytest.fixture
def installed(cluster: Cluster, crd: None, namespace: str, tmp_path: Path) -> Iterator[Installed]:
    if not cluster.own:
        pytest.skip("registers an APIService, of which a cluster may have one already")
    made = Installed(cluster, namespace, tmp_path)
    try:
        made.apply()
        yield made
    finally:
        made.delete()


async def bundle(api: ApiServer) -> bytes:
    """The CAs by which the API server knows its metrics API, PEM; empty while they are written."""
    found = [await api.get(API_SERVICE.path(None, name)) for name in API_SERVICES]
    assert not any(each["spec"].get("insecureSkipTLSVerify") for each in found)
    first, second = (each["spec"].get("caBundle", "") for each in found)
    return base64.b64decode(first) if first == second else b""


async def serial(api: ApiServer, installed: Installed, replica: Replica) -> int:
    """Of the certificate by which a replica serves; 0 unless it is what the API server wants."""
    authorities = await bundle(api)
    if not authorities:
        return 0
    context = ssl.create_default_context(cadata=authorities.decode())
    pki = installed.cluster.folder / "pki"
    context.load_cert_chain(pki / "front-proxy-client.crt", pki / "front-proxy-client.key")
    host = f"{SERVICE}.{installed.namespace}.svc"
    address = installed.cluster.own_address
    try:
        async with asyncio.timeout(5):
            _, writer = await asyncio.open_connection(
                address, replica.port, ssl=context, server_hostname=host
            )
    except (OSError, ssl.SSLError):
        return 0
    try:
        shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return x509.load_der_x509_certificate(shown).serial_number
    finally:
        writer.transport.abort()


@asynccontextmanager
async def asked_all_the_time(installed: Installed) -> AsyncIterator[None]:
    """Meanwhile it is asked again and again, and each question has to be answered well."""
    answers: list[str] = []
    over = asyncio.Event()

    async def ask() -> None:
        while not over.is_set():
            answers.append(await asyncio.to_thread(installed.ask))

    asking = asyncio.create_task(ask())
    try:
        yield
    finally:
        over.set()
        await asking
    assert len(answers) > 5
    assert set(answers) == {""}


@asynccontextmanager
async def replicas_of(installed: Installed, folder: Path) -> AsyncIterator[list[Replica]]:
    """Three that do not run yet; those that do in the end have to stop cleanly."""
    three = [Replica(installed, folder, name) for name in ("first", "second", "third")]
    try:
        yield three
        for replica in three:
            assert not replica.running or replica.stop() == 0
            assert "Traceback" not in replica.log.read_text()
    finally:
        for replica in three:
            if replica.running:
                replica.kill()


@pytest.mark.timeout(150)
async def test_it_works_from_every_replica_and_goes_on_over_a_renewal_and_a_new_leader(
    api: ApiServer, installed: Installed, tmp_path: Path
) -> None:
    async def available() -> bool:
        return not await asyncio.to_thread(installed.ask)

    async def secret() -> Json | None:
        return await find(api, SECRET, installed.namespace, SECRET_NAME)

    async with replicas_of(installed, tmp_path) as (first, second, third):
        first.start()
        await first.until_leader()
        second.start()
        old = await until("a certificate", lambda: serial(api, installed, second), 30)
        assert await until("the leader's too", lambda: serial(api, installed, first), 30) == old
        await asyncio.to_thread(installed.point_at, second)
        await until("answers through the API server", available, 40)

        async with asked_all_the_time(installed):
            await api.delete(SECRET.path(installed.namespace, SECRET_NAME))
            assert first.stop() == 0
            await until("a new certificate", secret, 30)
            third.start()
            new = await until("a replica with it", lambda: serial(api, installed, third), 30)
            assert new != old
            assert await serial(api, installed, second) == old
            for replica in (third, second):
                await asyncio.to_thread(installed.point_at, replica)
                await asyncio.sleep(2)


def may(installed: Installed, verb: str, what: str, *where: str) -> bool:
    account = f"system:serviceaccount:{installed.namespace}:{NAME}"
    asked = installed.cluster.run("auth", "can-i", verb, what, f"--as={account}", *where)
    return asked.stdout.strip() == "yes"


def test_its_rights_end_with_its_own_secret_and_its_own_api_services(installed: Installed) -> None:
    here = f"--namespace={installed.namespace}"
    assert may(installed, "update", f"secrets/{SECRET_NAME}", here)
    assert may(installed, "patch", f"apiservices/{API_SERVICES[0]}")
    refused = [
        ("get", "secrets/another", here),
        ("list", "secrets", here),
        ("delete", f"secrets/{SECRET_NAME}", here),
        ("get", f"secrets/{SECRET_NAME}", "--namespace=default"),
        ("create", "secrets", "--namespace=default"),
        ("patch", "apiservices/v1.apps"),
        ("create", "apiservices"),
        ("delete", f"apiservices/{API_SERVICES[0]}"),
        ("get", "configmaps/another", "--namespace=kube-system"),
    ]
    assert [each for each in refused if may(installed, *each)] == []
