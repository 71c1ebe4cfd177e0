"""The operator's own certificate over its life: made, believed, renewed, put right."""

import asyncio
import base64
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from certificate_doubles import (
    HOST,
    NAME,
    NAMESPACE,
    SECRET_PATH,
    Replica,
    Server,
    api_service,
    keeper,
)
from handshakes import why_refused
from hypothesis import given, settings
from hypothesis import strategies as st
from virtual_time import run

from voiceagent_operator.kube.kinds import API_SERVICE, Json
from voiceagent_operator.metrics_api.certificates import secret_with
from voiceagent_operator.metrics_api.documents import API_SERVICES
from voiceagent_operator.metrics_api.issuing import (
    CHANGEOVER,
    LIFETIME,
    RENEW_BEFORE,
    issue,
    why_due,
)
from voiceagent_operator.metrics_api.keeper import CHECK_EVERY_S, RETRY_AFTER_S, TRUST_SETTLES_S

PATHS = [API_SERVICE.path(None, name) for name in API_SERVICES]
NAMES = (HOST, f"{HOST}.cluster.local")


@asynccontextmanager
async def running(server: Server) -> AsyncIterator[None]:
    """The leader is at work."""
    task = asyncio.create_task(keeper(server).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait((task,))


def test_what_the_api_server_says_of_its_api_services_is_reported() -> None:
    async def case() -> None:
        server = Server()
        first, second = API_SERVICES
        condition = {"type": "Available", "status": "True"}
        ours = api_service(first) | {"status": {"conditions": [condition]}}
        server.put(API_SERVICE.path(None, first), ours)
        async with running(server):
            await asyncio.sleep(CHECK_EVERY_S)
            assert server.available == {first: True, second: False}
            foreign = api_service(first, service={"namespace": "monitoring", "name": "adapter"})
            foreign["status"] = {"conditions": [condition]}
            server.put(API_SERVICE.path(None, first), foreign)
            server.objects.pop(API_SERVICE.path(None, second))
            await asyncio.sleep(2 * CHECK_EVERY_S)
            assert server.available == {first: False, second: False}

    run(case())


def works(server: Server) -> bool:
    """Whether a replica that polls now is trusted, for both versions."""
    serving = server.serving
    return serving is not None and not any(
        why_refused(serving, server.believed(name), HOST) for name in API_SERVICES
    )


def test_from_nothing_it_is_made_and_trusted_at_once() -> None:
    async def case() -> None:
        server = Server()
        async with running(server):
            await asyncio.sleep(1)
        assert works(server)
        assert server.objects[SECRET_PATH]["type"] == "kubernetes.io/tls"
        assert server.writes == [*(f"PATCH {path}" for path in PATHS), f"POST {SECRET_PATH}"]

    run(case())


def test_where_all_is_right_nothing_is_written() -> None:
    async def case() -> None:
        server = Server()
        async with running(server):
            await asyncio.sleep(1)
        before = list(server.writes)
        async with running(server):
            await asyncio.sleep(CHANGEOVER.total_seconds() + CHECK_EVERY_S)
            server.ahead = (LIFETIME - RENEW_BEFORE) / 2
            await asyncio.sleep(CHANGEOVER.total_seconds())
        assert server.writes == before

    run(case())


def test_it_is_renewed_in_time_and_the_ca_before_is_trusted_until_all_have_changed() -> None:
    async def case() -> None:
        server = Server()
        async with running(server):
            await asyncio.sleep(1)
            old = server.serving
            assert old is not None
            server.ahead = LIFETIME - RENEW_BEFORE - timedelta(minutes=3)
            await asyncio.sleep(2 * CHECK_EVERY_S)
            assert server.serving == old
            await asyncio.sleep(2 * CHECK_EVERY_S + TRUST_SETTLES_S)
            assert server.serving != old
            assert works(server)
            assert why_refused(old, server.believed(), HOST) is None
            await asyncio.sleep(CHANGEOVER.total_seconds() + CHECK_EVERY_S)
            assert works(server)
            assert why_refused(old, server.believed(), HOST) is not None

    run(case())


def test_a_new_ca_is_trusted_before_a_replica_can_serve_by_it() -> None:
    async def case() -> None:
        server = Server()
        async with running(server):
            await asyncio.sleep(1)
        server.writes.clear()
        del server.objects[SECRET_PATH]
        async with running(server):
            await asyncio.sleep(TRUST_SETTLES_S / 2)
            assert server.writes == [f"PATCH {path}" for path in PATHS]
            await asyncio.sleep(TRUST_SETTLES_S)
            assert server.writes[2:] == [f"POST {SECRET_PATH}"]

    run(case())


@pytest.mark.parametrize("edit", [{"caBundle": None}, {"caBundle": "bm9uZQ=="}])
def test_an_edited_api_service_is_put_right_within_a_minute(edit: Json) -> None:
    async def case() -> None:
        server = Server()
        async with running(server):
            await asyncio.sleep(1)
            served = server.serving
            server.edit(PATHS[0], **edit)
            server.edit(PATHS[1], caBundle=None, insecureSkipTLSVerify=True)
            await asyncio.sleep(CHECK_EVERY_S)
        assert works(server)
        assert server.serving == served
        assert "insecureSkipTLSVerify" not in server.objects[PATHS[1]]["spec"]

    run(case())


def test_an_api_service_that_comes_later_is_reported_too() -> None:
    async def case() -> None:
        server = Server()
        late = server.objects.pop(PATHS[1])
        async with running(server):
            await asyncio.sleep(1)
            assert server.serving is not None
            server.put(PATHS[1], late)
            await asyncio.sleep(CHECK_EVERY_S)
        assert works(server)

    run(case())


def test_another_adapters_api_service_is_left_alone_and_reported_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def case() -> None:
        server = Server()
        theirs = {"namespace": "monitoring", "name": "prometheus-adapter"}
        server.put(PATHS[1], api_service(API_SERVICES[1], service=theirs, caBundle="dGhlaXJz"))
        async with running(server):
            await asyncio.sleep(10 * CHECK_EVERY_S)
        assert server.objects[PATHS[1]]["spec"]["caBundle"] == "dGhlaXJz"
        assert (
            why_refused(server.serving or issue(NAMES, server.now()), server.believed(), HOST)
            is None
        )

    run(case())
    (said,) = [each for each in caplog.messages if "prometheus-adapter instead of" in each]
    assert said == (
        "metrics API: APIService v1beta1.custom.metrics.k8s.io points to "
        "monitoring/prometheus-adapter instead of voice/operator and is not modified: a cluster "
        "has one custom metrics API; remove the other adapter, or use metricSource "
        "prometheus-adapter or keda"
    )


def test_a_foreign_secret_is_left_alone_and_reported_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def case() -> None:
        server = Server()
        theirs: Json = {"metadata": {"name": NAME}, "type": "Opaque", "data": {"tls.crt": "eA=="}}
        server.put(SECRET_PATH, theirs)
        async with running(server):
            await asyncio.sleep(10 * CHECK_EVERY_S)
        assert server.writes == []

    run(case())
    (said,) = [each for each in caplog.messages if "was not created by the operator" in each]
    assert said == (
        "metrics API: Secret voice/operator-metrics was not created by the operator and is not "
        "modified; delete it, or choose another --metrics-api-secret"
    )


def test_an_expired_and_a_damaged_and_a_misnamed_one_are_replaced(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)

    async def case() -> None:
        server = Server()
        good = issue(NAMES, server.now())
        broken = secret_with(good, NAMESPACE, NAME, None)
        broken["data"]["tls.key"] = base64.b64encode(b"nothing").decode()
        del broken["data"]["ca.crt"]
        expired = secret_with(issue(NAMES, server.now() - 2 * LIFETIME), NAMESPACE, NAME, None)
        misnamed = secret_with(issue(("old.voice.svc",), server.now()), NAMESPACE, NAME, None)
        for found in (broken, expired, misnamed):
            server = Server()
            server.put(SECRET_PATH, found)
            async with running(server):
                await asyncio.sleep(1)
            assert works(server)
            assert why_due(server.serving, NAMES, server.now()) is None

    run(case())
    made = [each.partition("because ")[2] for each in caplog.messages if "because" in each]
    assert [why.partition(" (")[0] for why in made] == [
        "it cannot be read",
        "it is valid until 2026-08-28 00:00 UTC",
        "it is for old.voice.svc, not for operator.voice.svc, operator.voice.svc.cluster.local",
    ]


def test_two_leaders_at_a_time_agree_on_one_certificate() -> None:
    async def case() -> None:
        server = Server()
        async with running(server), running(server):
            await asyncio.sleep(CHECK_EVERY_S)
        assert works(server)
        assert server.writes.count(f"POST {SECRET_PATH}") == 1

    run(case())


def test_what_fails_is_done_soon_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    async def case() -> None:
        server = Server()
        server.fails = 3
        async with running(server):
            await asyncio.sleep(3 * RETRY_AFTER_S + 1)
        assert works(server)

    run(case())
    (said,) = [each for each in caplog.messages if "not checked, will retry" in each]
    assert "etcd is away" in said


RENEWED_S = 150.0
"""Between two renewals, which are weeks apart: certificates expire unread where they are not."""
SABOTAGE = st.sampled_from(["delete", "restart", "delete and restart", "fail", "renew"])


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.tuples(SABOTAGE, st.floats(0, 200)), max_size=8),
    st.lists(st.floats(0, 60), min_size=1, max_size=3),
)
def test_no_replica_is_ever_disbelieved_whatever_happens(
    troubles: list[tuple[str, float]], offsets: list[float]
) -> None:
    async def case() -> list[str]:
        server = Server()
        replicas = [Replica(server, after_s) for after_s in offsets]
        tasks = [asyncio.create_task(replica.run()) for replica in replicas]
        leading = asyncio.create_task(keeper(server).run())
        await asyncio.sleep(100)
        for trouble, at_least_s in troubles:
            pause_s = max(at_least_s, RENEWED_S) if trouble == "renew" else at_least_s
            if "delete" in trouble:
                server.objects.pop(SECRET_PATH, None)
            if trouble == "fail":
                server.fails = 4
            if trouble == "renew":
                server.ahead += LIFETIME - RENEW_BEFORE
            if "restart" in trouble:
                leading.cancel()
                await asyncio.wait((leading,))
                leading = asyncio.create_task(keeper(server).run())
            end_s = asyncio.get_running_loop().time() + pause_s
            while asyncio.get_running_loop().time() < end_s:
                await asyncio.sleep(5)
                for replica in replicas:
                    replica.asked(trouble)
        for task in (*tasks, leading):
            task.cancel()
        await asyncio.wait((*tasks, leading))
        assert all(replica.serving for replica in replicas)
        return [each for replica in replicas for each in replica.refused]

    assert run(case()) == []
