"""The HTTPS server of the custom metrics API, whose certificates are renewed at run time."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from media_pod.errors import SetupError
from media_pod.listening import listen
from voiceagent_operator.kube.api import ApiServer
from voiceagent_operator.kube.errors import ApiError
from voiceagent_operator.media_pods import PodCalls
from voiceagent_operator.metrics_api.access import (
    CONFIG_PATH,
    Access,
    FrontProxy,
    FrontProxyError,
    parse_front_proxy,
)
from voiceagent_operator.metrics_api.app import make_app
from voiceagent_operator.metrics_api.certificates import Source
from voiceagent_operator.metrics_api.tls import CertificateError, ServingTls
from voiceagent_operator.metrics_api.values import PodMetricValues
from voiceagent_operator.telemetry.logs_and_traces import WarnOnce

TRY_EVERY_S: Final = 3.0
"""Retry interval at start. A leader has a certificate within seconds, and an API server backs off
from an unavailable registered API for up to 30 s."""
READ_EVERY_S: Final = 120.0
"""Poll interval of the API server's client CA, which changes with weeks of notice."""
IDLE_DEADLINE_S: Final = 75.0
"""The API server keeps its connections, and autoscalers ask every 15 s."""
MOST_HEADERS: Final = 512
"""Each group of a user is a header of its own."""
STOP_DEADLINE_S: Final = 2.0

_logger = logging.getLogger(__name__)


class MetricsServer:
    """Serves the custom metrics API of one replica.

    Args:
        api: the API server.
        pod_calls: asks the pods.
        host, port: where to listen; see `listen`.
        source: has the serving certificate.
        clock: monotonic time in seconds.
        sleep: waits for so many seconds of `clock`.
    """

    def __init__(
        self,
        api: ApiServer,
        pod_calls: PodCalls,
        host: str,
        port: int,
        source: Source,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._api = api
        self._values = PodMetricValues(api, pod_calls.ask, clock)
        self._access = Access(api, clock)
        self._host, self._port = host, port
        self._source = source
        self._clock = clock
        self._sleep = sleep
        self._warnings = WarnOnce(_logger, "metrics API")
        self.listening = asyncio.Event()
        """Set once requests are answered."""

    async def run(self) -> None:
        """Serve until cancelled, once the certificate and the client CA are available.

        Raises:
            SetupError: the address cannot be bound.
        """
        proxy, tls = await self._until_known()
        current = proxy
        app = make_app(lambda: current, self._access, self._values)
        runner = web.AppRunner(
            app,
            access_log=None,  # the API server's audit has every request
            keepalive_timeout=IDLE_DEADLINE_S,
            max_headers=MOST_HEADERS,
            shutdown_timeout=STOP_DEADLINE_S,
        )
        await runner.setup()
        try:
            await self._listen(runner, tls)
            read_s = self._clock()
            while True:
                await self._sleep(self._source.poll_every_s)
                if self._clock() - read_s >= READ_EVERY_S:
                    read_s = self._clock()
                    current = await self._read() or current
                await self._renew(tls, current)
        finally:
            await runner.cleanup()

    async def _until_known(self) -> tuple[FrontProxy, ServingTls]:
        while True:
            proxy = await self._read()
            if proxy is not None:
                try:
                    return proxy, ServingTls(await self._source.read(), proxy.ca)
                except CertificateError as error:
                    self._warnings.warn("certificate", f"waiting for its certificate: {error}")
            await self._sleep(TRY_EVERY_S)

    async def _listen(self, runner: web.AppRunner, tls: ServingTls) -> None:
        try:
            site = web.SockSite(runner, listen(self._host, self._port), ssl_context=tls.context)
            await site.start()
        except OSError as error:
            raise SetupError(
                f"metrics API: cannot bind port {self._port} ({error.strerror or error}); "
                "choose another --metrics-api-port"
            ) from error
        self.listening.set()
        _logger.info("metrics API: listening on port %d", self._port)

    async def _read(self) -> FrontProxy | None:
        """How the API server authenticates itself now; None if that cannot be read."""
        try:
            proxy = parse_front_proxy(await self._api.get(CONFIG_PATH))
        except (ApiError, FrontProxyError) as error:
            self._warnings.warn("front proxy", str(error))
            return None
        self._warnings.clear("front proxy")
        return proxy

    async def _renew(self, tls: ServingTls, proxy: FrontProxy) -> None:
        try:
            renewed = tls.renew(await self._source.read(), proxy.ca)
        except CertificateError as error:
            self._warnings.warn(
                "certificate", f"certificates not renewed, the previous ones stay in use: {error}"
            )
            return
        self._warnings.clear("certificate")
        if renewed:
            _logger.info("metrics API: certificates renewed")
