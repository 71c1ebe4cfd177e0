"""pjsip.conf and rtp.conf: where Asterisk listens, who may call, where media goes."""

from collections.abc import Iterator

from asterisk_config.conf import Section, conf, section
from asterisk_config.dialplan import FROM_PHONES, inbound_context
from asterisk_config.sip_values import Codec, Password, Phone, Trunk
from asterisk_config.values import AGENTS, Values

_NAT = {
    "direct_media": False,  # the agent hears only what passes Asterisk
    "rtp_symmetric": True,
    "force_rport": True,
    "rewrite_contact": True,
}
_QUALIFY_S = 60
"""Seconds between OPTIONS to a peer, so that its state is known and NAT stays open."""


def files(values: Values) -> dict[str, str]:
    """pjsip.conf and rtp.conf."""
    ports = section("general", rtpstart=values.rtp.first_port, rtpend=values.rtp.last_port)
    return {
        "pjsip.conf": conf("SIP: transports, phones, trunks.", _sections(values)),
        "rtp.conf": conf("Ports of media.", [ports]),
    }


def _sections(values: Values) -> Iterator[Section]:
    order = "ip,username,anonymous" if values.sip.anonymous else "ip,username"
    yield section("global", type="global", user_agent="Interject", endpoint_identifier_order=order)
    for transport in values.sip.transports:
        yield _transport(values, transport)
    if values.sip.anonymous:
        yield section("anonymous", *_endpoint(AGENTS, values.codecs))
    for phone in values.phones:
        yield from _phone(phone, values.codecs)
    for trunk in values.trunks:
        yield from _trunk(trunk, values)


def _transport(values: Values, transport: str) -> Section:
    sip = values.sip
    outside = sip.external_address or None
    networks = sip.local_networks if outside else ()
    return section(
        f"transport-{transport}",
        ("type", "transport"),
        ("protocol", transport),
        ("bind", f"{sip.bind_host}:{sip.port}"),
        ("external_media_address", outside),
        ("external_signaling_address", outside),
        *(("local_net", network) for network in networks),
    )


def _endpoint(context: str, codecs: tuple[Codec, ...]) -> tuple[tuple[str, object], ...]:
    return (
        ("type", "endpoint"),
        ("context", context),
        ("disallow", "all"),
        ("allow", ",".join(codecs)),
        *_NAT.items(),
    )


def _phone(phone: Phone, codecs: tuple[Codec, ...]) -> Iterator[Section]:
    yield section(
        phone.name,
        *_endpoint(FROM_PHONES, phone.codecs or codecs),
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
    uri = f"sip:{trunk.host}:{trunk.port}"
    transport = f"transport-{trunk.transport}"
    account = trunk.name if trunk.user else None
    yield section(
        trunk.name,
        *_endpoint(inbound_context(trunk), trunk.codecs or values.codecs),
        aors=trunk.name,
        transport=transport,
        outbound_auth=account,
        from_user=trunk.user,
        identify_by="ip",  # its name in a From header proves nothing
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
            client_uri=f"sip:{trunk.user}@{trunk.host}:{trunk.port}",
        )


def _account(name: str, user: str, password: Password) -> Section:
    assert password.value is not None, "environment.read_values has looked all passwords up"
    return section(name, type="auth", auth_type="userpass", username=user, password=password.value)
