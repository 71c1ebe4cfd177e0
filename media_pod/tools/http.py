"""HTTP requests as tools: one client for all of a pod, bounded answers, hosts that are listed.

The model chooses arguments, never a host that is not listed: not by an argument, not by a redirect.
"""

import asyncio
import json
import logging
import ssl
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final
from urllib.parse import quote, urlencode

import httpx2

from media_pod.manifest.tools import HttpToolSettings
from media_pod.manifest.validation import SpecError
from media_pod.providers.chat import JsonObject, ToolSpec
from media_pod.providers.ports import FailureKind, ProviderError
from media_pod.tools.arguments import ArgumentSchema, ArgumentsError, ToolSchemaError
from media_pod.tools.connection_failures import explained
from media_pod.tools.http_answer import MAX_BODY_BYTES, HttpAnswer, as_result
from media_pod.tools.ports import ToolResult
from media_pod.tools.redaction import Redaction
from media_pod.tools.url_template import UrlTemplate, as_text

_log = logging.getLogger(__name__)

MAX_REDIRECTS: Final = 3
_CONNECT_S: Final = 3.0
_KEEP_ALIVE_S: Final = 120.0
"""Idle time of a connection; the client's default of 5 s is shorter than a turn of a caller."""
_CHECK_S: Final = 5.0
_WITHOUT_BODY: Final = ("GET", "DELETE")


class HttpTool:
    """One HTTP request as a `Tool`."""

    def __init__(
        self, settings: HttpToolSettings, headers: Mapping[str, str], tools: "HttpTools"
    ) -> None:
        """Check the settings.

        Args:
            settings: of the tool.
            headers: values of the settings' headers by name, secrets included.
            tools: has the client.

        Raises:
            SpecError: the URL, the parameters or a header cannot be used.
        """
        source = f"tool {settings.name}"
        self.filler = settings.filler
        self.spec = ToolSpec(settings.name, settings.description, settings.parameters)
        self.url = UrlTemplate(settings.url, settings.allowed_hosts, source)
        self._settings, self._tools = settings, tools
        self._headers = {name: _header(source, name, value) for name, value in headers.items()}
        self._redacted = Redaction(
            self._headers[each.name]
            for each in settings.headers
            if each.value_from is not None and each.name in headers
        )
        try:
            self._schema = ArgumentSchema(settings.parameters)
        except ToolSchemaError as error:
            raise SpecError(source, (str(error),)) from error
        _check_names(source, self.url.names, settings.parameters)

    async def call(self, arguments: JsonObject) -> ToolResult:
        """Send the request; see `Tool.call`. An answer without status 2xx is an error."""
        settings = self._settings
        try:
            await self._schema.check(arguments)
            async with asyncio.timeout(settings.timeout_seconds):
                return await self._answered(self._request(arguments))
        except ArgumentsError as error:
            return ToolResult(str(error), is_error=True)
        except Exception as error:  # the edge of the tool: whatever the HTTP library raises
            reason, kind = explained(error)
            host = self.url.host or "the server"
            reason = self._redacted(f"{settings.name}: {host}: {reason}")
            _log.warning("tool %s (timeout %g s)", reason, settings.timeout_seconds)
            done = "not" if kind is FailureKind.UNREACHABLE else "perhaps"
            return ToolResult(f"{reason}. The request was {done} carried out.", is_error=True)

    def _request(self, arguments: JsonObject) -> httpx2.Request:
        url = self.url.expand(arguments)
        rest = {name: value for name, value in arguments.items() if name not in self.url.names}
        headers = {"Accept": "application/json, text/*;q=0.9", "Accept-Encoding": "identity"}
        if self._settings.method in _WITHOUT_BODY:
            query = urlencode(_pairs(rest), quote_via=quote, safe="")
            url += ("&" if "?" in url else "?") * bool(query) + query
            content = None
        else:
            headers["Content-Type"] = "application/json"
            content = json.dumps(rest, ensure_ascii=False).encode()
        fields = httpx2.Headers(headers)
        fields.update(self._headers)
        return self._tools.client.build_request(
            self._settings.method, url, headers=fields, content=content
        )

    async def _answered(self, request: httpx2.Request) -> ToolResult:
        """The answer to `request`, after redirects to listed hosts."""
        client = self._tools.client
        for _ in range(MAX_REDIRECTS + 1):
            response = await client.send(request, stream=True)
            try:
                if response.next_request is None:
                    return await as_result(await _read(response), self._redacted)
                refusal = self._refusal(request.url, response.next_request.url)
                if refusal:
                    return ToolResult(refusal, is_error=True)
                request = self._redirected(request, response.next_request)
            finally:
                await response.aclose()
        return ToolResult(f"more than {MAX_REDIRECTS} redirects; not followed", is_error=True)

    def _refusal(self, old: httpx2.URL, new: httpx2.URL) -> str:
        """Why a redirect is not followed; "" if it is."""
        allowed = [host.lower() for host in self._settings.allowed_hosts]
        host = new.raw_host.decode("ascii").lower()
        if host not in allowed:
            among = f"one of {', '.join(allowed)}" if allowed else "no redirect"
            return f"redirect to host {host!r} not followed; allowed: {among}"
        if new.userinfo or (old.scheme == "https" and new.scheme != "https"):
            return "redirect to http or with a password not followed; allowed: https"
        return ""

    def _redirected(self, old: httpx2.Request, new: httpx2.Request) -> httpx2.Request:
        if new.url.host != old.url.host:
            # They are for the host in the settings: others on the list need not know them.
            for name in self._headers:
                new.headers.pop(name, None)
        return new


class HttpTools:
    """The HTTP tools of an agent, a `ToolSource`, with one client."""

    name = "http"

    def __init__(self, tools: Sequence[tuple[HttpToolSettings, Mapping[str, str]]]) -> None:
        """Check the settings.

        Args:
            tools: the settings of each tool, and the values of its headers by name.

        Raises:
            SpecError: as `HttpTool`.
        """
        self.tools = tuple(HttpTool(settings, headers, self) for settings, headers in tools)
        self._client: httpx2.AsyncClient | None = None
        self._tls: ssl.SSLContext | None = None

    @property
    def client(self) -> httpx2.AsyncClient:
        """The client that all tools use; only after `start`."""
        assert self._client is not None
        return self._client

    async def start(self) -> None:
        """See `ToolSource.start`. Certificates are read in a thread: measured, 20 to 50 ms."""
        self._tls = await asyncio.to_thread(ssl.create_default_context)
        # Without proxies and certificates of the environment: the settings are all there is.
        self._client = httpx2.AsyncClient(
            verify=self._tls,
            trust_env=False,
            follow_redirects=False,
            timeout=httpx2.Timeout(None, connect=_CONNECT_S),
            limits=httpx2.Limits(keepalive_expiry=_KEEP_ALIVE_S),
            # One caller's session must not become the next caller's.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        )

    async def check(self) -> str:
        """Connect to every host that the settings name, without a request; see `ToolSource`."""
        places = {
            (tool.url.host, tool.url.port, tool.url.secure): tool.spec.name
            for tool in self.tools
            if tool.url.host is not None
        }
        for (host, port, secure), name in places.items():
            await self._connect(host, port, secure, name)
        return f"HTTP tools: {len(self.tools)}, servers reached: {len(places)}"

    async def _connect(self, host: str, port: int, secure: bool, name: str) -> None:
        try:
            async with asyncio.timeout(_CHECK_S):
                _, writer = await asyncio.open_connection(
                    host, port, ssl=self._tls if secure else None
                )
                writer.close()
                await writer.wait_closed()
        except OSError as error:
            reason, kind = explained(error)
            raise ProviderError(f"tool {name}: {host}:{port}: {reason}", kind) from error

    async def aclose(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()


async def _read(response: httpx2.Response) -> HttpAnswer:
    encoding = response.headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        # A kilobyte can be unpacked to a megabyte at once, on the loop.
        return HttpAnswer(response.status_code, f"application/{encoding}", b"packed", whole=False)
    body, whole = bytearray(), True
    async with aclosing(response.aiter_raw()) as chunks:
        async for chunk in chunks:
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                whole = False
                break
    kind = response.headers.get("content-type", "")
    return HttpAnswer(response.status_code, kind, bytes(body[:MAX_BODY_BYTES]), whole)


def _pairs(arguments: JsonObject) -> list[tuple[str, str]]:
    """Arguments as a query: lists as repeated names, objects as JSON, without those of null."""
    pairs = []
    for name, value in arguments.items():
        for each in value if isinstance(value, list) else [value]:
            nested = isinstance(each, dict | list)
            text = json.dumps(each, ensure_ascii=False) if nested else as_text(name, each)
            if text is not None:
                pairs.append((name, text))
    return pairs


def _header(source: str, name: str, value: str) -> str:
    value = value.strip()
    if not all(" " <= character <= "~" or character == "\t" for character in value):
        raise SpecError(
            source, (f"headers: found a character in the value of {name}; allowed: ASCII text",)
        )
    return value


def _check_names(source: str, names: frozenset[str], parameters: JsonObject) -> None:
    unknown = sorted(names - set(parameters.get("properties", {})))
    if unknown:
        raise SpecError(
            source,
            (f"url: found {{{unknown[0]}}}; allowed: a property of parameters",),
        )
