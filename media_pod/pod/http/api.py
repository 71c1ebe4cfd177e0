"""The pod's HTTP API, for dialplans, Kubernetes, Prometheus and people.

Dialplans get plain text, because Asterisk's CURL() passes the body on as it is; a client that
accepts application/json gets an object. Every error is a problem document (problem.py).
"""

import asyncio
import json
import logging
from collections.abc import Coroutine
from dataclasses import asdict, replace

from aiohttp import web

from media_pod.call.event_bus import EventBus
from media_pod.call.events import (
    CallRef,
    Event,
    ReservationRedirected,
    ReservationRefused,
    Reserved,
)
from media_pod.calls.answers import (
    CONNECT,
    DONE,
    AdmissionError,
    DrainingError,
    FullError,
    Next,
    NextStep,
)
from media_pod.dialogues.ports import CallInfo
from media_pod.listening import host_port
from media_pod.logs import call_logger
from media_pod.pod.http import query
from media_pod.pod.http.access import Token, controlled, no_token
from media_pod.pod.http.ports import Peers, PodView
from media_pod.pod.http.problem import problem, problems
from media_pod.pod.http.slices import in_slices

log = logging.getLogger(__name__)

PEERS_DEADLINE_S = 1.0
"""For all peers together: the dialplan's own deadline for a request is 1.5 s."""

MAX_BODY_BYTES = 4096
"""No request here needs a body."""

JSON = "application/json"


def make_app(
    pod: PodView,
    advertise_host: str = "",
    peers: Peers | None = None,
    token: Token = no_token,
) -> web.Application:
    """The API of `pod`.

    Args:
        advertise_host: the host that Asterisk is to connect to; "" means the address on
            which its request came in.
        peers: asked when this pod is full or draining, and for calls that it does not know.
        token: of those who may control the pod and see its calls (`access.controlled`).
    """
    api = _Api(pod, advertise_host, peers)
    app = web.Application(middlewares=[problems], client_max_size=MAX_BODY_BYTES)
    app.add_routes(
        [
            # A HEAD request must not change anything.
            web.get("/api/call-start", api.call_start, allow_head=False),
            web.get("/api/call-next", api.call_next, allow_head=False),
            web.get("/api/call-end", api.call_end, allow_head=False),
            web.post("/api/call-end", api.call_end),
            web.get("/api/calls", controlled(api.calls, token)),
            web.get("/api/calls/{uuid}", controlled(api.call, token)),
            # Kubernetes' hooks can only GET.
            web.get("/api/drain", controlled(api.drain, token), allow_head=False),
            web.post("/api/drain", controlled(api.drain, token)),
            web.get("/livez", api.livez),
            web.get("/readyz", api.readyz),
            web.get("/metrics", api.metrics),
        ]
    )
    return app


class _Question:
    """One question of the dialplan, whose outcome is published."""

    def __init__(self, bus: EventBus, info: CallInfo, name: str) -> None:
        self._bus = bus
        self.info = info
        self._name = name
        self._asked_ns = bus.now_ns()

    def reserved(self) -> None:
        """The answer is a slot here."""
        self._publish(Reserved(self._bus.now_ns(), self._name, self._asked_ns))

    def redirected(self, peer: str) -> None:
        """The answer is a peer's address."""
        self._publish(ReservationRedirected(self._bus.now_ns(), self._name, self._asked_ns, peer))

    def refused(self, reason: str) -> None:
        """There is no slot here, nor with a peer."""
        self._publish(ReservationRefused(self._bus.now_ns(), self._name, self._asked_ns, reason))

    def _publish(self, event: Event) -> None:
        self._bus.publish(CallRef(self.info), event)


class _Api:
    def __init__(self, pod: PodView, advertise_host: str, peers: Peers | None) -> None:
        self._pod = pod
        self._advertise_host = advertise_host
        self._peers = peers

    async def call_start(self, request: web.Request) -> web.Response:
        info = query.call_info(request)
        question = _Question(self._pod.bus, info, "call-start")
        try:
            self._pod.reserve(info)
        except (FullError, DrainingError) as refused:
            return await self._elsewhere(request, question, refused)
        question.reserved()
        return self._answer(request, info, CONNECT)

    async def call_next(self, request: web.Request) -> web.Response:
        info = query.call_info(request)
        question = _Question(self._pod.bus, info, "call-next")
        if not self._pod.knows(info.uuid):
            if query.is_hop(request):
                return problem(404, f"no call {info.uuid} on this pod")
            if (step := await self._known_elsewhere(info)) is not None:
                if step.step is NextStep.CONNECT:
                    question.redirected(step.address)
                return self._answer(request, info, step)
        try:
            step = self._pod.next(info)
        except (FullError, DrainingError) as refused:
            return await self._elsewhere(request, question, refused)
        if step.step is NextStep.CONNECT:
            question.reserved()
        status = query.text(request, "st")
        call_logger(log, info.uuid).info("next is %s (st=%s)", step.step.value, status)
        return self._answer(request, info, step)

    async def call_end(self, request: web.Request) -> web.Response:
        uuid = query.uuid(request)
        if not self._pod.end(uuid, query.text(request, "cause")):
            return problem(404, f"no call {uuid} on this pod")
        return _reply(request, "ended", {"uuid": uuid, "next": DONE.step.value})

    async def calls(self, request: web.Request) -> web.Response:
        calls = await in_slices(json.dumps(call.as_json()) for call in self._pod.calls())
        rest = {
            "slots": self._pod.slots,
            "draining": self._pod.draining,
            "manifest": asdict(self._pod.manifest),
        }
        text = f'{{"calls": [{", ".join(calls)}], {json.dumps(rest)[1:]}'
        return web.Response(text=text, content_type=JSON)

    async def call(self, request: web.Request) -> web.Response:
        uuid = query.parse_uuid(request.match_info["uuid"])
        if call := self._pod.call(uuid):
            return web.json_response(call.as_json())
        return problem(404, f"no call {uuid} on this pod")

    async def drain(self, request: web.Request) -> web.Response:
        wait = query.flag(request, "wait")
        self._pod.drain()
        if wait:
            await self._pod.drained()
        body = {"draining": True, "calls": self._pod.active_calls}
        return web.json_response(body, status=200 if wait else 202)

    async def livez(self, request: web.Request) -> web.Response:
        return _health(self._pod.liveness_error())

    async def readyz(self, request: web.Request) -> web.Response:
        return _health(self._pod.readiness_error())

    async def metrics(self, request: web.Request) -> web.Response:
        names = request.query.getall("name[]", ())
        pieces, content_type = self._pod.metrics_page(request.headers.get("Accept", ""), names)
        page = b"".join(await in_slices(pieces))
        return web.Response(body=page, headers={"Content-Type": content_type})

    def _answer(self, request: web.Request, info: CallInfo, step: Next) -> web.Response:
        """`step` in the dialplan's words; a connection without an address is one to this pod."""
        if step.step is NextStep.CONNECT and not step.address:
            host = self._advertise_host or _local_host(request)
            step = replace(step, address=host_port(host, self._pod.audio_port))
        body = {"uuid": info.uuid, "next": step.step.value}
        match step.step:
            case NextStep.DONE:
                return _reply(request, "done", body)
            case NextStep.CONNECT:
                return _reply(request, step.address, body | {"address": step.address})
            case NextStep.GOTO:
                return _reply(request, f"goto {step.goto}", body | {"goto": step.goto})

    async def _elsewhere(
        self, request: web.Request, question: _Question, refused: AdmissionError
    ) -> web.Response:
        """A peer's address for a call that was refused here; without one the refusal stands."""
        if query.is_hop(request):
            # The pod that asked publishes the outcome.
            raise refused
        info = question.info
        step = None if self._peers is None else await _in_time(self._peers.start(info), info)
        if step is None or step.step is not NextStep.CONNECT:
            question.refused(type(refused).__name__)
            raise refused
        question.redirected(step.address)
        call_logger(log, info.uuid).info("%s; a peer has room, %s", refused, step.address)
        return self._answer(request, info, step)

    async def _known_elsewhere(self, info: CallInfo) -> Next | None:
        """What the pod says that this call was on; None if there is none, or it is gone."""
        if self._peers is None:
            return None
        step = await _in_time(self._peers.next(info), info)
        if step is not None:
            call_logger(log, info.uuid).info("a peer knows it; next is %s", step.step.value)
        return step


async def _in_time(question: Coroutine[None, None, Next | None], info: CallInfo) -> Next | None:
    """What the peers answer, None if they take too long."""
    try:
        async with asyncio.timeout(PEERS_DEADLINE_S):
            return await question
    except TimeoutError:
        call_logger(log, info.uuid).warning("no peer answered within %s s", PEERS_DEADLINE_S)
        return None


def _local_host(request: web.Request) -> str:
    """The address on which `request` came in."""
    sockname: tuple[str, int] = request.get_extra_info("sockname", ("", 0))
    return sockname[0]


def _reply(request: web.Request, text: str, body: dict[str, str]) -> web.Response:
    """`text` alone, or `body` for a client that accepts JSON."""
    accepted = request.headers.get("Accept", "").split(",")
    if any(kind.split(";")[0].strip() == JSON for kind in accepted):
        return web.json_response(body)
    return web.Response(text=text)


def _health(trouble: str) -> web.Response:
    return problem(503, trouble) if trouble else web.Response(text="ok")
