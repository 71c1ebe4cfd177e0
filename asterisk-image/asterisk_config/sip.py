"""pjsip.conf and rtp.conf: SIP transports, endpoints of phones and trunks, RTP ports."""

from collections.abc import Iterator

from asterisk_config.conf import Section, conf, section
from asterisk_config.dialplan import FROM_PHONES, inbound_context
from asterisk_config.number_plan import AGENTS
from asterisk_config.sip_values import Codec, Password, PhoneEndpoint, Tls, Transport, Trunk
from asterisk_config.values import Values

_NAT = {
    "direct_media": False,  # the agent only receives audio that passes through Asterisk
    "rtp_symmetric": True,
    "force_rport": True,
    "rewrite_contact": True,
}
EVERYONE = ("0.0.0.0/0.0.0.0", "::/0")
"""Networks of an access list."""
_QUALIFY_S = 60
"""Seconds between OPTIONS requests to a peer: detects its state and keeps NAT mappings open."""


def files(values: Values) -> dict[str, str]:
    """pjsip.conf and rtp.conf."""
    ports = section("general", rtpstart=values.rtp.first_port, rtpend=values.rtp.last_port)
    return {
        "pjsip.conf": conf("SIP: transports, phones, trunks.", _sections(values)),
        "rtp.conf": conf("RTP ports.", [ports]),
    }


def _sections(values: Values) -> Iterator[Section]:
    order = "ip,username,anonymous" if values.sip.anonymous else "ip,username"
    yield section("global", type="global", user_agent="Interject", endpoint_identifier_order=order)
    for transport in values.sip.listening:
        yield _transport(values, transport)
    if values.sip.anonymous:
        yield section("anonymous", *_endpoint(AGENTS, values.codecs))
    for phone in values.phones:
        yield from _phone(phone, values.codecs)
    for trunk in values.trunks:
        yield from _trunk(trunk, values)


def _transport(values: Values, transport: Transport) -> Section:
    sip = values.sip
    outside = sip.external_address or None
    networks = sip.local_networks if outside else ()
    tls = sip.tls if transport == "tls" else None
    return section(
        _name(transport),
        ("type", "transport"),
        ("protocol", transport),
        ("bind", f"{sip.bind_host}:{tls.port if tls else sip.port}"),
        *(_secured(tls, values) if tls else ()),
        ("external_media_address", outside),
        ("external_signaling_address", outside),
        *(("local_net", network) for network in networks),
    )


def _secured(tls: Tls, values: Values) -> Iterator[tuple[str, object]]:
    yield "cert_file", tls.certificate
    yield "priv_key_file", tls.key
    # TLS 1.2 and 1.3 with Debian's OpenSSL. Without this option, PJSIP only supports TLS 1.0.
    yield "method", "sslv23"
    if any(trunk.transport == "tls" for trunk in values.trunks):
        yield "ca_list_file", tls.authorities
        yield "verify_server", True


def _name(transport: Transport) -> str:
    return f"transport-{transport}"


def _endpoint(context: str, codecs: tuple[Codec, ...]) -> tuple[tuple[str, object], ...]:
    return (
        ("type", "endpoint"),
        ("context", context),
        ("disallow", "all"),
        ("allow", ",".join(codecs)),
        *_NAT.items(),
    )


def _phone(phone: PhoneEndpoint, codecs: tuple[Codec, ...]) -> Iterator[Section]:
    yield section(
        phone.name,
        *_endpoint(FROM_PHONES, phone.codecs or codecs),
        *_encrypted(phone),
        *_permitted(phone),
        ("transport", _name(phone.transport) if phone.transport else None),
        auth=phone.name,
        aors=phone.name,
        callerid=f"<{phone.number}>",
    )
    yield _account(phone.name, phone.name, phone.password)
    yield section(
        phone.name,
        type="aor",
        max_contacts=1,
        remove_existing=True,
        qualify_frequency=_QUALIFY_S,
    )


def _trunk(trunk: Trunk, values: Values) -> Iterator[Section]:
    uri = _uri(trunk, "")
    transport = _name(trunk.transport)
    account = trunk.name if trunk.user else None
    yield section(
        trunk.name,
        *_endpoint(inbound_context(trunk), trunk.codecs or values.codecs),
        *_encrypted(trunk),
        aors=trunk.name,
        transport=transport,
        outbound_auth=account,
        from_user=trunk.user,
        identify_by="ip",  # the From header is not authenticated
    )
    yield section(trunk.name, type="aor", contact=uri, qualify_frequency=_QUALIFY_S)
    matches = trunk.match or (trunk.host,)
    yield section(
        trunk.name,
        ("type", "identify"),
        ("endpoint", trunk.name),
        *(("match", address) for address in matches),
    )
    if trunk.user is not None and trunk.password is not None:
        yield _account(trunk.name, trunk.user, trunk.password)
    if trunk.register_here:
        yield section(
            trunk.name,
            type="registration",
            transport=transport,
            outbound_auth=account,
            server_uri=uri,
            client_uri=_uri(trunk, f"{trunk.user}@"),
        )


def _encrypted(peer: PhoneEndpoint | Trunk) -> Iterator[tuple[str, object]]:
    if peer.encryption != "none":
        yield "media_encryption", peer.encryption


def _permitted(phone: PhoneEndpoint) -> Iterator[tuple[str, object]]:
    """The endpoint's access list, of which the last line that matches counts."""
    if phone.permit:
        yield from (("deny", everyone) for everyone in EVERYONE)
        yield from (("permit", network) for network in phone.permit)


def _uri(trunk: Trunk, user: str) -> str:
    """SIP URI of `user` ("" or with a trailing @); PJSIP takes the transport only from here."""
    transport = "" if trunk.transport == "udp" else f";transport={trunk.transport}"
    return f"sip:{user}{trunk.host}:{trunk.sip_port}{transport}"


def _account(name: str, user: str, password: Password) -> Section:
    assert password.value is not None, "environment.read_values resolves all passwords"
    return section(name, type="auth", auth_type="userpass", username=user, password=password.value)
