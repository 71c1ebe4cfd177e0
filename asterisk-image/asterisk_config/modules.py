"""modules.conf: the modules that the values need, and no others.

Each is required: if one is missing, Asterisk does not start, instead of failing during a call.
"""

from collections.abc import Iterable
from itertools import chain

from asterisk_config.agent_values import Message
from asterisk_config.conf import conf, section
from asterisk_config.dialplan import web_socket_agents
from asterisk_config.values import Values

_CORE = (
    "pbx_config",
    "res_timing_timerfd",  # timing source of jitter buffers and bridges
    "bridge_simple",
    "app_dial",
    "app_stack",
    "app_verbose",
    "func_callerid",
    "func_channel",
    "func_logic",
    "func_strings",
    "func_uuid",
    "res_security_log",  # the log level security
    "res_clioriginate",  # test calls from the command line
)
_SIP = (
    "chan_pjsip",
    "res_pjproject",
    "res_pjsip",
    "res_pjsip_caller_id",
    "res_pjsip_endpoint_identifier_ip",
    "res_pjsip_endpoint_identifier_user",
    "res_pjsip_nat",
    "res_pjsip_pubsub",  # chan_pjsip does not load without it
    "res_pjsip_rfc3326",  # hangup causes
    "res_pjsip_sdp_rtp",
    "res_pjsip_session",
    "res_rtp_asterisk",
    "res_sorcery_astdb",
    "res_sorcery_config",
    "res_sorcery_memory",
)
_PHONES = ("res_pjsip_authenticator_digest", "res_pjsip_registrar")
_ACCOUNTS = ("res_pjsip_outbound_authenticator_digest",)
_REGISTRATIONS = ("res_pjsip_outbound_registration",)
_ANONYMOUS = ("res_pjsip_endpoint_identifier_anonymous",)
_FAILOVER = ("app_exec", "func_curl", "func_cut", "func_uri", "res_curl")
_SEED = ("app_exec", "app_system")
_APPLICATION = ("app_audiosocket", "res_audiosocket")
_CHANNEL = ("chan_audiosocket", "res_audiosocket")
_WEB_SOCKET = ("chan_websocket", "func_db", "res_http_websocket", "res_websocket_client")
_METRICS = ("res_prometheus",)
_ENCRYPTED = ("res_srtp",)
_SOUNDS = ("app_playback", "format_wav")
_CODECS = {"ulaw": "codec_ulaw", "alaw": "codec_alaw", "g722": "codec_g722"}
_RATES = "codec_resample"
_BUFFER = "func_jitterbuffer"
_QUEUES = "app_queue"


def files(values: Values) -> dict[str, str]:
    """modules.conf."""
    lines = (("require", f"{name}.so") for name in sorted(set(needed(values))))
    return {
        "modules.conf": conf(
            "Modules. Asterisk does not start if one of them is missing.",
            [section("modules", ("autoload", False), *lines)],
        )
    }


def all_modules() -> frozenset[str]:
    """Names of all modules that any values can need: the modules of the image."""
    groups = (
        _CORE, _SIP, _PHONES, _ACCOUNTS, _REGISTRATIONS, _ANONYMOUS, _FAILOVER, _SEED, _APPLICATION,
        _CHANNEL, _WEB_SOCKET, _METRICS, _ENCRYPTED, _SOUNDS, _CODECS.values(),
    )  # fmt: skip
    return frozenset((*chain.from_iterable(groups), _RATES, _BUFFER, _QUEUES))


def needed(values: Values) -> Iterable[str]:
    """Names of the modules that `values` need, with duplicates."""
    yield from (*_CORE, *_SIP)
    yield from _for_sip(values)
    yield from _for_media(values)
    if values.published:
        yield from _for_published()
    if values.queues:
        yield _QUEUES
    if values.metrics_port is not None:
        # res_prometheus looks for registrations at its start only: a trunk can be added later.
        yield from (*_METRICS, *_REGISTRATIONS)
    fallbacks = (values.fallback, *(agent.fallback for agent in values.agents))
    if any(isinstance(fallback, Message) for fallback in fallbacks):
        yield from _SOUNDS


def _for_sip(values: Values) -> Iterable[str]:
    if values.phones:
        yield from _PHONES
    if any(trunk.user for trunk in values.trunks):
        yield from _ACCOUNTS
    if any(trunk.register_here for trunk in values.trunks):
        yield from _REGISTRATIONS
    if values.sip.anonymous:
        yield from _ANONYMOUS
    if any(peer.encryption == "sdes" for peer in values.peers):
        yield from _ENCRYPTED


def _for_published() -> Iterable[str]:
    """Modules that a published agent can need: modules are only loaded at the start."""
    yield from (*_FAILOVER, *_APPLICATION, *_CHANNEL, *_WEB_SOCKET, *_SOUNDS)
    yield from (_BUFFER, _RATES)


def _for_media(values: Values) -> Iterable[str]:
    agents = values.agents
    plain = [agent for agent in agents if agent.transport == "audioSocket"]
    if any(agent.dialplan == "failover" for agent in agents):
        yield from _FAILOVER
    if any(agent.dialplan == "seed" for agent in agents):
        yield from _SEED
    if any(agent.rate_hz == 8000 for agent in plain):
        yield from _APPLICATION
    if any(agent.rate_hz == 16000 for agent in plain):
        yield from _CHANNEL
    if web_socket_agents(values):
        yield from _WEB_SOCKET
    if any(agent.buffer for agent in agents):
        yield _BUFFER
    codecs = {
        *values.codecs,
        *(codec for phone in values.phones for codec in phone.codecs or ()),
        *(codec for trunk in values.trunks for codec in trunk.codecs or ()),
    }
    yield from (_CODECS[codec] for codec in codecs)
    if "g722" in codecs or any(agent.rate_hz == 16000 for agent in agents):
        yield _RATES
