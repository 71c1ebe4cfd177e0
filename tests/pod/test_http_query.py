"""What a dialplan sends in a query string: variables of the call, bounded and printable."""

import string
from urllib.parse import quote

import pytest
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st

from media_pod.calls.answers import Next, NextStep
from media_pod.dialogues.ports import CallInfo
from media_pod.pod.http.query import MAX_VALUE, MAX_VARIABLES, call_info
from pod.http_doubles import A, B, Dial, FakePeers, FakePod, dial, pod

__all__ = ["dial", "pod"]


def variables(query: str) -> dict[str, str]:
    request = make_mocked_request("GET", f"/api/call-start?uuid={A}&{query}")
    return dict(call_info(request).variables)


def test_variables_of_a_call_are_named_and_the_rest_is_the_dialplans_own() -> None:
    assert variables("var.name=Ann%20Lee&var.order=42&name=x&VAR.no=1&var=2") == {
        "name": "Ann Lee",
        "order": "42",
    }


def test_of_a_variable_that_is_there_twice_the_first_counts() -> None:
    assert variables("var.a=1&var.a=2") == {"a": "1"}


@pytest.mark.parametrize("name", ["", "1a", "a b", "a-b", "a%0a", "a.b", "%C3%A9", "x" * 65])
def test_a_name_that_no_manifest_can_declare_is_left_out(name: str) -> None:
    assert variables(f"var.{name}=1&var.a=2") == {"a": "2"}


def test_there_are_at_most_so_many_of_so_many_characters() -> None:
    query = "&".join(f"var.v{number}={'9' * (MAX_VALUE + 1)}" for number in range(60))
    found = variables(query)
    assert list(found) == [f"v{number}" for number in range(MAX_VARIABLES)]
    assert set(found.values()) == {"9" * MAX_VALUE}


@given(st.text(max_size=600))
def test_only_what_prints_is_kept(value: str) -> None:
    try:
        sent = quote(value, safe="")
    except UnicodeEncodeError:
        sent = quote(value, safe="", errors="replace")
    found = variables(f"var.a={sent}")["a"]
    assert found.isprintable()
    assert len(found) <= MAX_VALUE
    kept = "".join(sign for sign in value if sign in string.ascii_letters)[:MAX_VALUE]
    assert len(value) > MAX_VALUE or kept == "".join(
        sign for sign in found if sign in string.ascii_letters
    )


async def test_a_reservation_keeps_its_variables(dial: Dial, pod: FakePod) -> None:
    client = await dial()
    await client.get(f"/api/call-start?uuid={A}&var.name=Ann")
    await client.get(f"/api/call-start?uuid={A}")
    (call,) = pod.registry.present
    assert call.info.variables == {"name": "Ann"}


async def test_a_peer_is_told_the_variables(dial: Dial, pod: FakePod) -> None:
    peers = FakePeers(room=Next(NextStep.CONNECT, address="10.0.0.2:3000"))
    client = await dial(peers=peers)
    await client.get(f"/api/call-start?uuid={A}")
    await client.get(f"/api/call-start?uuid={B}&var.name=Ann")
    assert peers.asked == [CallInfo(B, variables={"name": "Ann"})]
