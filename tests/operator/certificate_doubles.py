"""An API server with a Secret and APIServices in it, and replicas that serve by the Secret."""

import asyncio
import base64
import copy
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from handshakes import why_refused

from voiceagent_operator.kube.errors import ApiError, ConflictError, NotFoundError
from voiceagent_operator.kube.kinds import API_SERVICE, SECRET, Json
from voiceagent_operator.metrics_api.certificates import SECRET_EVERY_S, serving_of
from voiceagent_operator.metrics_api.documents import API_SERVICES
from voiceagent_operator.metrics_api.issuing import Serving
from voiceagent_operator.metrics_api.keeper import CertificateKeeper
from voiceagent_operator.metrics_api.server import TRY_EVERY_S

NAMESPACE, SERVICE, NAME = "voice", "operator", "operator-metrics"
HOST = f"{SERVICE}.{NAMESPACE}.svc"
SECRET_PATH = SECRET.path(NAMESPACE, NAME)
BEGAN = datetime(2026, 11, 26, tzinfo=UTC)


def api_service(name: str, **spec: Any) -> Json:
    pointing = {"service": {"namespace": NAMESPACE, "name": SERVICE}}
    return {"metadata": {"name": name}, "spec": {**pointing, **spec}}


class Server:
    """Keeps the objects, and refuses writes to a version that is not the newest."""

    def __init__(self) -> None:
        self.objects: dict[str, Json] = {}
        self.version = 0
        self.writes: list[str] = []
        """Verb and path of each that was accepted."""
        self.available: dict[str, bool] = {}
        """What the keeper has last said of each APIService."""
        self.fails = 0
        """So many of the next requests fail."""
        self.ahead = timedelta(0)
        """Offset to the loop's time: days of checks would take long."""
        for name in API_SERVICES:
            self.put(API_SERVICE.path(None, name), api_service(name))

    def now(self) -> datetime:
        """The time of day."""
        return BEGAN + self.ahead + timedelta(seconds=asyncio.get_running_loop().time())

    def put(self, path: str, body: Json) -> Json:
        """By whomever, whatever is there."""
        self.version += 1
        body = copy.deepcopy(body)
        body["metadata"]["resourceVersion"] = str(self.version)
        self.objects[path] = body
        return copy.deepcopy(body)

    def edit(self, path: str, **spec: Any) -> None:
        """By hand, as with kubectl."""
        found = self.objects[path]
        self.put(path, {**found, "spec": {**found["spec"], **spec}})

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Json:
        await self._answer(f"GET {path}")
        if path not in self.objects:
            raise NotFoundError(f"GET {path}", 404, "NotFound", "no such object")
        return copy.deepcopy(self.objects[path])

    async def create(self, path: str, body: Json) -> Json:
        await self._answer(f"POST {path}")
        own = f"{path}/{body['metadata']['name']}"
        if own in self.objects:
            raise ConflictError(f"POST {path}", 409, "AlreadyExists", "it exists")
        self.writes.append(f"POST {own}")
        return self.put(own, body)

    async def replace(self, path: str, body: Json) -> Json:
        await self._answer(f"PUT {path}")
        self._check(path, body)
        self.writes.append(f"PUT {path}")
        return self.put(path, body)

    async def merge(self, path: str, patch: Json) -> Json:
        await self._answer(f"PATCH {path}")
        self._check(path, patch)
        self.writes.append(f"PATCH {path}")
        spec = {**self.objects[path]["spec"], **patch["spec"]}
        merged = {key: value for key, value in spec.items() if value is not None}
        return self.put(path, {**self.objects[path], "spec": merged})

    def _check(self, path: str, body: Json) -> None:
        found = self.objects.get(path)
        if found is None:
            raise NotFoundError(path, 404, "NotFound", "no such object")
        if body["metadata"]["resourceVersion"] != found["metadata"]["resourceVersion"]:
            raise ConflictError(path, 409, "Conflict", "the object has been modified")

    async def _answer(self, request: str) -> None:
        await asyncio.sleep(0.01)
        if self.fails:
            self.fails -= 1
            raise ApiError(request, 500, "InternalError", "etcd is away")

    @property
    def serving(self) -> Serving | None:
        found = self.objects.get(SECRET_PATH)
        return None if found is None else serving_of(found)

    def believed(self, name: str = API_SERVICES[0]) -> bytes:
        """By which CAs the API server asks, PEM."""
        spec = self.objects[API_SERVICE.path(None, name)]["spec"]
        return base64.b64decode(spec.get("caBundle") or "")


def keeper(server: Server) -> CertificateKeeper:
    return CertificateKeeper(
        *(server, NAMESPACE, NAME, SERVICE),
        available=server.available.__setitem__,
        now=server.now,
    )


class Replica:
    """Serves by what it read of the Secret last."""

    def __init__(self, server: Server, after_s: float) -> None:
        self._server = server
        self._after_s = after_s
        self.serving: Serving | None = None
        self.refused: list[str] = []
        """Results of the polls at which the API server did not trust it."""

    async def run(self) -> None:
        await asyncio.sleep(self._after_s)
        while True:
            self.serving = self._server.serving or self.serving
            self.asked("it had polled")
            await asyncio.sleep(SECRET_EVERY_S if self.serving else TRY_EVERY_S)

    def asked(self, when: str) -> None:
        """As the API server would, for both versions."""
        for name in API_SERVICES if self.serving else ():
            assert self.serving is not None
            if why := why_refused(self.serving, self._server.believed(name), HOST):
                self.refused.append(f"{self._server.now():%d %H:%M:%S}: {name}: {why}, when {when}")
