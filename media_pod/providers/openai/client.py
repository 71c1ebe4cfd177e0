"""The connection of one provider to an OpenAI-compatible server."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

from media_pod.errors import SetupError
from media_pod.providers.openai.api_key import ApiKey, is_sendable
from media_pod.providers.openai.failures import provider_error
from media_pod.providers.ports import FailureKind, ProviderError

if TYPE_CHECKING:
    from httpx2 import Response
    from openai import AsyncOpenAI

T = TypeVar("T")

CONNECT_S: Final = 2.0
"""Limit of a connection's set-up, TLS included."""
KEEPALIVE_S: Final = 300.0
"""How long an idle connection is kept: the caller may think for minutes between two turns. The HTTP
client's default of 5 s opens a new one in nearly every turn (measured)."""
START_WAIT_S: Final = 0.5
"""How long `start` waits for the first connection."""
MAX_CONNECTIONS: Final = 256
"""At the same time; more than a pod has calls."""
MAX_ANSWER_BYTES: Final = 16 * 2**20
"""A reply of 200,000 characters in chunks of one token has about 12 MB; 60 s of PCM have 3 MB."""

_LOG = logging.getLogger(__name__)
_NO_KEY: Final = "none"
"""The SDK insists on a key; `BearerAuth` replaces it. Servers without keys accept any text."""


class OpenAiClient:
    """The SDK's client with settings for a telephone call, for one provider.

    It makes no retries, and reads nothing from the environment but SSL_CERT_FILE and SSL_CERT_DIR.
    """

    def __init__(
        self,
        subject: str,
        base_url: str,
        api_key: str | None,
        deadline_s: float,
        read_key: Callable[[], str | None] | None = None,
    ) -> None:
        """Check the settings; neither loads the SDK nor connects.

        Args:
            subject: what is used of the server, for messages: "model 'x'".
            base_url: of the API, including /v1.
            api_key: None for a server without keys.
            deadline_s: longest wait for the next data of an answer.
            read_key: what the key is now, asked when the server rejected it; may block and raise
                SetupError. None if it cannot change.

        Raises:
            ProviderError: the base URL is none, or the key cannot be sent in an HTTP header.
        """
        try:
            url = urlsplit(base_url)
            _ = url.port  # a wrong one is found when it is read
        except ValueError as error:
            raise ProviderError(
                f"openai: {subject}: found an invalid base URL; expected scheme://host:port",
                FailureKind.BAD_REQUEST,
            ) from error
        place = url._replace(netloc=url.netloc.rpartition("@")[2], query="", fragment="").geturl()
        self.what = f"openai: {subject} at {place}"
        """The provider and its input, the beginning of messages."""
        self.deadline_s = deadline_s
        if api_key is not None and not is_sendable(api_key):
            raise ProviderError(
                f"{self.what}: found an API key that is empty or has line breaks or characters "
                f"other than ASCII; expected printable ASCII",
                FailureKind.UNAUTHORIZED,
            )
        self._base_url = base_url
        self._key = None if api_key is None else ApiKey(self.what, api_key, read_key)
        self._sdk: AsyncOpenAI | None = None
        self._ahead: asyncio.Task[None] | None = None

    @property
    def sdk(self) -> "AsyncOpenAI":
        """The SDK's client.

        Raises:
            ProviderError: before `start` and after `aclose`.
        """
        if self._sdk is None:
            raise ProviderError("used before start() or after aclose()")
        return self._sdk

    async def start(self) -> None:
        """Load the SDK and open a connection; a server that is down is logged, not raised.

        Raises:
            SetupError: the package `openai` is not installed.
            ProviderError: the SDK rejects the settings.
        """
        try:
            # In a thread: the import takes 0.6 s and the construction 50 ms (measured).
            self._sdk = await asyncio.to_thread(self._made)
        except ImportError as error:
            raise SetupError(
                f"{self.what} needs the package openai: pip install 'interject[openai]'"
            ) from error
        except Exception as error:
            raise self.failure(error) from error
        failure = await self._connect(START_WAIT_S)
        if failure is not None:
            _LOG.warning("not reachable yet: %s", failure)

    async def stream(self, path: str, body: dict[str, Any], accept: str) -> "Response":
        """Send a request; returns when the headers of the response have come.

        Not by the SDK's resources: loading them takes 40 ms on the event loop (measured), and the
        models that they make of an answer hide what a server really sent.

        Args:
            path: below the base URL.
            body: sent as JSON.
            accept: media type that is expected.

        Raises:
            openai.OpenAIError: the server rejected the request or could not be reached.
        """
        import openai

        stream = await self.sdk.post(
            path,
            cast_to=object,
            body=body,
            options={"headers": {"Accept": accept}},
            stream=True,
            stream_cls=openai.AsyncStream[object],
        )
        return stream.response

    def failure(self, error: Exception, begun: bool = False) -> ProviderError:
        """`error` with this provider's name, for the person who runs it; see `provider_error`.

        Raise it `from None`: the original may contain the API key. Only what neither the server nor
        the network can cause is logged with its traceback.
        """
        key = None if self._key is None else self._key.value
        failure = provider_error(error, self.what, api_key=key, begun=begun)
        if failure.kind is FailureKind.INTERNAL:
            _LOG.error("%s", failure, exc_info=error)
        return failure

    def connect_ahead(self) -> None:
        """Open a connection in the background, at most one at a time.

        After a request that was cancelled: under HTTP/1.1 that closes its connection, and the next
        turn would wait for a new one.
        """
        if self._sdk is not None and (self._ahead is None or self._ahead.done()):
            self._ahead = asyncio.create_task(self._connected_ahead(), name="openai connection")

    async def aclose(self) -> None:
        """Close the connections; requests that are under way fail."""
        sdk, self._sdk = self._sdk, None
        if self._ahead is not None:
            self._ahead.cancel()
            await asyncio.wait([self._ahead])
        if sdk is not None:
            await sdk.close()

    def _made(self) -> "AsyncOpenAI":
        import anyio
        import httpx2
        import openai

        from media_pod.providers.openai.bearer_auth import BearerAuth
        from media_pod.providers.openai.bounded_transport import BoundedTransport

        # Loads what the first connection would load on the event loop, for 14 ms (measured).
        anyio.run(anyio.sleep, 0)
        timeout = httpx2.Timeout(self.deadline_s, connect=CONNECT_S)
        limits = httpx2.Limits(max_connections=MAX_CONNECTIONS, keepalive_expiry=KEEPALIVE_S)
        http = httpx2.AsyncClient(
            auth=None if self._key is None else BearerAuth(self._key),
            # Compressed events would wait for each other, and small bytes could become many.
            headers={"Accept-Encoding": "identity"},
            timeout=timeout,
            transport=BoundedTransport(MAX_ANSWER_BYTES, limits),
            trust_env=False,
        )
        sdk = openai.AsyncOpenAI(
            api_key=_NO_KEY,
            base_url=self._base_url,
            http_client=http,
            max_retries=0,
            timeout=timeout,
        )
        # Where an argument is missing the constructor has read the environment: another program's
        # account is not ours. Its OPENAI_CUSTOM_HEADERS cannot be overridden by arguments.
        sdk.organization = sdk.project = sdk.admin_api_key = sdk.webhook_secret = None
        sdk._custom_headers = {}
        return sdk

    async def _connect(self, limit_s: float) -> ProviderError | None:
        """Leave a connection in the pool; any answer does, even "not found"."""
        import httpx2
        import openai

        try:
            async with asyncio.timeout(limit_s):
                await self.sdk.get("/models", cast_to=httpx2.Response)
        except openai.APIStatusError:
            return None
        except Exception as error:
            return self.failure(error)
        return None

    async def _connected_ahead(self) -> None:
        failure = await self._connect(CONNECT_S)
        if failure is not None:
            _LOG.debug("no connection ahead: %s", failure)


@asynccontextmanager
async def reading(response: "Response", items: AsyncIterator[T]) -> AsyncIterator[AsyncIterator[T]]:
    """Close `response` at the end, and the generators that `items` is made of.

    Closing `items` itself ends its outermost generator only. The garbage collector would close the
    others, in tasks of their own (httpx2 2.16).
    """
    try:
        yield items
    finally:
        await response.aclose()
        # They end when they find the response closed.
        with suppress(Exception):
            async for _ in items:
                pass
