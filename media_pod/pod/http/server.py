"""The listening socket of the HTTP API."""

import errno
from collections.abc import Callable

from aiohttp import web

from media_pod.errors import SetupError
from media_pod.listening import host_port, listen
from media_pod.pod.http.malformed import RequestLog

IDLE_DEADLINE_S = 15.0
"""A connection that has no whole request to show for this long is closed, the first request
included. Probes and dialplans come at least that often or open a connection each time."""

LONGEST_LINE_BYTES = 4096
"""Request line, and each header field: no request here needs a tenth of it."""

MOST_HEADERS = 64

LINGER_S = 1.0
"""How long a request's unread body is swallowed before its connection is closed."""

STOP_DEADLINE_S = 2.0
"""How long requests in progress may take when the server stops. One that waits for the end of a
drain is over by then."""


class ControlServer:
    """One TCP server for one app; `stop` gives everything back, also after a failed `start`.

    Args:
        app: what is served.
        host: address to listen on, as `listening.listen` takes it.
        port: TCP port, 0 for any free one.
        on_malformed: called for each request that is no HTTP.
    """

    def __init__(
        self,
        app: web.Application,
        host: str,
        port: int,
        on_malformed: Callable[[], None] = lambda: None,
    ) -> None:
        self._host = host
        self._port = port
        self._runner = web.AppRunner(
            app,
            logger=RequestLog(on_malformed),
            access_log=None,  # probes would be most of it; errors are logged where they happen
            handler_cancellation=True,  # the work for a client that has gone ends
            keepalive_timeout=IDLE_DEADLINE_S,
            lingering_time=LINGER_S,
            max_line_size=LONGEST_LINE_BYTES,
            max_field_size=LONGEST_LINE_BYTES,
            max_headers=MOST_HEADERS,
            shutdown_timeout=STOP_DEADLINE_S,
        )

    @property
    def port(self) -> int:
        """The port that is bound; before `start`, the port that was asked for."""
        addresses = self._runner.addresses
        return int(addresses[0][1]) if addresses else self._port

    async def start(self) -> None:
        """Listen.

        Raises:
            SetupError: the address cannot be bound; nothing is left open.
        """
        await self._runner.setup()
        try:
            await web.SockSite(self._runner, listen(self._host, self._port)).start()
        except OSError as error:
            await self._runner.cleanup()
            raise SetupError(self._explain(error)) from error

    async def stop(self) -> None:
        """Close the socket and every connection; may be called again."""
        await self._runner.cleanup()

    def _explain(self, error: OSError) -> str:
        address = f"HTTP address {host_port(self._host, self._port)}"
        if error.errno == errno.EADDRINUSE:
            return (
                f"{address} is in use by another process; stop that one, or set "
                "spec.server.httpPort to another port (0: any free one)"
            )
        # create_server appends the address to strerror, which the message has already.
        reason = str(error.strerror or error).partition(" (while")[0]
        return f"{address} cannot be bound ({reason}); check spec.server.bindHost and httpPort"
