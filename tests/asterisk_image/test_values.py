"""Values: defaults, and the error message of each invalid value."""

import re
from typing import Any

import pytest
from documents import account, phone, trunk, values
from pydantic.fields import FieldInfo

from asterisk_config.render import fields
from asterisk_config.values import Values, load_values
from media_pod.manifest.validation import SpecError


def problem(**document: Any) -> str:
    """The only line of the error message, without its source."""
    with pytest.raises(SpecError) as caught:
        load_values(document, "values.yaml")
    (line,) = str(caught.value).splitlines()
    assert line.startswith("values.yaml: ")
    return line.removeprefix("values.yaml: ")


def test_an_empty_document_gets_the_documented_defaults() -> None:
    assert values().model_dump(by_alias=True) == {
        "api": ("127.0.0.1:1650",),
        "agents": (
            {
                "name": "agent",
                "extensions": ("100",),
                "api": None,
                "transport": "audioSocket",
                "rateHz": 8000,
                "dialplan": "failover",
                "audioSocket": None,
                "jitterBuffer": None,
                "transfers": (),
                "fallback": None,
            },
        ),
        "published": False,
        "transferPlaces": (),
        "phones": (),
        "queues": (),
        "trunks": (),
        "codecs": ("ulaw", "alaw", "g722"),
        "sip": {
            "bindHost": "0.0.0.0",
            "port": 5060,
            "transports": ("udp", "tcp"),
            "tls": None,
            "externalAddress": "",
            "localNetworks": ("10.0.0.0/8", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
            "anonymous": False,
        },
        "rtp": {"firstPort": 10000, "lastPort": 10199},
        "timeouts": {
            "connectSeconds": 0.5,
            "requestSeconds": 1.5,
            "tries": 3,
            "pauseSeconds": 0.2,
            "connections": 4,
            "lastedSeconds": 10,
            "ringSeconds": 30,
        },
        "fallback": {"kind": "hangup"},
        "metricsPort": None,
        "maxCalls": None,
        "maxFiles": None,
        "logLevel": "notice",
        "drainSeconds": 900,
    }


@pytest.mark.parametrize(("path", "field"), list(fields(Values)))
def test_every_field_is_described_with_its_unit_and_its_default(
    path: str, field: FieldInfo
) -> None:
    assert field.description, path
    name = path.rsplit(".", 1)[-1]
    for suffix, unit in {"Seconds": "seconds", "Hz": "Hz"}.items():
        if name.endswith(suffix):
            assert re.search(rf"\b{unit}\b", field.description), path
    says = "No default" if field.is_required() else "Default"
    groups = ("sip", "rtp", "timeouts")
    if "kind: " not in path and path not in groups:
        assert says in field.description, path


TLS = {"certificate": "/etc/interject/tls/tls.crt", "key": "/etc/interject/tls/tls.key"}
HAND_OVER = {"agents": [{"name": "a", "transfers": ["interject-phones,602,1"]}]}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (
            {"api": ["pod"]},
            (
                "api[0]: found 'pod'; allowed: HOST:PORT, such as 10.0.0.5:1650, "
                "an IPv6 address in brackets"
            ),
        ),
        ({"api": ["pod:0"]}, "api[0]: found port 0; allowed: a port from 1 to 65535"),
        ({"api": []}, "api: found a list of 0 items; allowed: a list of 1 to 8 items"),
        (
            {"agents": [{"name": "a", "rateHz": 44100}]},
            "agents[0].rateHz: found 44100; allowed: 8000, 16000",
        ),
        (
            {"agents": [{"name": "a", "api": ["pod"]}]},
            (
                "agents[0].api[0]: found 'pod'; allowed: HOST:PORT, such as "
                "10.0.0.5:1650, an IPv6 address in brackets"
            ),
        ),
        (
            {"agents": [{"name": "a", "fallback": {"kind": "message", "sound": "a b"}}]},
            (
                "agents[0].fallback.sound: found 'a b'; allowed: the name of a sound file without "
                "its extension, such as vm-goodbye or custom/closed"
            ),
        ),
        (
            {"agents": [{"name": "a", "fallback": {"kind": "quue"}}]},
            (
                "agents[0].fallback.kind: found 'quue'; allowed: hangup, extension, queue, "
                "message; did you mean queue?"
            ),
        ),
        (
            {"agents": [{"name": "a", "dialplan": "seed", "rateHz": 16000}]},
            (
                "agents[0]: found dialplan seed with audioSocket at 16000 Hz; allowed: seed with "
                "audioSocket at 8000 Hz, or failover"
            ),
        ),
        (
            {"agents": [{"name": "a", "audioSocket": "pod:3000"}]},
            "agents[0]: found audioSocket with dialplan failover; allowed: with dialplan seed",
        ),
        (
            {"agents": [{"name": "a"}, {"name": "a"}]},
            "the document: agents: found a 2 times; allowed: unique values",
        ),
        (
            {"agents": [{"name": "phones"}]},
            (
                "the document: agents: found the name phones; "
                "allowed: names that no other context uses"
            ),
        ),
        (
            HAND_OVER,
            (
                "the document: transfers of a: found interject-phones,602; allowed there: nothing, "
                "because there are no numbers"
            ),
        ),
        (
            HAND_OVER | {"phones": [phone()]},
            "the document: transfers of a: found interject-phones,602; allowed there: 601",
        ),
        (
            {"fallback": {"kind": "extension", "destination": "default,1,1"}},
            (
                "the document: fallback: found the context default; allowed: interject-phones, "
                "interject-queues"
            ),
        ),
        (
            {"fallback": {"kind": "extension", "destination": "interject-agents,100,1"}},
            (
                "the document: fallback: found the context interject-agents; allowed: "
                "interject-phones, interject-queues"
            ),
        ),
        (
            {"agents": [{"name": "a", "transfers": ["interject-agents,100,2"]}]},
            "the document: transfers of a: found interject-agents,100,2; allowed: priority 1",
        ),
        (
            {"agents": []},
            "the document: found no agents; allowed: at least one agent, or published: true",
        ),
        (
            {"agents": [{"name": "ns_a"}]},
            "the document: agents: found the name ns_a; allowed: names that no other context uses",
        ),
        (
            {"agents": [{"name": "call-audiosocket-8000"}]},
            (
                "the document: agents: found the name call-audiosocket-8000; "
                "allowed: names that no other context uses"
            ),
        ),
        (
            {"agents": [{"name": "from-phones"}]},
            (
                "the document: agents: found the name from-phones; allowed: names that no other "
                "context uses"
            ),
        ),
        (
            {"phones": [phone()], "queues": [{"name": "general", "members": ["601"]}]},
            "the document: queues: found general; allowed: names that are not reserved by Asterisk",
        ),
        (
            {"sip": {"transports": ["udp", "udp"]}},
            "the document: transports: found udp 2 times; allowed: unique values",
        ),
        (
            {"fallback": {"kind": "queue", "queue": "sales"}},
            (
                "the document: fallback: found the queue sales; "
                "allowed: nothing, because there are no queues"
            ),
        ),
        (
            {"phones": [phone(extension="100")]},
            "the document: extensions: found 100 2 times; allowed: unique values",
        ),
        (
            {"phones": [phone("bob")]},
            "phones[0]: found bob without extension; allowed: a numeric name, or an extension",
        ),
        (
            {"phones": [phone("global", extension="601")]},
            (
                "the document: phones and trunks: found global; allowed: names that are not "
                "reserved by Asterisk"
            ),
        ),
        (
            {"phones": [{"name": "601", "password": {"value": "x y z secret"}}]},
            (
                "phones[0].password.value: found an invalid password of 12 characters; "
                "allowed: 1 to 128 printable ASCII characters without spaces"
            ),
        ),
        (
            {"phones": [{"name": "601", "password": {}}]},
            "phones[0].password: found no source; allowed: exactly one of value, env, file",
        ),
        (
            {"queues": [{"name": "sales", "members": ["601"]}]},
            (
                "the document: queues: found the member 601; "
                "allowed: nothing, because there are no phones"
            ),
        ),
        (
            {"trunks": [trunk(agent="desk")]},
            "the document: trunks: found the agent desk; allowed: agent",
        ),
        (
            {"trunks": [trunk(user="me")]},
            (
                "trunks[0]: found an incomplete account; allowed: both user and password, or "
                "neither of them and register: false"
            ),
        ),
        (
            {"rtp": {"firstPort": 10000, "lastPort": 10000}},
            "rtp: found ports 10000 to 10000; allowed: lastPort greater than firstPort",
        ),
        (
            {"sip": {"port": 10050}},
            "the document: sip.port: found 10050 in the range of rtp; allowed: a port outside it",
        ),
        (
            {"sip": {"tls": {"certificate": "tls.crt", "key": "/k"}}},
            (
                "sip.tls.certificate: found 'tls.crt'; allowed: an absolute path without spaces "
                "and semicolons, such as /etc/interject/tls/tls.crt"
            ),
        ),
        (
            {"sip": {"tls": {"certificate": "/c"}}},
            (
                "sip.tls.key: missing; allowed: an absolute path without spaces and semicolons, "
                "such as /etc/interject/tls/tls.crt"
            ),
        ),
        (
            {"sip": {"tls": TLS | {"port": 5060}}},
            "sip: found port 5060 for both tcp and tls; allowed: different ports",
        ),
        (
            {"sip": {"transports": []}},
            "sip: found neither transports nor tls; allowed: at least one transport",
        ),
        (
            {"phones": [phone(encryption="sdes")]},
            (
                "phones[0]: found encryption sdes with no transport, which would send the SRTP "
                "keys in clear text; allowed: sdes with transport tls"
            ),
        ),
        (
            {"trunks": [trunk(encryption="sdes", transport="tcp")]},
            (
                "trunks[0]: found encryption sdes with transport tcp, which would send the SRTP "
                "keys in clear text; allowed: sdes with transport tls"
            ),
        ),
        (
            {"phones": [phone(encryption="dtls", transport="tls")]},
            "phones[0].encryption: found 'dtls'; allowed: none, sdes",
        ),
        (
            {"phones": [phone(transport="tls")]},
            "the document: 601: found transport tls, but sip.tls is not set; allowed: udp, tcp",
        ),
        (
            {"trunks": [trunk(transport="tcp")], "sip": {"transports": ["udp"]}},
            (
                "the document: acme: found transport tcp, but it is not in sip.transports; "
                "allowed: udp"
            ),
        ),
        (
            {"sip": {"tls": TLS}, "metricsPort": 5061},
            (
                "the document: metricsPort: found 5061, the same as sip.tls.port; "
                "allowed: another port"
            ),
        ),
        (
            {"metricsPort": 0},
            "metricsPort: found 0; allowed: a whole number 1 to 65535",
        ),
        (
            {"metricsPort": 5060},
            ("the document: metricsPort: found 5060, the same as sip.port; allowed: another port"),
        ),
        (
            {"agnets": []},
            (
                "agnets: unknown key; allowed here: api, agents, published, transferPlaces, "
                "phones, queues, trunks, codecs, sip, rtp, timeouts, fallback, metricsPort, "
                "maxCalls, maxFiles, logLevel, drainSeconds; did you mean agents?"
            ),
        ),
    ],
)
def test_an_invalid_value_is_reported_with_path_and_allowed_values(
    document: dict[str, Any], expected: str
) -> None:
    assert problem(**document) == expected


@pytest.mark.parametrize(
    "extension",
    ["_.", "_!", "_X.Y", "10 0", "1,1", "100\n", "[x]", "${EXTEN}", "1;2", "", "s", "_", "1&2"],
)
def test_dialplan_syntax_in_an_extension_is_rejected(extension: str) -> None:
    line = problem(agents=[{"name": "a", "extensions": [extension]}])
    assert line.startswith("agents[0].extensions[0]: found ")


@pytest.mark.parametrize("extension", ["100", "*98", "+302101234", "_3069X.", "_2[2-5]XX", "_NXX!"])
def test_numbers_and_patterns_are_valid(extension: str) -> None:
    taken = values(agents=[{"name": "a", "extensions": [extension]}])
    assert taken.agents[0].extensions == (extension,)


def test_transfers_can_go_to_phones_queues_and_agents() -> None:
    places = ["interject-phones,601,1", "interject-queues,q,1", "interject-agents,306912,1"]
    taken = values(
        phones=[phone()],
        queues=[{"name": "q", "members": ["601"]}],
        agents=[{"name": "a", "extensions": ["_3069X."], "transfers": places}],
    )
    assert list(taken.agents[0].transfers) == places


def test_repr_does_not_contain_a_password() -> None:
    assert "secret" not in repr(values(phones=[phone()], trunks=[account()]))


def test_with_published_agents_the_list_can_be_empty() -> None:
    assert values(agents=[], published=True).agents == ()


def test_a_transfer_can_refer_to_the_number_of_a_published_agent() -> None:
    transfers = {"agents": [{"name": "a", "transfers": ["interject-agents,555,1"]}]}
    assert values(**transfers, published=True).published
    assert "interject-agents,555" in problem(**transfers)
