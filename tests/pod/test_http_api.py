"""The HTTP API: the answers that dialplans, Kubernetes and people rely on, and junk."""

import json
import math

import pytest
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from media_pod.calls.answers import Next, NextStep
from media_pod.calls.registry import CallState
from media_pod.dialogues.ports import CallInfo
from media_pod.pod.http import api
from media_pod.pod.http.api import make_app
from media_pod.pod.http.ports import CallView
from pod.http_doubles import A, B, Dial, FakePeers, FakePod, SilentPeers, dial, pod, problem

__all__ = ["dial", "pod"]


async def test_call_start_gives_the_address_on_which_it_was_asked(dial: Dial) -> None:
    client = await dial()
    response = await client.get(f"/api/call-start?uuid={A}&from=%2B4930&to=1000&try=1")
    assert response.status == 200
    assert response.content_type == "text/plain"
    assert await response.text() == "127.0.0.1:3000"


async def test_call_start_gives_the_advertised_host_if_one_is_set(dial: Dial) -> None:
    client = await dial("pod-7.agents")
    response = await client.get(f"/api/call-start?uuid={A}")
    assert await response.text() == "pod-7.agents:3000"


async def test_call_start_answers_json_to_whoever_accepts_it(dial: Dial) -> None:
    client = await dial()
    headers = {"Accept": "text/html;q=0.5, application/json; q=0.9"}
    response = await client.get(f"/api/call-start?uuid={A}", headers=headers)
    assert await response.json() == {"uuid": A, "next": "connect", "address": "127.0.0.1:3000"}


async def test_a_reservation_takes_the_slot_with_its_numbers(dial: Dial, pod: FakePod) -> None:
    client = await dial()
    await client.get(f"/api/call-start?uuid={A.upper()}&from=%2B4930%0A%1b5&to={'9' * 1000}")
    (call,) = (await (await client.get("/api/calls")).json())["calls"]
    assert call["uuid"] == A
    assert call["from_number"] == "+49305"
    assert call["to_number"] == "9" * 64
    assert call["erle_db"] is None
    single = await client.get(f"/api/calls/{A}")
    assert await single.json() == call


@pytest.mark.parametrize(
    "query",
    ["", "uuid=", "uuid=1", f"uuid={A}0", f"uuid={{{A}}}", f"uuid={A}%0a", f"uuid={A}&uuid={B}"],
)
@pytest.mark.parametrize("path", ["call-start", "call-next", "call-end"])
async def test_a_bad_uuid_is_refused(dial: Dial, pod: FakePod, path: str, query: str) -> None:
    client = await dial()
    assert "uuid" in await problem(await client.get(f"/api/{path}?{query}"), 400)
    assert pod.registry.present == ()


async def test_a_full_pod_says_when_to_try_again(dial: Dial, pod: FakePod) -> None:
    client = await dial()
    await client.get(f"/api/call-start?uuid={A}")
    pod.now_s = 6.5
    response = await client.get(f"/api/call-start?uuid={B}")
    assert await problem(response, 503) == "all 1 slots are taken"
    assert response.headers["Retry-After"] == "4"


async def test_a_full_or_draining_pod_gives_a_peers_address(dial: Dial, pod: FakePod) -> None:
    peers = FakePeers(room=Next(NextStep.CONNECT, address="10.0.0.2:3000"))
    client = await dial(peers=peers)
    await client.get(f"/api/call-start?uuid={A}")
    assert peers.asked == []
    for path in ("call-start", "call-next"):
        response = await client.get(f"/api/{path}?uuid={B}&from=7")
        assert await response.text() == "10.0.0.2:3000"
    assert peers.asked == [CallInfo(B, "7")] * 2


async def test_peers_that_have_no_room_leave_the_refusal(dial: Dial, pod: FakePod) -> None:
    client = await dial(peers=FakePeers())
    pod.drain()
    response = await client.get(f"/api/call-start?uuid={A}")
    assert "draining" in await problem(response, 503)
    assert response.headers["Retry-After"] == "1"


async def test_peers_that_do_not_answer_are_not_waited_for(
    dial: Dial, pod: FakePod, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "PEERS_DEADLINE_S", 0.01)
    client = await dial(peers=SilentPeers())
    pod.drain()
    assert "draining" in await problem(await client.get(f"/api/call-start?uuid={A}"), 503)
    assert "draining" in await problem(await client.get(f"/api/call-next?uuid={A}"), 503)


async def test_whoever_is_asked_by_a_pod_asks_no_other(dial: Dial, pod: FakePod) -> None:
    peers = FakePeers(
        room=Next(NextStep.CONNECT, address="10.0.0.2:3000"), known={B: Next(NextStep.DONE)}
    )
    client = await dial(peers=peers)
    assert "no call" in await problem(await client.get(f"/api/call-next?uuid={B}&hop=1"), 404)
    pod.drain()
    assert "draining" in await problem(await client.get(f"/api/call-start?uuid={A}&hop=1"), 503)
    assert peers.asked == []


async def test_a_call_that_was_on_another_pod_is_not_begun_anew_here(
    dial: Dial, pod: FakePod
) -> None:
    peers = FakePeers(known={A: Next(NextStep.GOTO, goto="phones,200,1"), B: Next(NextStep.DONE)})
    client = await dial(peers=peers)
    answers = [await (await client.get(f"/api/call-next?uuid={u}")).text() for u in (A, B)]
    assert answers == ["goto phones,200,1", "done"]
    assert pod.registry.present == ()


async def test_a_call_whose_pod_is_gone_goes_on_here(dial: Dial, pod: FakePod) -> None:
    client = await dial(peers=FakePeers())
    response = await client.get(f"/api/call-next?uuid={A}&st=FAILED")
    assert await response.text() == "127.0.0.1:3000"
    assert [call.info.uuid for call in pod.registry.present] == [A]


async def test_a_caller_whom_the_bot_sends_on_is_told_where(dial: Dial, pod: FakePod) -> None:
    client = await dial()
    await client.get(f"/api/call-start?uuid={A}")
    pod.registry.connect(A, 0.0)
    pod.registry.goodbye(A, "phones,200,1")
    for _ in "before and after the end of file":
        response = await client.get(f"/api/call-next?uuid={A}&st=SUCCESS")
        assert await response.text() == "goto phones,200,1"
        pod.registry.finish(A)
    headers = {"Accept": "application/json"}
    document = await (await client.get(f"/api/call-next?uuid={A}", headers=headers)).json()
    assert document == {"uuid": A, "next": "goto", "goto": "phones,200,1"}


async def test_a_call_that_is_connected_is_not_started_twice(dial: Dial, pod: FakePod) -> None:
    client = await dial()
    await client.get(f"/api/call-start?uuid={A}")
    pod.registry.connect(A, 0.0)
    detail = await problem(await client.get(f"/api/call-start?uuid={A}"), 409)
    assert "connected already" in detail


async def test_a_dialplan_that_only_asks_what_is_next_is_served(dial: Dial, pod: FakePod) -> None:
    client = await dial()
    first = await client.get(f"/api/call-next?uuid={A}&try=1&st=START")
    assert await first.text() == "127.0.0.1:3000"
    pod.registry.connect(A, 0.0)
    pod.registry.finish(A)
    lost = await client.get(f"/api/call-next?uuid={A}&try=2&st=FAILED")
    assert await lost.text() == "127.0.0.1:3000"
    pod.registry.connect(A, 0.0)
    pod.registry.goodbye(A)
    pod.registry.finish(A)
    over = await client.get(f"/api/call-next?uuid={A}&try=3&st=SUCCESS")
    assert await over.text() == "done"
    headers = {"Accept": "application/json"}
    as_json = await client.get(f"/api/call-next?uuid={A}", headers=headers)
    assert await as_json.json() == {"uuid": A, "next": "done"}


@pytest.mark.parametrize("path", ["call-start", "call-next", "call-end"])
async def test_a_head_request_changes_nothing(dial: Dial, pod: FakePod, path: str) -> None:
    client = await dial()
    if path == "call-end":
        await client.get(f"/api/call-start?uuid={A}")
    before = pod.registry.present
    assert (await client.head(f"/api/{path}?uuid={A}")).status == 405
    assert pod.registry.present == before


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_call_end_gives_the_slot_back(dial: Dial, pod: FakePod, method: str) -> None:
    client = await dial()
    await client.get(f"/api/call-start?uuid={A}")
    for _ in range(2):
        response = await client.request(method, f"/api/call-end?uuid={A}&cause=16")
        assert (response.status, await response.text()) == (200, "ended")
    assert pod.registry.state(A) is CallState.DONE


async def test_unknown_calls_are_not_found(dial: Dial) -> None:
    client = await dial()
    assert A in await problem(await client.get(f"/api/call-end?uuid={A}"), 404)
    assert A in await problem(await client.get(f"/api/calls/{A}"), 404)
    assert "uuid" in await problem(await client.get("/api/calls/7"), 400)


async def test_which_manifest_is_in_force_can_be_seen(dial: Dial) -> None:
    client = await dial()
    assert (await (await client.get("/api/calls")).json())["manifest"] == {
        "key": "0123456789abcdef",
        "reloads": 2,
        "problem": "capacity: a restart is needed",
    }


async def test_a_pod_that_is_not_well_says_why(dial: Dial, pod: FakePod) -> None:
    pod.trouble = "no tick for 12 s"
    client = await dial()
    assert await problem(await client.get("/livez"), 503) == "no tick for 12 s"


async def test_metrics_are_handed_on_as_they_are(dial: Dial) -> None:
    client = await dial()
    response = await client.get("/metrics")
    assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert await response.read() == b"interject_active_calls 0\n"


async def test_unknown_paths_and_methods_are_problems(dial: Dial) -> None:
    client = await dial()
    assert await problem(await client.get("/api/cals"), 404) == "no such path: /api/cals"
    response = await client.delete("/api/drain")
    assert await problem(response, 405) == "DELETE is not for this path; allowed: GET, POST"
    assert response.headers["Allow"] == "GET,POST"


async def test_a_fault_in_the_pod_is_one_requests_problem(
    dial: Dial, pod: FakePod, caplog: pytest.LogCaptureFixture
) -> None:
    def fault() -> str:
        raise ZeroDivisionError("secret")

    pod.liveness_error = fault  # type: ignore[method-assign]
    client = await dial()
    assert "secret" not in await problem(await client.get("/livez"), 500)
    assert "fault in GET /livez" in caplog.text
    assert (await client.get("/readyz")).status == 200


async def test_bodies_are_ignored_whatever_they_hold(dial: Dial) -> None:
    client = await dial()
    response = await client.post("/api/drain", data=b"\xff" * 100_000)
    assert response.status == 202


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.sampled_from(["call-start", "call-next", "call-end", "calls", "calls/x"]),
    query=st.dictionaries(
        st.sampled_from(["uuid", "from", "to", "try", "st", "cause"]) | st.text(max_size=5),
        st.just(A) | st.text(max_size=20),
        max_size=5,
    ),
)
async def test_junk_never_is_a_fault(path: str, query: dict[str, str]) -> None:
    async with TestClient(TestServer(make_app(FakePod()))) as client:
        response = await client.get(f"/api/{path}", params=query)
        assert response.status in (200, 400, 404, 503)
        if response.status != 200:
            assert await problem(response, response.status)


def test_json_has_null_for_what_is_not_known() -> None:
    view = CallView(A, 0, "connected", "", "", 1.0, delay_ms=math.nan, erle_db=12.5)
    assert view.as_json()["delay_ms"] is None
    assert view.as_json()["erle_db"] == 12.5
    json.dumps(view.as_json(), allow_nan=False)
