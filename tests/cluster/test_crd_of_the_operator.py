"""An operator that comes before its CRD, and one that is newer than it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.conftest import CRDS
from cluster.operators import MEDIA_IMAGE, OperatorProcess, api_server, create, until, voice_agent
from cluster.rig import Cluster

CRD = "voiceagents.interject.dev"


def current() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((CRDS / f"{CRD}.yaml").read_text())
    return document


def older() -> dict[str, Any]:
    """Without a setting of the spec."""
    document = current()
    (version,) = document["spec"]["versions"]
    del version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["podTemplate"]
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


@pytest.mark.timeout(180)
async def test_it_waits_for_its_crd_says_what_an_old_one_lacks_and_works_with_it(
    cluster: Cluster, namespace: str, no_crd: None, tmp_path: Path
) -> None:
    operator = OperatorProcess(
        cluster.kubeconfig, namespace, tmp_path / "operator.log", image=MEDIA_IMAGE
    )
    operator.start()
    try:
        why = "the cluster does not know VoiceAgents; apply their CRD: kubectl apply --server-side"

        async def says_why() -> bool:
            status, text = await operator.get("/readyz")
            return status == 503 and text.startswith(why)

        await until("why it is not ready", says_why, 30)
        assert (await operator.get("/livez"))[0] == 200

        install(cluster, older())

        async def ready() -> bool:
            return (await operator.get("/readyz"))[0] == 200

        await until("ready", ready, 20)
        lacks = "it is older than this operator"

        async def told() -> bool:
            return lacks in operator.log.read_text()

        await until("what the CRD lacks", told, 90)
        async with api_server(cluster.kubeconfig) as api:
            await create(api, voice_agent(namespace))

            async def made() -> bool:
                return bool(cluster.get("deployment", namespace, "reception"))

            await until("the agent made all the same", made, 15)
        assert operator.stop() == 0
    finally:
        if operator.running:
            operator.kill()
    log = operator.log.read_text()
    assert log.count(why) == 1
    assert log.count(lacks) == 1
    assert "and lacks spec.podTemplate; apply that of this version" in log
    assert "Traceback" not in log
