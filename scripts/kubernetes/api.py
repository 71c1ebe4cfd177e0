"""The few requests that bringing up a rig needs, as its administrator."""

import http.client
import json
import ssl
from collections.abc import Mapping
from typing import Any, Final

from errors import RigError
from layout import Layout

REQUEST_S: Final = 10
"""Deadline of one request."""
APPLY: Final = "application/apply-patch+yaml"


class Api:
    """The rig's API server."""

    def __init__(self, layout: Layout) -> None:
        self._address, self._port = layout.address, layout.ports["api"]
        self._tls = ssl.create_default_context(cafile=str(layout.certificate("ca")[0]))
        self._tls.load_cert_chain(*layout.certificate("admin"))

    def ready(self) -> bool:
        """Whether it serves all that it should."""
        return self._request("GET", "/readyz")[0] == http.HTTPStatus.OK

    def get(self, path: str) -> dict[str, Any] | None:
        """The object at `path`; None while there is none, or no server."""
        status, answer = self._request("GET", path)
        found: dict[str, Any] | None = json.loads(answer) if status == http.HTTPStatus.OK else None
        return found

    def apply(self, path: str, body: Mapping[str, object]) -> None:
        """Put the object at `path`, by server-side apply.

        Raises:
            RigError: it is refused.
        """
        status, answer = self._request(
            "PATCH", f"{path}?fieldManager=rig&force=true", json.dumps(body)
        )
        if status not in (http.HTTPStatus.OK, http.HTTPStatus.CREATED):
            raise RigError(f"the API server answered {status} to {path}: {answer.decode()}")

    def _request(self, method: str, path: str, body: str | None = None) -> tuple[int, bytes]:
        """Status and body; status 0 where no server answers."""
        connection = http.client.HTTPSConnection(
            self._address, self._port, context=self._tls, timeout=REQUEST_S
        )
        try:
            connection.request(method, path, body, {"Content-Type": APPLY} if body else {})
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            connection.close()
