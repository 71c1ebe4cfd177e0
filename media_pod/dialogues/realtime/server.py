"""A Realtime server as the calls of a pod share it: settings, what it can, connections."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from media_pod.dialogues.realtime.audio_format import G711, PCM, AudioFormat
from media_pod.dialogues.realtime.connection import RealtimeConnection
from media_pod.errors import SetupError
from media_pod.manifest.realtime import OpenAiRealtimeSettings
from media_pod.providers.chat import JsonObject
from media_pod.providers.openai.client import OpenAiClient
from media_pod.providers.ports import FailureKind, ProviderError
from media_pod.providers.tts.voice_profile import VoiceProfile

if TYPE_CHECKING:
    from ssl import SSLContext

CONNECT_S: Final = 3.0
"""Limit of the set-up of a connection, TLS and HTTP upgrade included."""
CLOSE_S: Final = 1.0
"""For the server's half of the closing handshake."""
PING_S: Final = 10.0
"""A server that does not answer a ping for so long is gone."""
MAX_EVENT_BYTES: Final = 2 * 2**20
"""30 s of audio at 24 kHz in one event, from a server that does not stream: 1.5 ms of parsing."""

_FORMATS: Final = {each.name: each for each in (G711, PCM)}


class RealtimeServer:
    """Makes connections; holds what the calls of a pod know of the server together.

    Args:
        settings: of the manifest.
        api_key: None for a server without keys.
        rate_hz: sample rate of the line.
        deadline_s: for each answer of the server.

    Raises:
        ProviderError: the base URL is none, or the key cannot be sent in an HTTP header.
    """

    name = "openai"

    def __init__(
        self,
        settings: OpenAiRealtimeSettings,
        api_key: str | None,
        rate_hz: int,
        deadline_s: float,
    ) -> None:
        self.settings = settings
        self.rate_hz = rate_hz
        self.deadline_s = deadline_s
        chosen = settings.format or ("g711" if rate_hz == G711.rate_hz else "pcm")
        self.audio_format: AudioFormat = _FORMATS[chosen]
        self.profile = VoiceProfile()
        """Of the model's voice."""
        self.truncates = True
        """False once it has left a truncation unanswered."""
        # Its checks of URL and key, and its messages; it makes no connection.
        subject = f"realtime model {settings.model!r}"
        self._client = OpenAiClient(subject, settings.base_url, api_key, deadline_s)
        self._headers = {} if api_key is None else {"Authorization": f"Bearer {api_key}"}
        scheme, _, rest = settings.base_url.rstrip("/").partition("://")
        secure = scheme == "https"
        query = f"model={quote(settings.model, safe='')}"
        self._url = f"{'wss' if secure else 'ws'}://{rest}/realtime?{query}"
        self._secure = secure
        self._tls: SSLContext | None = None

    @property
    def model(self) -> str:
        """The model's name at the server."""
        return self.settings.model

    @property
    def what(self) -> str:
        """The beginning of messages."""
        return self._client.what

    async def start(self) -> None:
        """Load what connections need.

        Raises:
            SetupError: a package is missing.
        """
        try:
            # In a thread: the imports take 0.7 s, the certificates 20 ms (measured).
            self._tls = await asyncio.to_thread(self._loaded)
        except ImportError as error:
            raise SetupError(
                f"{self.what} needs the package {error.name}: pip install 'interject[pod]'"
            ) from error

    async def aclose(self) -> None:
        """Nothing to release: each call closes its connection."""

    async def connect(
        self,
        on_event: Callable[[JsonObject], None],
        on_lost: Callable[[ProviderError], None],
    ) -> RealtimeConnection:
        """Connect; arguments as of `RealtimeConnection`.

        Raises:
            ProviderError: the server cannot be reached, or refuses.
        """
        from websockets.asyncio.client import connect

        try:
            socket = await connect(
                self._url,
                additional_headers=self._headers,
                ssl=self._tls if self._secure else None,
                proxy=None,
                # Base64 of audio does not compress, and costs CPU on the loop.
                compression=None,
                open_timeout=min(CONNECT_S, self.deadline_s),
                close_timeout=min(CLOSE_S, self.deadline_s),
                ping_interval=PING_S,
                ping_timeout=PING_S,
                max_size=MAX_EVENT_BYTES,
            )
        except Exception as error:  # the edge at which all that is foreign becomes one error
            raise self.failure(error, begun=False) from None
        return RealtimeConnection(socket, self.deadline_s, self.failure, on_event, on_lost)

    def failure(self, error: Exception, begun: bool = True) -> ProviderError:
        """`error` as one of this server, for the person who runs it.

        Args:
            error: of the WebSocket, the operating system, a JSON parser, or a `ProviderError` that
                does not name the server yet.
            begun: the connection had been made.
        """
        return self._client.failure(_translated(error), begun=begun)

    def failure_of(self, error: object) -> ProviderError:
        """The error object of an event, as `failure`."""
        import httpx2
        import openai

        body = error if isinstance(error, dict) else {"message": str(error)}
        request = httpx2.Request("GET", self.settings.base_url)
        code = body.get("code")
        message = str(body.get("message") or "no reason given")
        body = body | {"code": None if code is None else str(code)}
        return self._client.failure(openai.APIError(message, request, body=body), begun=True)

    def _loaded(self) -> "SSLContext | None":
        import httpx2
        import openai  # noqa: F401 - names failures, on the event loop
        import websockets.asyncio.client  # noqa: F401 - as in `connect`

        return httpx2.create_ssl_context() if self._secure else None


def _translated(error: Exception) -> Exception:
    """Errors of `websockets`, which `provider_error` does not know, as it knows them."""
    from websockets import exceptions

    match error:
        case exceptions.InvalidStatus():
            return _of_status(error.response.status_code, error.response.body)
        case exceptions.ConnectionClosed():
            return ProviderError(f"the server closed the connection: {error}", FailureKind.CUT)
        case exceptions.InvalidURI():
            return ProviderError(str(error), FailureKind.BAD_REQUEST)
        case exceptions.InvalidHandshake():
            text = f"expected a WebSocket server: {error}"
            return ProviderError(text, FailureKind.BAD_ANSWER)
    return error


def _of_status(status: int, body: bytes | bytearray | None) -> Exception:
    import json

    import httpx2
    import openai

    content: Any = bytes(body or b"").decode(errors="replace")
    try:
        content = json.loads(content)
        content = content.get("error", content)
    except (ValueError, AttributeError):
        pass
    request = httpx2.Request("GET", "http://realtime")
    response = httpx2.Response(status, request=request)
    return openai.APIStatusError(f"HTTP {status}", response=response, body=content)
