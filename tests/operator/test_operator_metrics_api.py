"""The custom metrics API over TLS: what it says, to whom, and whom it does not talk to."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from metrics_cluster import AUTOSCALER, Pki, World, make_pki, pod, world_in
from pki import Authority

from media_pod.errors import SetupError
from voiceagent_operator.agents.names import AGENT
from voiceagent_operator.kube.kinds import Json
from voiceagent_operator.metrics_api.certificates import FILES_EVERY_S
from voiceagent_operator.metrics_api.server import READ_EVERY_S

GROUP = "/apis/custom.metrics.k8s.io"
ALL = f"{GROUP}/v1beta2/namespaces/voice/pods/*/interject_active_calls"


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return make_pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture
async def world(tmp_path: Path, pki: Pki) -> AsyncIterator[World]:
    async with world_in(tmp_path, pki) as world:
        yield world


async def let_pass(world: World, after_s: float) -> None:
    """Lets the server's pauses pass, until so much time has passed."""
    end_s = world.now_s + after_s
    while world.now_s < end_s:
        world.step.set()
        await asyncio.sleep(0)


def calls_of(answer: tuple[int, Json]) -> dict[str, str]:
    status, body = answer
    assert status == 200, body
    return {item["describedObject"]["name"]: item["value"] for item in body["items"]}


async def test_values_of_all_pods_that_are_ready_and_stay(world: World) -> None:
    three, none = await world.media_pod(3), await world.media_pod(0)
    world.kube.pods = [
        pod("busy", three),
        pod("idle", none),
        pod("loading", three, ready=False),
        pod("going", three, going=True),
        pod("silent", 1),
    ]
    await world.serve()
    answer = await world.get(f"{ALL}?labelSelector=tier%3Dmedia&metricLabelSelector=a%3Db")
    assert calls_of(answer) == {"busy": "3", "idle": "0"}
    assert world.kube.asked == [f"{AGENT},tier=media"]
    item = answer[1]["items"][0]
    assert answer[1]["apiVersion"] == "custom.metrics.k8s.io/v1beta2"
    assert answer[1]["kind"] == "MetricValueList"
    assert item["metric"] == {"name": "interject_active_calls"}
    assert item["describedObject"] == {
        "kind": "Pod", "namespace": "voice", "name": "busy", "apiVersion": "v1",
    }  # fmt: skip
    at = datetime.strptime(item["timestamp"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert abs(datetime.now(UTC) - at) < timedelta(seconds=10)


async def test_the_first_version_has_the_name_elsewhere(world: World) -> None:
    world.kube.pods = [pod("busy", await world.media_pod(3))]
    await world.serve()
    _, body = await world.get(ALL.replace("v1beta2", "v1beta1"))
    assert body["apiVersion"] == "custom.metrics.k8s.io/v1beta1"
    assert body["items"][0]["metricName"] == "interject_active_calls"
    assert "metric" not in body["items"][0]


async def test_one_pod_by_its_name(world: World) -> None:
    world.kube.pods = [pod("busy", await world.media_pod(3)), pod("silent", 1)]
    other = pod("database", await world.media_pod(3))
    other["metadata"]["labels"] = {}
    world.kube.pods.append(other)
    await world.serve()
    assert calls_of(await world.get(ALL.replace("*", "busy"))) == {"busy": "3"}
    assert calls_of(await world.get(ALL.replace("*", "%2A"))) == {"busy": "3"}
    for name in ("silent", "database", "nobody"):
        status, body = await world.get(ALL.replace("*", name))
        assert (status, body["reason"]) == (404, "NotFound")
        assert body["message"] == f"interject_active_calls of pod {name} is not available"


async def test_no_pods_is_an_empty_list(world: World) -> None:
    await world.serve()
    assert calls_of(await world.get(ALL)) == {}


async def test_more_pods_than_a_page(world: World) -> None:
    world.kube.page = 2
    world.kube.pods = [pod(f"pod-{number}", await world.media_pod(number)) for number in range(5)]
    await world.serve()
    expected = {f"pod-{number}": str(number) for number in range(5)}
    assert calls_of(await world.get(ALL)) == expected


async def test_a_pod_is_asked_once_a_second_at_most(world: World) -> None:
    world.kube.pods = [pod("busy", await world.media_pod(3))]
    await world.serve()
    for _ in range(3):
        await world.get(ALL)
    assert world.asked_pods == 1
    world.now_s += 1
    assert calls_of(await world.get(ALL)) == {"busy": "3"}
    assert world.asked_pods == 2


async def test_discovery(world: World) -> None:
    await world.serve()
    _, groups = await world.get("/apis")
    _, group = await world.get(GROUP)
    assert [each["name"] for each in groups["groups"]] == ["custom.metrics.k8s.io"]
    assert [each["version"] for each in group["versions"]] == ["v1beta2", "v1beta1"]
    assert group["preferredVersion"]["groupVersion"] == "custom.metrics.k8s.io/v1beta2"
    for version in ("v1beta1", "v1beta2"):
        _, resources = await world.get(f"{GROUP}/{version}")
        assert resources["kind"] == "APIResourceList"
        assert resources["groupVersion"] == f"custom.metrics.k8s.io/{version}"
        assert [each["name"] for each in resources["resources"]] == ["pods/interject_active_calls"]
    assert world.kube.reviews == []


@pytest.mark.parametrize(
    ("path", "method", "code", "reason"),
    [
        (ALL.replace("interject_active_calls", "cpu"), "GET", 404, "NotFound"),
        (ALL.replace("v1beta2", "v1"), "GET", 404, "NotFound"),
        (f"{GROUP}/v1beta2/namespaces/voice/services/a/interject_active_calls", "GET", 404, None),
        (f"{GROUP}/v1beta2/namespaces/voice/metrics/interject_active_calls", "GET", 404, None),
        (ALL.replace("*", ".."), "GET", 404, None),
        (ALL.replace("*", "..%2F..%2Fsecrets"), "GET", 404, None),
        (ALL.replace("voice", "..%2F.."), "GET", 404, None),
        ("/openapi/v3", "GET", 404, "NotFound"),
        (ALL, "DELETE", 405, "MethodNotAllowed"),
        (f"{ALL}?labelSelector=!!", "GET", 400, "BadRequest"),
    ],
)
async def test_what_there_is_not_is_reported_as_kubernetes_tells_it(
    world: World, path: str, method: str, code: int, reason: str | None
) -> None:
    await world.serve()
    status, body = await world.get(path, method=method)
    assert (status, body["kind"], body["apiVersion"], body["code"]) == (code, "Status", "v1", code)
    assert body["status"] == "Failure"
    assert reason in (None, body["reason"])


async def test_who_has_no_right_to_it_gets_none_of_it(world: World) -> None:
    world.kube.pods = [pod("busy", await world.media_pod(3))]
    await world.serve()
    status, body = await world.get(ALL, user="mallory", groups=("a", "b"))
    assert (status, body["reason"]) == (403, "Forbidden")
    assert 'User "mallory" cannot get resource "pods/interject_active_calls"' in body["message"]
    assert world.asked_pods == 0
    (spec,) = world.kube.reviews
    assert (spec["user"], spec["groups"]) == ("mallory", ["a", "b"])
    assert spec["resourceAttributes"] == {
        "verb": "get", "group": "custom.metrics.k8s.io", "version": "v1beta2",
        "namespace": "voice", "resource": "pods", "subresource": "interject_active_calls",
        "name": "*",
    }  # fmt: skip


@pytest.mark.parametrize("user", ["mallory", AUTOSCALER])
async def test_a_decision_holds_for_10_s_whatever_it_is(world: World, user: str) -> None:
    await world.serve()
    first, _ = await world.get(ALL, user=user)
    world.kube.allowed ^= {(user, "voice")}
    world.now_s += 9
    assert (await world.get(ALL, user=user))[0] == first
    assert len(world.kube.reviews) == 1
    world.now_s += 1
    assert (await world.get(ALL, user=user))[0] != first


async def test_a_decision_is_about_one_caller_and_its_groups(world: World) -> None:
    await world.serve()
    await world.get(ALL, groups=("a",))
    await world.get(ALL, groups=("b",))
    await world.get(ALL.replace("*", "busy"), groups=("b",))
    assert len(world.kube.reviews) == 3


async def test_an_api_server_that_is_away_is_no_permission(world: World) -> None:
    await world.serve()
    world.kube.away = True
    status, body = await world.get(ALL)
    assert (status, body["reason"]) == (503, "ServiceUnavailable")


async def test_without_a_certificate_nothing_is_said(world: World) -> None:
    await world.serve()
    context = ssl.create_default_context(cadata=world.serving_ca.pem)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session:
        with pytest.raises((aiohttp.ClientError, ssl.SSLError)):
            await session.get(f"https://127.0.0.1:{world.port}/apis")


async def test_a_certificate_of_another_ca_is_none(world: World) -> None:
    await world.serve()
    stranger = Authority(world.folder, "another-ca").issue("front-proxy-client", "clientAuth")
    with pytest.raises((aiohttp.ClientError, ssl.SSLError)):
        await world.get("/apis", client=stranger)


async def test_a_name_that_is_not_allowed_is_refused(world: World) -> None:
    await world.serve()
    status, body = await world.get("/apis", client=world.front_proxy.issue("bob", "clientAuth"))
    assert (status, body["reason"]) == (401, "Unauthorized")


async def test_no_list_of_names_allows_every_name(world: World) -> None:
    world.kube.allowed_names = "[]"
    await world.serve()
    status, _ = await world.get("/apis", client=world.front_proxy.issue("bob", "clientAuth"))
    assert status == 200


async def test_who_does_not_say_for_whom_it_asks_is_refused(world: World) -> None:
    await world.serve()
    status, body = await world.get("/apis", user="")
    assert (status, body["reason"]) == (401, "Unauthorized")


async def test_a_new_ca_of_the_api_server_replaces_the_old_one(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await world.serve()
    (new := world.folder / "new").mkdir()
    authority = Authority(new, "front-proxy-ca")
    client = authority.issue("front-proxy-client", "clientAuth")
    with pytest.raises((aiohttp.ClientError, ssl.SSLError)):
        await world.get("/apis", client=client)

    world.kube.front_proxy_ca = authority.pem
    await let_pass(world, READ_EVERY_S + FILES_EVERY_S)
    while "certificates renewed" not in caplog.text:
        await asyncio.sleep(0.01)
    assert (await world.get("/apis", client=client))[0] == 200
    with pytest.raises((aiohttp.ClientError, ssl.SSLError)):
        await world.get("/apis")


async def test_a_new_serving_certificate_is_taken_without_a_restart(world: World) -> None:
    await world.serve()
    (new := world.folder / "new").mkdir()
    world.serving_ca, old = Authority(new, "serving-ca"), world.serving_ca
    world.serving.take(world.serving_ca.issue("metrics", "serverAuth", "IP:127.0.0.1"))
    await let_pass(world, 2 * FILES_EVERY_S)
    assert (await world.get("/apis"))[0] == 200
    world.serving_ca = old
    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        await world.get("/apis")


async def test_half_a_new_serving_certificate_changes_nothing(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await world.serve()
    (new := world.folder / "new").mkdir()
    other = Authority(new, "serving-ca").issue("metrics", "serverAuth", "IP:127.0.0.1")
    world.serving.key.write_bytes(other.key.read_bytes())
    await let_pass(world, 2 * FILES_EVERY_S)
    assert (await world.get("/apis"))[0] == 200
    assert "certificates not renewed, the previous ones stay in use" in caplog.text


async def test_a_cluster_that_does_not_say_how_it_is_known_is_waited_for(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    known, world.kube.front_proxy_ca = world.kube.front_proxy_ca, ""
    serving = asyncio.create_task(world.serve())
    while "--requestheader-client-ca-file" not in caplog.text:
        await asyncio.sleep(0.01)
    world.kube.front_proxy_ca = known
    world.step.set()
    await serving
    assert (await world.get("/apis"))[0] == 200


async def test_a_port_that_is_taken_is_reported(world: World) -> None:
    await world.serve()
    with pytest.raises(SetupError, match="metrics API: cannot bind"):
        await world.serve()
