"""An HTTP transport that limits the size of an answer.

Importing this module loads `httpx2`, which takes about 0.1 s: do it in a thread.
"""

from collections.abc import AsyncIterator

import httpx2


class BoundedTransport(httpx2.AsyncHTTPTransport):
    """Fails an answer with more than `max_bytes`: the SDK's buffers have no limit of their own.

    Args:
        max_bytes: of one response's body.
        limits: of the connection pool.
    """

    def __init__(self, max_bytes: int, limits: httpx2.Limits) -> None:
        # The default context reads SSL_CERT_FILE: the usual place of a private CA in a container.
        super().__init__(verify=httpx2.create_ssl_context(), trust_env=False, limits=limits)
        self._max_bytes = max_bytes

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send `request`; reading the response raises httpx2.DecodingError beyond the limit."""
        response = await super().handle_async_request(request)
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _BoundedStream(response.stream, self._max_bytes)
        return response


class _BoundedStream(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, max_bytes: int) -> None:
        self._stream = stream
        self._max_bytes = max_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for part in self._stream:
            size += len(part)
            if size > self._max_bytes:
                raise httpx2.DecodingError(
                    f"an answer of more than {self._max_bytes} bytes, expected a smaller one"
                )
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()
