"""IPv4 and IPv6: how pods are asked, and where the operator's own servers listen."""

import socket
from collections.abc import Iterator
from contextlib import closing

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from voice_agents import SETTING, agent

from voiceagent_operator.kube.kinds import SERVICE
from voiceagent_operator.media_pods import PodCalls, running
from voiceagent_operator.metrics_api.values import address_of
from voiceagent_operator.operate import answering
from voiceagent_operator.render.children import children


def has_ipv6() -> bool:
    with closing(socket.socket(socket.AF_INET6)) as there:
        try:
            there.bind(("::1", 0))
        except OSError:
            return False
    return True


ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")


def pod(address: str) -> dict[str, object]:
    ports = [{"name": "http", "containerPort": 1650}]
    return {
        "metadata": {"name": "reception-1"},
        "spec": {"containers": [{"name": "media", "ports": ports}]},
        "status": {
            "phase": "Running",
            "podIP": address,
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


@pytest.mark.parametrize(
    ("address", "expected"),
    [("10.0.0.1", "10.0.0.1:1650"), ("fd00:10:80::7", "[fd00:10:80::7]:1650")],
)
def test_an_ipv6_address_is_in_brackets(address: str, expected: str) -> None:
    (found,) = running([pod(address)], 1650)
    assert found.address == address_of(pod(address)) == expected


@ipv6
async def test_a_pod_with_an_ipv6_address_tells_its_calls() -> None:
    async def page(request: web.Request) -> web.Response:
        return web.Response(text="interject_active_calls 3.0\n")

    app = web.Application()
    app.router.add_get("/metrics", page)
    async with TestServer(app, host="::1") as server, PodCalls() as pods:
        (found,) = running([pod("::1")], server.port or 0)
        assert await pods.ask([found.address]) == {found.address: 3}


@pytest.fixture
def free_port() -> Iterator[int]:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port: int = taken.getsockname()[1]
    yield port


@ipv6
async def test_probes_are_answered_on_ipv4_and_ipv6(free_port: int) -> None:
    async def ok(request: web.Request) -> web.Response:
        return web.Response(text="ok")

    app = web.Application()
    app.router.add_get("/livez", ok)
    async with answering(app, free_port), aiohttp.ClientSession() as session:
        for host in ("127.0.0.1", "[::1]"):
            async with session.get(f"http://{host}:{free_port}/livez") as answer:
                assert await answer.text() == "ok"


def test_services_have_an_address_of_each_family_that_the_cluster_has() -> None:
    services = [child.body for child in children(agent(), SETTING) if child.kind is SERVICE]
    assert [each["spec"]["ipFamilyPolicy"] for each in services] == 2 * ["PreferDualStack"]
