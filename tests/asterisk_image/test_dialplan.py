"""extensions.conf: permissions, and the call of each kind of agent."""

import json
import re
from typing import Any

import pytest
from asterisk_parser import section, sections
from documents import phone, trunk, values

from asterisk_config.agent_values import DialplanAgent, Timeouts
from asterisk_config.dialplan import agent_context, dial_web_socket, extensions

ADDRESS = "10.0.0.5:3001"


def lines(name: str, **document: Any) -> list[str]:
    """The values of the lines in one context."""
    return [value for _, value in section(extensions(values(**document)), name).lines]


def agent(**more: Any) -> dict[str, Any]:
    return {"agents": [{"name": "desk", "extensions": ["100"], **more}]}


def applications(**more: Any) -> list[str]:
    """The applications of an agent's context, without the priorities."""
    return [line.split(",", 1)[-1] for line in lines("interject-desk", **agent(**more))]


def test_a_number_reaches_its_agent_with_the_called_number() -> None:
    assert lines("interject-agents", **agent(extensions=["100", "_3069X."])) == [
        "100,1,Set(INTERJECT_TO=${EXTEN})",
        "n,Goto(interject-desk,enter,1)",
        "_3069X.,1,Set(INTERJECT_TO=${EXTEN})",
        "n,Goto(interject-desk,enter,1)",
    ]


def test_phones_reach_phones_queues_and_agents_in_this_order_and_nothing_else() -> None:
    """A pattern of an agent, such as _X., must not hide a phone."""
    text = extensions(values(phones=[phone()], queues=[{"name": "q", "members": ["601"]}]))
    assert section(text, "interject-from-phones").all("include") == [
        "interject-phones",
        "interject-queues",
        "interject-agents",
    ]


def test_a_phone_rings_until_the_timeout_and_then_the_call_ends() -> None:
    document = {
        "phones": [phone("bob", extension="602")],
        "timeouts": {"ringSeconds": 20},
    }
    assert lines("interject-phones", **document) == ["602,1,Dial(PJSIP/bob,20)", "n,Hangup()"]


def test_a_queue_is_reached_by_name_and_by_number() -> None:
    document = {
        "phones": [phone()],
        "queues": [{"name": "sales", "extension": "700", "members": ["601"], "waitSeconds": 60}],
    }
    assert lines("interject-queues", **document) == [
        "700,1,Goto(sales,1)",
        "sales,1,Queue(sales,r,,,60)",
        "n,Hangup()",
    ]


def test_a_trunk_with_an_agent_has_a_context_that_takes_every_number() -> None:
    document = {**agent(), "trunks": [trunk(agent="desk"), trunk("other")]}
    found = lines("interject-from-acme", **document)
    assert found[::2] == [
        "_X!,1,Set(INTERJECT_TO=${EXTEN})",
        "_+X!,1,Set(INTERJECT_TO=${EXTEN})",
        "s,1,Set(INTERJECT_TO=${EXTEN})",
    ]
    assert set(found[1::2]) == {"n,Goto(interject-desk,enter,1)"}
    assert not sections(extensions(values(**document)), "interject-from-other")


def test_a_call_tries_every_address_at_least_once() -> None:
    apis = [f"10.0.0.{n}:1650" for n in range(1, 6)]
    found = applications(api=apis)
    assert f"1,Set(INTERJECT_APIS={'&'.join(apis)})" in found
    assert "Set(INTERJECT_TRIES=5)" in found


def test_failure_codes_are_set_right_before_every_request() -> None:
    """func_curl resets them after each request."""
    found = applications()
    (question,) = [n for n, line in enumerate(found) if "/api/${INTERJECT_QUESTION}" in line]
    assert found[question - 1].startswith("Set(CURLOPT(failurecodes)=400,")


@pytest.mark.parametrize(
    ("more", "connect", "status"),
    [
        ({}, "TryExec(AudioSocket(${INTERJECT_UUID},${INTERJECT_ANSWER}))", "${TRYSTATUS}"),
        (
            {"rateHz": 16000},
            "Dial(AudioSocket/${INTERJECT_ANSWER}/${INTERJECT_UUID}/c(slin16),,g)",
            "${DIALSTATUS}",
        ),
        (
            {"transport": "webSocket"},
            "Dial(WebSocket/${INTERJECT_ANSWER}/c(slin)f(json)v(uuid=${INTERJECT_UUID}),,g)",
            "${DIALSTATUS}",
        ),
    ],
)
def test_the_connection_matches_transport_and_rate(
    more: dict[str, Any], connect: str, status: str
) -> None:
    found = applications(**more)
    at = found.index(connect)
    assert found[at + 1] == f"Set(INTERJECT_STATUS={status})"


def test_after_a_connection_the_next_request_follows_without_a_pause() -> None:
    found = applications()
    at = found.index("TryExec(AudioSocket(${INTERJECT_UUID},${INTERJECT_ANSWER}))")
    after = found[at + 1 : at + 6]
    assert after[-1] == "Goto(question)"
    assert not any("Wait" in line for line in after)


def test_a_call_is_answered_between_its_reservation_and_its_first_connection() -> None:
    found = applications()
    (asked,) = [n for n, line in enumerate(found) if "/api/${INTERJECT_QUESTION}" in line]
    connected = found.index("TryExec(AudioSocket(${INTERJECT_UUID},${INTERJECT_ANSWER}))")
    assert asked < found.index("Answer()") < connected


def test_transfer_destinations_are_compared_literally_one_per_line() -> None:
    places = ["interject-agents,100,1", "interject-phones,601,1"]
    document = {**agent(transfers=places), "phones": [phone()]}
    found = [line for line in lines("interject-desk", **document) if "?allowed" in line]
    assert found == [f'n,GotoIf($["${{INTERJECT_PLACE}}" = "{place}"]?allowed)' for place in places]


@pytest.mark.parametrize(
    ("buffer", "expected"),
    [("adaptive", ["Set(JITTERBUFFER(adaptive)=default)"]), ("off", []), (None, [])],
)
def test_a_jitter_buffer_is_set_if_configured(buffer: str | None, expected: list[str]) -> None:
    found = applications(**({"jitterBuffer": buffer} if buffer else {}))
    assert [line for line in found if "JITTERBUFFER" in line] == expected


@pytest.mark.parametrize(
    ("fallback", "expected"),
    [
        ({"kind": "hangup"}, ["fallback,1,Hangup(42)"]),
        (
            {"kind": "extension", "destination": "interject-phones,601,1"},
            ["fallback,1,Goto(interject-phones,601,1)"],
        ),
        (
            {"kind": "queue", "queue": "sales"},
            ["fallback,1,Answer()", "n,Goto(interject-queues,sales,1)"],
        ),
        (
            {"kind": "message", "sound": "vm-goodbye"},
            ["fallback,1,Playback(vm-goodbye)", "n,Hangup()"],
        ),
    ],
)
def test_a_call_that_no_pod_accepts_goes_to_the_fallback(
    fallback: dict[str, str], expected: list[str]
) -> None:
    document = {
        **agent(),
        "fallback": fallback,
        "phones": [phone()],
        "queues": [{"name": "sales", "members": ["601"]}],
    }
    found = lines("interject-desk", **document)
    assert found[-len(expected) :] == expected


def test_an_agents_own_fallback_takes_precedence() -> None:
    own = {"kind": "message", "sound": "vm-goodbye"}
    assert "fallback,1,Playback(vm-goodbye)" in lines("interject-desk", **agent(fallback=own))


def test_the_seed_dialplan_is_the_common_one() -> None:
    document = {"agents": [{"name": "desk", "dialplan": "seed", "api": ["pod:1650"]}]}
    assert lines("interject-desk", **document) == [
        "s,1,Set(UUID=${UUID()})",
        'n,System(curl -gsfm 2 "http://pod:1650/api/call-start?uuid=${UUID}")',
        'n,ExecIf($["${SYSTEMSTATUS}" != "SUCCESS"]?Hangup(42))',
        "n,Answer()",
        "n,Set(JITTERBUFFER(adaptive)=default)",
        "n,AudioSocket(${UUID},pod:3000)",
        "n,Hangup()",
        "enter,1,Goto(s,1)",
    ]


def test_the_dialplan_of_an_agent_is_complete_for_any_asterisk() -> None:
    """As the operator renders it: transfers to contexts of another dialplan, and no values."""
    agent = DialplanAgent(name="desk", transfers=("sales,7000,1",))
    text = agent_context(agent, ("pod:1650",), Timeouts(), context="from-voice")
    context = section(text, "from-voice")
    assert "s,1,Set(INTERJECT_APIS=pod:1650)" in context.all("exten")
    assert "interject-desk" not in text
    assert '"${INTERJECT_PLACE}" = "sales,7000,1"' in text


def test_the_dialled_connection_is_the_written_one() -> None:
    wide = DialplanAgent(name="a", transport="webSocket", rate_hz=16000)
    lines = dial_web_socket(wide, Timeouts(connect_seconds=0.25)).replace(
        "${INTERJECT_ANSWER}", ADDRESS
    )
    write, call = lines.split("\n same => n,")

    written = re.fullmatch(r"Set\(DB\(interject/websocket_client/(.+?)\)=(.+)\)", write)
    assert written and written[1] == ADDRESS
    assert json.loads(written[2]) == {
        "uri": f"ws://{ADDRESS}/",
        "protocols": "media",
        "connection_type": "per_call_config",
        "connection_timeout": "250",
        "reconnect_attempts": "1",
    }
    assert call == f"Dial(WebSocket/{ADDRESS}/c(slin16)f(json)v(uuid=${{INTERJECT_UUID}}),,g)"
