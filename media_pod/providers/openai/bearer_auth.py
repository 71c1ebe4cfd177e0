"""How requests carry the API key.

Importing this module loads `httpx2`, which takes about 0.1 s: do it in a thread.
"""

from collections.abc import AsyncGenerator
from typing import Final

import httpx2

from media_pod.providers.openai.api_key import ApiKey

UNAUTHORIZED: Final = 401


class BearerAuth(httpx2.Auth):
    """Sends the key as a bearer token (RFC 6750), a second time if it has been replaced.

    A request that was answered 401 has had no effect, and no part of its answer has been used.
    """

    def __init__(self, key: ApiKey) -> None:
        self._key = key

    async def async_auth_flow(
        self, request: httpx2.Request
    ) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        """See `httpx2.Auth`."""
        sent = self._key.value
        request.headers["Authorization"] = f"Bearer {sent}"
        response = yield request
        if response.status_code == UNAUTHORIZED and await self._key.replaces(sent):
            request.headers["Authorization"] = f"Bearer {self._key.value}"
            yield request
