"""The URL of an HTTP tool, with arguments in it that can change neither its host nor its path.

An argument in the path is one segment or a part of one, in the query one value or a part of one,
percent-encoded (RFC 3986, section 2.1). A segment that reads as `.` or `..`, even after decoding
more than once, is refused: servers and proxies resolve those (section 5.2.4), some after they
decoded %2F.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import quote, unquote

from media_pod.manifest.validation import SpecError
from media_pod.providers.chat import JsonObject
from media_pod.tools.arguments import ArgumentsError

MAX_URL_CHARACTERS: Final = 8000
"""What servers and proxies take (RFC 9110, section 4.1, recommends that they do)."""
_DECODINGS: Final = 3
"""As many servers in a row, each of which decodes once: two proxies and what is behind them."""

_PLACEHOLDER: Final = re.compile(r"\{([A-Za-z0-9_.-]{1,100})\}")
_PARTS: Final = re.compile(r"(https?)://([^/?#]*)([^?#]*)(?:\?([^#]*))?", re.IGNORECASE)
_HOST: Final = re.compile(r"([A-Za-z0-9.{}_-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
_LITERAL: Final = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


class UrlTemplate:
    """A URL with `{name}` for arguments."""

    def __init__(self, text: str, allowed_hosts: Sequence[str], source: str) -> None:
        """Check the template.

        Args:
            text: an http or https URL.
            allowed_hosts: the hosts that placeholders in the host may choose from.
            source: who has it, for the message.

        Raises:
            SpecError: no URL, or a placeholder where none may be.
        """
        self._source = source
        parts = _PARTS.fullmatch(text)
        if parts is None:
            raise self._wrong(text, "http:// or https://, a host, a path and a query, no #fragment")
        self._scheme, authority = parts[1].lower(), parts[2]
        self._path, self._query = parts[3] or "/", parts[4]
        host = _HOST.fullmatch(authority)
        if host is None:
            raise self._wrong(authority, "host or host:port, without user and password")
        self._host, self._port = host[1], host[2] or ""
        self._allowed = frozenset(each.lower() for each in allowed_hosts)
        self._check_host()
        self._check_literals()
        self.names = frozenset(_PLACEHOLDER.findall(text))
        """Of the arguments that the URL uses."""

    @property
    def host(self) -> str | None:
        """Host of all requests; None if arguments choose it."""
        return None if _PLACEHOLDER.search(self._host) else self._host.strip("[]").lower()

    @property
    def port(self) -> int:
        """Port of all requests."""
        return int(self._port[1:]) if self._port else 443 if self.secure else 80

    @property
    def secure(self) -> bool:
        """Whether the scheme is https."""
        return self._scheme == "https"

    def expand(self, arguments: JsonObject) -> str:
        """The URL for these arguments. A query pair whose argument is missing is left out.

        Raises:
            ArgumentsError: an argument is missing or cannot be where it stands.
        """
        texts = {name: as_text(name, arguments[name]) for name in self.names & arguments.keys()}
        present = {name: text for name, text in texts.items() if text is not None}
        host, path = self._filled_host(present), self._filled_path(present)
        query = self._filled_query(present)
        url = f"{self._scheme}://{host}{self._port}{path}{query}"
        if len(url) > MAX_URL_CHARACTERS:
            raise ArgumentsError(
                f"arguments: found a URL of {len(url)} characters; expected at most "
                f"{MAX_URL_CHARACTERS}"
            )
        return url

    def _filled_host(self, texts: Mapping[str, str]) -> str:
        if self.host is not None:
            return self._host
        host = _PLACEHOLDER.sub(lambda found: _needed(found[1], texts), self._host).lower()
        if host not in self._allowed:
            names = ", ".join(_PLACEHOLDER.findall(self._host))
            raise ArgumentsError(
                f"{names}: found host {host[:100]!r}; expected one of "
                f"{', '.join(sorted(self._allowed))}"
            )
        return host

    def _filled_path(self, texts: Mapping[str, str]) -> str:
        segments = self._path.split("/")
        return "/".join(self._filled_segment(segment, texts) for segment in segments)

    def _filled_segment(self, segment: str, texts: Mapping[str, str]) -> str:
        names = _PLACEHOLDER.findall(segment)
        for name in names:
            if not _needed(name, texts).strip() or _CONTROL.search(texts[name]):
                raise ArgumentsError(
                    f"{name}: found {texts[name][:100]!r}; expected text without control "
                    "characters, not empty"
                )
        filled = _PLACEHOLDER.sub(lambda found: quote(texts[found[1]], safe=""), segment)
        if names and _climbs(filled):
            raise ArgumentsError(
                f"{', '.join(names)}: found {unquote(filled)[:100]!r}; expected no . or .. as a "
                "part of a path"
            )
        return filled

    def _filled_query(self, texts: Mapping[str, str]) -> str:
        if self._query is None:
            return ""
        pairs = [
            _PLACEHOLDER.sub(lambda found: quote(texts[found[1]], safe=""), pair)
            for pair in self._query.split("&")
            if texts.keys() >= set(_PLACEHOLDER.findall(pair))
        ]
        return "?" + "&".join(pairs) if pairs else ""

    def _check_host(self) -> None:
        if self.host is None and not self._allowed:
            raise self._wrong(self._host, "a host without {arguments}, or a list allowedHosts")
        if self.host is not None and self._allowed and self.host not in self._allowed:
            raise self._wrong(self._host, f"a host of allowedHosts: {', '.join(self._allowed)}")
        if not 0 < self.port < 65536:
            raise self._wrong(self._port, "a port of 1 to 65535")

    def _check_literals(self) -> None:
        for part in (self._host, self._path, self._query or ""):
            literal = _PLACEHOLDER.sub("", part).strip("[]" if part is self._host else "")
            if not _LITERAL.fullmatch(literal):
                raise self._wrong(
                    part, "{name} for arguments, other characters as in RFC 3986, percent-encoded"
                )
        if any(_climbs(segment) for segment in self._path.split("/")):
            raise self._wrong(self._path, "a path without . and ..")

    def _wrong(self, found: str, allowed: str) -> SpecError:
        return SpecError(self._source, (f"url: found {found[:200]!r}; allowed: {allowed}",))


def as_text(name: str, value: object) -> str | None:
    """An argument as a part of a URL; None if it is null.

    Raises:
        ArgumentsError: it is a list or an object.
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    kind = "a list" if isinstance(value, list) else "an object"
    raise ArgumentsError(f"{name}: found {kind}; expected text, a number, true or false")


def _needed(name: str, texts: Mapping[str, str]) -> str:
    if name not in texts:
        raise ArgumentsError(f"{name}: found nothing; expected text or a number")
    return texts[name]


def _climbs(segment: str) -> bool:
    """Whether some server would read a step to another folder in it."""
    for _ in range(1 + _DECODINGS):
        # Some servers end a segment at its parameters: "..;x" is ".." to them.
        steps = [step.partition(";")[0].strip() for step in re.split(r"[/\\]", segment)]
        if "." in steps or ".." in steps:
            return True
        segment = unquote(segment)
    return False
