"""The files besides SIP, modules and dialplan: core, metrics, queues, WebSocket.

Metrics: modules that other values need put WebSockets on the same HTTP server, an echo at /ws and
calls at /media. A restriction applies to every path that starts with it. Paths are matched without
regard to case, but restrictions are case-sensitive; hence several of them.
"""

from asterisk_config.conf import Section, conf, section
from asterisk_config.dialplan import CONNECTIONS, web_socket_agents
from asterisk_config.places import Places
from asterisk_config.values import Values

LANGUAGE = "en_US_f_Allison"
"""Folder of the English prompts in Debian's package."""

_LEVELS = ("error", "warning", "notice", "verbose", "debug")
_TONES = {
    "description": "North America",
    "ringcadence": "2000,4000",
    "dial": "350+440",
    "busy": "480+620/500,0/500",
    "ring": "440+480/2000,0/4000",
    "congestion": "480+620/250,0/250",
}
"""Tones that callers hear while a phone rings or is busy."""

_UNUSED = {
    "acl.conf": (),
    "ccss.conf": (section("general"),),
    "cdr.conf": (section("general", enable=False),),
    "cel.conf": (section("general", enable=False),),
    "features.conf": (section("general"),),
    "manager.conf": (section("general", enabled=False),),
    "pjproject.conf": (section("startup", type="startup"),),
    "stasis.conf": (section("threadpool"),),
    "udptl.conf": (section("general"),),
}
"""Built-in parts of Asterisk that log an error if their file is missing."""

_VERBOSE = 3
"""Verbosity at which Asterisk logs every step of the dialplan."""

METRICS_PATH = "metrics"
_CLOSED = ("/w", "/W", "/M", "/mE", "/meD", "/med")
"""Prefixes of all spellings of /ws and /media, but of no spelling of /metrics."""


def files(values: Values, places: Places) -> dict[str, str]:
    """All files of this module, by name."""
    return {
        **core_files(values, places),
        **metrics_files(values),
        **queue_files(values),
        **web_socket_files(values),
    }


def core_files(values: Values, places: Places) -> dict[str, str]:
    """asterisk.conf, logger.conf, indications.conf, and files that must exist."""
    return {
        "asterisk.conf": conf("Paths and options.", _asterisk(values, places)),
        "logger.conf": conf("Log to standard output.", _logger(values)),
        "indications.conf": conf(
            "Tones.", [section("general", country="us"), section("us", **_TONES)]
        ),
        **{name: conf("Not used.", sections) for name, sections in _UNUSED.items()},
    }


def _asterisk(values: Values, places: Places) -> tuple[Section, ...]:
    folders = section(
        "directories",
        astetcdir=places.etc,
        astmoddir=places.modules,
        astdatadir=places.data,
        astvarlibdir=places.data,
        astdbdir=places.db,
        astkeydir=places.db,
        astspooldir=places.spool,
        astrundir=places.run,
        astlogdir=places.log,
    )
    verbose = _VERBOSE if values.log_level in ("verbose", "debug") else None
    options = section(
        "options",
        nocolor=True,
        defaultlanguage=LANGUAGE,
        verbose=verbose,
        debug=1 if values.log_level == "debug" else None,
        maxcalls=values.call_limit,
        maxfiles=values.file_limit,
    )
    return folders, options


def _logger(values: Values) -> tuple[Section, ...]:
    levels = _LEVELS[: _LEVELS.index(values.log_level) + 1]
    return (
        section("general", dateformat="%F %T.%3q", queue_log=False),
        section("logfiles", console=",".join((*levels, "security"))),
    )


def metrics_files(values: Values) -> dict[str, str]:
    """http.conf and prometheus.conf, if metrics are enabled."""
    if values.metrics_port is None:
        return {}
    server = section(
        "general",
        enabled=True,
        bindaddr="0.0.0.0",
        bindport=values.metrics_port,
        enable_static=False,
        enable_status=False,
    )
    page = section("general", enabled=True, core_metrics_enabled=True, uri=METRICS_PATH)
    return {
        "http.conf": conf("HTTP server of the metrics.", [server, *map(_closed, _CLOSED)]),
        "prometheus.conf": conf(f"Metrics at /{METRICS_PATH}.", [page]),
    }


def _closed(prefix: str) -> Section:
    everyone = (("deny", "0.0.0.0/0.0.0.0"), ("deny", "::/0"))
    return section(prefix, ("type", "restriction"), *everyone)


def queue_files(values: Values) -> dict[str, str]:
    """queues.conf and queuerules.conf, if there are queues."""
    if not values.queues:
        return {}
    queues = [
        section(
            queue.name,
            ("strategy", "ringall"),
            ("timeout", values.timeouts.ring_seconds),
            ("ringinuse", False),
            ("joinempty", False),  # callers do not wait if no phone is reachable
            *(("member", f"PJSIP/{phone}") for phone in queue.members),
        )
        for queue in values.queues
    ]
    return {
        "queues.conf": conf("Call queues.", [section("general"), *queues]),
        "queuerules.conf": conf("No rules.", []),
    }


def web_socket_files(values: Values) -> dict[str, str]:
    """sorcery.conf and chan_websocket.conf, if an agent uses WebSocket or a published one could."""
    if not web_socket_agents(values) and not values.published:
        return {}
    clients = section("res_websocket_client", websocket_client=f"astdb,{CONNECTIONS}")
    return {
        "sorcery.conf": conf(
            "WebSocket connections to media pods are defined in AstDB.", [clients]
        ),
        "chan_websocket.conf": conf("Options are set per call.", [section("global")]),
    }
