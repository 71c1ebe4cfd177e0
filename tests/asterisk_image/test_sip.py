"""pjsip.conf and rtp.conf: authentication, transports, advertised addresses."""

from typing import Any

import pytest
from asterisk_parser import Parsed, parse, section
from documents import account, phone, trunk, values

from asterisk_config.sip import files


def pjsip(**document: Any) -> str:
    return files(values(**document))["pjsip.conf"]


def of_type(text: str, kind: str) -> list[Parsed]:
    return [found for found in parse(text) if ("type", kind) in found.lines]


def test_without_phones_and_trunks_all_calls_are_rejected() -> None:
    assert of_type(pjsip(), "endpoint") == []
    assert section(pjsip(), "global")["endpoint_identifier_order"] == "ip,username"


def test_unauthenticated_callers_reach_agents_if_enabled() -> None:
    text = pjsip(sip={"anonymous": True})
    assert section(text, "anonymous")["context"] == "interject-agents"
    assert section(text, "global")["endpoint_identifier_order"].endswith(",anonymous")


def test_every_phone_must_authenticate() -> None:
    text = pjsip(phones=[phone(), phone("bob", extension="602")])
    for endpoint in of_type(text, "endpoint"):
        auth = section(text, endpoint["auth"], "auth")
        assert (auth["username"], auth["password"]) == (endpoint.name, "secret")
        assert endpoint["context"] == "interject-from-phones"
        assert section(text, endpoint["aors"], "aor")["max_contacts"] == "1"


def test_a_phone_can_be_limited_to_its_networks() -> None:
    text = pjsip(phones=[phone(permit=["192.0.2.0/24", "198.51.100.7"]), phone("602")])
    limited, free = (section(text, name, "endpoint") for name in ("601", "602"))
    assert limited.all("deny") == ["0.0.0.0/0.0.0.0", "::/0"]
    assert limited.all("permit") == ["192.0.2.0/24", "198.51.100.7"]
    assert free.all("deny") == free.all("permit") == []


def test_a_trunk_is_identified_by_address_only() -> None:
    text = pjsip(trunks=[trunk(match=["192.0.2.0/24", "198.51.100.7"]), trunk("other")])
    for endpoint in of_type(text, "endpoint"):
        assert endpoint["identify_by"] == "ip"
    assert section(text, "acme", "identify").all("match") == ["192.0.2.0/24", "198.51.100.7"]
    assert section(text, "other", "identify").all("match") == ["sip.example.com"]
    assert of_type(text, "auth") == of_type(text, "registration") == []


def test_a_trunk_with_an_account_registers_if_configured() -> None:
    text = pjsip(trunks=[account(register=True, port=5080, transport="tcp")])
    registration = section(text, "acme", "registration")
    assert registration["server_uri"] == "sip:sip.example.com:5080;transport=tcp"
    assert registration["client_uri"] == "sip:me@sip.example.com:5080;transport=tcp"
    assert registration["transport"] == "transport-tcp"
    assert section(text, "acme", "auth")["username"] == "me"


@pytest.mark.parametrize(
    ("agent", "context"), [("agent", "interject-from-acme"), (None, "interject-agents")]
)
def test_a_trunks_calls_go_to_its_agent_or_by_their_number(agent: str | None, context: str) -> None:
    text = pjsip(trunks=[trunk(agent=agent)])
    assert section(text, "acme", "endpoint")["context"] == context


def test_codecs_of_a_peer_override_the_global_ones() -> None:
    text = pjsip(
        codecs=["alaw"], phones=[phone(), phone("602", codecs=["g722", "ulaw"])], trunks=[trunk()]
    )
    allowed = {found.name: found["allow"] for found in of_type(text, "endpoint")}
    assert allowed == {"601": "alaw", "602": "g722,ulaw", "acme": "alaw"}


def test_the_external_address_is_advertised_except_to_local_networks() -> None:
    text = pjsip(sip={"externalAddress": "198.51.100.7", "localNetworks": ["10.0.0.0/8"]})
    for transport in of_type(text, "transport"):
        assert transport["external_media_address"] == "198.51.100.7"
        assert transport["external_signaling_address"] == "198.51.100.7"
        assert transport.all("local_net") == ["10.0.0.0/8"]
    assert "local_net" not in pjsip()


def test_every_transport_listens_at_the_same_place() -> None:
    text = pjsip(sip={"bindHost": "127.0.0.1", "port": 26060})
    assert {t["protocol"]: t["bind"] for t in of_type(text, "transport")} == {
        "udp": "127.0.0.1:26060",
        "tcp": "127.0.0.1:26060",
    }


TLS = {"certificate": "/tls/tls.crt", "key": "/tls/tls.key"}


def test_tls_listens_at_its_own_port_with_its_files() -> None:
    text = pjsip(sip={"bindHost": "127.0.0.1", "tls": TLS})
    tls = section(text, "transport-tls")
    assert (tls["protocol"], tls["bind"]) == ("tls", "127.0.0.1:5061")
    assert (tls["cert_file"], tls["priv_key_file"]) == ("/tls/tls.crt", "/tls/tls.key")
    assert len(of_type(text, "transport")) == 3


def test_tls_can_be_the_only_transport() -> None:
    text = pjsip(sip={"transports": [], "tls": TLS})
    assert [found.name for found in of_type(text, "transport")] == ["transport-tls"]


def test_the_certificate_of_a_trunk_is_verified() -> None:
    text = pjsip(sip={"tls": TLS}, trunks=[account(register=True, transport="tls")])
    tls = section(text, "transport-tls")
    assert tls["verify_server"] == "yes"
    assert tls["ca_list_file"] == "/etc/ssl/certs/ca-certificates.crt"
    registration = section(text, "acme", "registration")
    assert registration["server_uri"] == "sip:sip.example.com:5061;transport=tls"
    assert section(text, "acme", "aor")["contact"] == registration["server_uri"]
    assert section(text, "acme", "endpoint")["transport"] == "transport-tls"
    assert "verify_server" not in pjsip(sip={"tls": TLS}, trunks=[trunk()])


def test_media_encryption_is_set_for_peers_that_request_it() -> None:
    text = pjsip(
        sip={"tls": TLS},
        phones=[phone(transport="tls", encryption="sdes"), phone("602")],
        trunks=[trunk(transport="tls", encryption="sdes")],
    )
    encrypted = {
        found.name: (found["media_encryption"], found["transport"])
        for found in of_type(text, "endpoint")
        if "media_encryption" in dict(found.lines)
    }
    assert encrypted == {
        "601": ("sdes", "transport-tls"),
        "acme": ("sdes", "transport-tls"),
    }


def test_media_stay_within_their_ports() -> None:
    general = section(
        files(values(rtp={"firstPort": 26100, "lastPort": 26199}))["rtp.conf"], "general"
    )
    assert (general["rtpstart"], general["rtpend"]) == ("26100", "26199")
