"""The HTTP of the custom metrics API: its paths, who may ask, and errors as Status objects."""

import logging
from collections.abc import Callable
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from voiceagent_operator.kube.errors import ApiError
from voiceagent_operator.media_pods import METRIC
from voiceagent_operator.metrics_api import documents
from voiceagent_operator.metrics_api.access import Access, ApiUser, FrontProxy
from voiceagent_operator.metrics_api.documents import GROUP, VERSIONS
from voiceagent_operator.metrics_api.values import PodMetricValues

MAX_BODY_BYTES: Final = 4096
"""No request here needs a body."""
_NAME: Final = "[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?"
"""Of a namespace or a pod. Nothing else may come into a path that the API server is asked for."""
_USER: Final = web.RequestKey("user", ApiUser)

_logger = logging.getLogger(__name__)


def make_app(
    proxy: Callable[[], FrontProxy], access: Access, values: PodMetricValues
) -> web.Application:
    """The API, to be served with TLS that demands a certificate.

    Args:
        proxy: how the API server authenticates itself now.
    """
    api = _MetricsApi(access, values)
    app = web.Application(
        middlewares=[_statuses, _from_the_api_server(proxy)], client_max_size=MAX_BODY_BYTES
    )
    version = f"/apis/{GROUP}/{{version:{'|'.join(VERSIONS)}}}"
    pods = f"{version}/namespaces/{{namespace:{_NAME}}}/pods"
    app.add_routes(
        [
            web.get("/apis", api.groups),
            web.get(f"/apis/{GROUP}", api.group),
            web.get(version, api.resources),
            web.get(f"{pods}/{{pod:[*]|%2A|{_NAME}}}/{METRIC}", api.values),
        ]
    )
    return app


class _MetricsApi:
    def __init__(self, access: Access, values: PodMetricValues) -> None:
        self._access = access
        self._values = values

    async def groups(self, request: web.Request) -> web.Response:
        return web.json_response(documents.group_list())

    async def group(self, request: web.Request) -> web.Response:
        return web.json_response(documents.group())

    async def resources(self, request: web.Request) -> web.Response:
        return web.json_response(documents.resource_list(request.match_info["version"]))

    async def values(self, request: web.Request) -> web.Response:
        about = request.match_info
        version, namespace, pod = about["version"], about["namespace"], about["pod"]
        user = request[_USER]
        if not await self._access.allowed(user, version, namespace, pod):
            raise web.HTTPForbidden(
                text=f'User "{user.user}" cannot get resource "pods/{METRIC}" in API group '
                f'"{GROUP}" in the namespace "{namespace}"'
            )
        if pod == "*":
            selector = request.query.get("labelSelector", "")
            found = await self._values.of_all(namespace, selector)
        else:
            one = await self._values.of_one(namespace, pod)
            if one is None:
                raise web.HTTPNotFound(text=f"{METRIC} of pod {pod} is not available")
            found = [one]
        return web.json_response(documents.value_list(version, found))


def _from_the_api_server(proxy: Callable[[], FrontProxy]) -> Middleware:
    """Lets only those requests through that the API server has passed on."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        now = proxy()
        if not now.knows(request.get_extra_info("peercert")):
            raise web.HTTPUnauthorized(text="the client certificate is not that of the API server")
        user = now.user(request.headers)
        if user is None:
            raise web.HTTPUnauthorized(text="the request has no user header of the API server")
        request[_USER] = user
        return await handler(request)

    return check


@web.middleware
async def _statuses(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turns every error into a Status; the edge at which a fault is kept to one request."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return _status(error.status, _text(request, error))
    except ApiError as error:
        if error.status == 400:  # the label selector is passed on as it is
            return _status(400, error.message)
        _logger.warning("%s failed: %s", request.path_qs, error)
        return _status(503, f"the API server failed: {error}")
    except Exception:
        _logger.exception("internal error in %s %s", request.method, request.path)
        return _status(500, "internal error; see the log of the operator")


def _text(request: web.Request, error: web.HTTPException) -> str:
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(error.allowed_methods)
        return f"{error.method} is not allowed for this path; allowed: {allowed}"
    if error.text and error.text != f"{error.status}: {error.reason}":
        return error.text
    return f"{request.path} not found; the only metric is {METRIC} of pods"


def _status(code: int, message: str) -> web.Response:
    return web.json_response(documents.status(code, message), status=code)
