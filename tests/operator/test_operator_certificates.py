"""Replicas of the metrics API that serve by the Secret that their leader keeps."""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
from metrics_cluster import Pki, World, make_pki, world_in

from voiceagent_operator.metrics_api.certificates import CertificateSecret, secret_with
from voiceagent_operator.metrics_api.issuing import Serving, issue

NAME = "operator-metrics"
HOST = "operator.voice.svc"


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return make_pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture
async def world(tmp_path: Path, pki: Pki) -> AsyncIterator[World]:
    async with world_in(tmp_path, pki) as world:
        world.host = HOST
        yield world


def new_certificate(world: World) -> Serving:
    """The leader has written one, and the API server believes in its CA alone."""
    serving = issue((HOST,), datetime.now(UTC))
    world.kube.secret = secret_with(serving, "voice", NAME, None)
    world.believed = serving.authorities.decode()
    return serving


def start(world: World) -> "asyncio.Task[None]":
    return asyncio.create_task(world.serve(CertificateSecret(world.api, "voice", NAME)))


async def until_said(world: World, caplog: pytest.LogCaptureFixture, text: str) -> None:
    """Lets the server's pauses pass until it logs `text`."""
    async with asyncio.timeout(10):
        while text not in caplog.text:
            world.step.set()
            await asyncio.sleep(0.01)


async def test_a_replica_that_is_there_before_the_certificate_waits_for_it(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    serving = start(world)
    await until_said(world, caplog, "waiting for its certificate")
    new_certificate(world)
    world.step.set()
    await serving
    assert (await world.get("/apis"))[0] == 200
    (said,) = caplog.messages
    assert said == (
        "metrics API: waiting for its certificate: Secret voice/operator-metrics not found; the "
        "leading replica creates it"
    )


async def test_a_renewed_certificate_is_served_without_a_restart(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    new_certificate(world)
    await start(world)
    assert (await world.get("/apis"))[0] == 200
    new_certificate(world)
    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        await world.get("/apis")
    await until_said(world, caplog, "certificates renewed")
    assert (await world.get("/apis"))[0] == 200


async def test_a_secret_that_is_deleted_or_broken_does_not_stop_who_serves(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    new_certificate(world)
    await start(world)
    known, world.kube.secret = world.kube.secret, None
    await until_said(world, caplog, "Secret voice/operator-metrics not found")
    assert (await world.get("/apis"))[0] == 200
    assert known is not None
    del known["data"]["tls.key"]
    world.kube.secret = known
    await until_said(world, caplog, "Secret voice/operator-metrics: not a certificate with its key")
    assert (await world.get("/apis"))[0] == 200


async def test_no_log_has_its_key(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    serving = new_certificate(world)
    source = CertificateSecret(world.api, "voice", NAME)
    await world.serve(source)
    assert serving.key.splitlines()[1].decode() not in caplog.text + repr(await source.read())
