"""http.conf and prometheus.conf: Asterisk's own figures at /metrics, and nothing else over HTTP.

Modules that other values need put WebSockets on the same server: an echo at /ws, calls at /media.
A restriction counts for every path that begins with it. Paths are found in any case of letters,
restrictions in their own alone, which is why there are several.
"""

from asterisk_config.conf import Section, conf, section
from asterisk_config.values import Values

PATH = "metrics"
_CLOSED = ("/w", "/W", "/M", "/mE", "/meD", "/med")
"""All ways to write /ws and /media, and none to write /metrics."""


def files(values: Values) -> dict[str, str]:
    """Both files, if metrics are wanted."""
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
    page = section("general", enabled=True, core_metrics_enabled=True, uri=PATH)
    return {
        "http.conf": conf("Metrics by HTTP.", [server, *map(_closed, _CLOSED)]),
        "prometheus.conf": conf(f"Metrics at /{PATH}.", [page]),
    }


def _closed(beginning: str) -> Section:
    everybody = (("deny", "0.0.0.0/0.0.0.0"), ("deny", "::/0"))
    return section(beginning, ("type", "restriction"), *everybody)
