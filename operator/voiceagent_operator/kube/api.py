"""Requests to the API server: JSON in, JSON out, each with a deadline.

The official client finds the cluster and refreshes the credentials. Its thousands of models are not
used: the operator renders and compares plain objects. Nothing is retried here, because callers are
level-triggered and retry themselves.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import aiohttp
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration

from media_pod.errors import InterjectError
from voiceagent_operator.kube.errors import BY_STATUS, ApiError, NoAnswerError
from voiceagent_operator.kube.kinds import Json

FIELD_MANAGER: Final = "interject-operator"
"""Owner of the fields that the operator applies."""
REQUEST_TIMEOUT_S: Final = 10.0
"""A healthy API server answers within milliseconds; a list of thousands within a second."""
_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
_LONGEST_MESSAGE = 500


class NoClusterError(InterjectError):
    """No cluster is configured, or its configuration cannot be read."""


class ApiServer:
    """The API server of one cluster.

    Args:
        settings: where it is and how to log in; see `find_cluster`.
        count: called for every answer with the verb, such as GET or WATCH, and the HTTP status; 0
            if there was no answer.

    Every request raises an `ApiError` if it fails.
    """

    def __init__(
        self,
        settings: Configuration,
        count: Callable[[str, int], None] = lambda verb, status: None,
    ) -> None:
        self._settings = settings
        self._count = count
        self._client = ApiClient(settings)

    async def aclose(self) -> None:
        """Give the connections back."""
        await self._client.close()

    async def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        accept: str = "application/json",
    ) -> Json:
        """An object or a list; `accept` says in which form, as a media type."""
        return await self._request("GET", path, params, accept=accept)

    async def create(self, path: str, body: Json) -> Json:
        """Make an object; `path` is that of its list. ConflictError if it exists."""
        return await self._request("POST", path, None, body)

    async def replace(self, path: str, body: Json) -> Json:
        """Replace an object. ConflictError if its resourceVersion is not the one in `body`."""
        return await self._request("PUT", path, None, body)

    async def apply(self, path: str, body: Json, *, force: bool = True) -> Json:
        """Server-side apply. ConflictError if others own fields of `body`, unless `force`."""
        params = {"fieldManager": FIELD_MANAGER, "force": "true" if force else "false"}
        return await self._request("PATCH", path, params, body, "application/apply-patch+yaml")

    async def merge(self, path: str, patch: Json) -> Json:
        """JSON merge patch: null deletes a key."""
        params = {"fieldManager": FIELD_MANAGER}
        return await self._request("PATCH", path, params, patch, "application/merge-patch+json")

    async def delete(self, path: str) -> Json:
        """Delete an object; objects that it owns are deleted in the background."""
        body = {"propagationPolicy": "Background"}
        return await self._request("DELETE", path, None, body)

    @asynccontextmanager
    async def watch(
        self, path: str, params: Mapping[str, str], *, idle_s: float, accept: str
    ) -> AsyncIterator[AsyncIterator[Json]]:
        """The events of a watch, until the server ends it; entered once the server has agreed.

        Args:
            idle_s: longest silence.
            accept: which form of the objects, as a media type.
        """
        timeout = aiohttp.ClientTimeout(connect=REQUEST_TIMEOUT_S, sock_read=idle_s)
        request = f"WATCH {path}"
        response = await self._open(
            request, "GET", path, {**params, "watch": "true"}, timeout, {"Accept": accept}
        )
        try:
            if response.status >= 400:
                raise _refused(request, response, await _read(request, response))
            async with aclosing(_events(request, response)) as events:
                yield events
        finally:
            response.close()

    async def _request(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        body: Json | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> Json:
        request = f"{method} {path}"
        timeout = aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_S)
        headers = {"Content-Type": content_type, "Accept": accept}
        response = await self._open(request, method, path, params or {}, timeout, headers, body)
        try:
            content = await _read(request, response)
        finally:
            response.release()
        if response.status >= 400:
            raise _refused(request, response, content)
        answer: Json = json.loads(content)
        return answer

    async def _open(
        self,
        request: str,
        method: str,
        path: str,
        params: Mapping[str, str],
        deadlines: aiohttp.ClientTimeout,
        headers: dict[str, str],
        body: Json | None = None,
    ) -> aiohttp.ClientResponse:
        verb = request.partition(" ")[0]
        query = f"?{urlencode(params)}" if params else ""
        url = f"{self._settings.host}{path}{query}"
        for login in (await self._settings.auth_settings()).values():
            headers[login["key"]] = login["value"]
        try:
            answer = await self._client.rest_client.request(
                method, url, headers=headers, body=body, _request_timeout=deadlines
            )
        except (aiohttp.ClientError, TimeoutError, OSError, asyncio.IncompleteReadError) as error:
            self._count(verb, 0)
            raise _unanswered(request, error) from error
        response: aiohttp.ClientResponse = answer.response
        self._count(verb, response.status)
        return response


async def find_cluster(kubeconfig: Path | None) -> Configuration:
    """Where the cluster is: `kubeconfig` if one is given, else the pod's own, else the user's.

    Raises:
        NoClusterError: none of them can be read.
    """
    settings = Configuration()
    try:
        if kubeconfig is None and _in_a_pod():
            config.load_incluster_config(client_configuration=settings)
        else:
            await config.load_kube_config(
                config_file=None if kubeconfig is None else str(kubeconfig),
                client_configuration=settings,
            )
    except (config.ConfigException, OSError) as error:
        raise NoClusterError(
            f"no cluster is configured ({error}); give --kubeconfig FILE, or run in a pod"
        ) from error
    return settings


def _in_a_pod() -> bool:
    return _SERVICE_ACCOUNT.exists()


async def _read(request: str, response: aiohttp.ClientResponse) -> bytes:
    try:
        return await response.read()
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise _unanswered(request, error) from error


async def _events(request: str, response: aiohttp.ClientResponse) -> AsyncGenerator[Json, None]:
    try:
        async for line in response.content:
            yield json.loads(line)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        # ValueError: a line that a dropped connection has cut off, or one beyond all bounds
        raise _unanswered(request, error) from error


def _unanswered(request: str, error: Exception) -> NoAnswerError:
    return NoAnswerError(request, 0, type(error).__name__, str(error) or "timed out")


def _refused(request: str, response: aiohttp.ClientResponse, content: bytes) -> ApiError:
    """The error that an answer with a status of 400 or more is."""
    try:
        status: dict[str, Any] = json.loads(content)
        reason, message = str(status.get("reason", "")), str(status.get("message", ""))
    except (ValueError, AttributeError):
        reason, message = "", content.decode(errors="replace")
    kind = BY_STATUS.get(response.status, ApiError)
    error = kind(
        request,
        response.status,
        reason or response.reason or "Unknown",
        message[:_LONGEST_MESSAGE],
    )
    after = response.headers.get("Retry-After", "")
    error.retry_after_s = float(after) if after.isdigit() else None
    return error
