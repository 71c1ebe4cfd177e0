"""An operator that comes before its CRD, and one that is newer than it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.cluster import Cluster
from cluster.conftest import CRDS
from cluster.operators import (
    OperatorProcess,
    api_server,
    create,
    items,
    until,
    until_condition,
    voice_agent,
)
from voiceagent_operator.kube.kinds import EVENT

CRD = "voiceagents.interject.dev"
WHY = "the CRD of VoiceAgents is not installed; run kubectl apply --server-side"
LACKS = "and lacks spec.podTemplate, status.version; apply the CRD of this version: kubectl apply"


def current() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((CRDS / f"{CRD}.yaml").read_text())
    return document


def older() -> dict[str, Any]:
    """Without a setting of the spec and the rules about it, and without a field of the status."""
    document = current()
    (version,) = document["spec"]["versions"]
    whole = version["schema"]["openAPIV3Schema"]["properties"]
    del whole["spec"]["properties"]["podTemplate"]
    rules = whole["spec"]["x-kubernetes-validations"]
    rules[:] = [rule for rule in rules if "podTemplate" not in yaml.safe_dump(rule)]
    del whole["status"]["properties"]["version"]
    return document


@pytest.fixture
def no_crd(cluster: Cluster, crd: None) -> Iterator[None]:
    """None while the test begins; the right one is there afterwards."""
    if not cluster.own:
        pytest.skip("deletes the CRD, and with it every VoiceAgent of the cluster")
    assert cluster.run("delete", "crd", CRD, "--wait=true").returncode == 0
    yield
    install(cluster, current())


def install(cluster: Cluster, document: dict[str, Any]) -> None:
    text = yaml.safe_dump(document)
    done = cluster.run("apply", "--server-side", "--force-conflicts", "--filename=-", stdin=text)
    assert done.returncode == 0, done.stderr
    done = cluster.run("wait", "--for=condition=Established", f"crd/{CRD}", "--timeout=20s")
    assert done.returncode == 0, done.stderr


@asynccontextmanager
async def operator_at_once(
    cluster: Cluster, namespace: str, log: Path
) -> AsyncIterator[OperatorProcess]:
    """One replica, whether or not it can lead; it has to stop cleanly."""
    operator = OperatorProcess(cluster.kubeconfig, namespace, log, "--namespace", namespace)
    operator.start()
    try:
        yield operator
        assert operator.stop() == 0
    finally:
        if operator.running:
            operator.kill()


@pytest.mark.timeout(180)
async def test_it_waits_for_its_crd_says_what_an_old_one_lacks_and_works_with_it(
    cluster: Cluster, namespace: str, no_crd: None, tmp_path: Path
) -> None:
    log = tmp_path / "operator.log"
    async with operator_at_once(cluster, namespace, log) as operator:

        async def answers(status: int, text: str) -> bool:
            found, said = await operator.get("/readyz")
            return found == status and said.startswith(text)

        await until("why it is not ready", lambda: answers(503, WHY), 30)
        assert (await operator.get("/livez"))[0] == 200

        install(cluster, older())
        await until("ready", lambda: answers(200, "ok"), 20)

        async def reported() -> bool:
            return LACKS in log.read_text()

        await until("what the CRD lacks", reported, 90)
        async with api_server(cluster.kubeconfig) as api:
            await create(api, voice_agent(namespace, replicas=0))
            message = await until_condition(api, namespace, "Degraded", "CrdOutdated")
            assert LACKS in message
            assert cluster.get("deployment", namespace, "reception")
            events = await items(api, EVENT, namespace)
            notes = [each["note"] for each in events if each["reason"] == "CrdOutdated"]
            assert notes == [f"Degraded is True: {message}"]
    text = log.read_text()
    assert [text.count(each) for each in (WHY, LACKS, "Traceback")] == [1, 1, 0]
