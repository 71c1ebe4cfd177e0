"""A stand-in for the servers of an agent's HTTP tools: each path answers fixed JSON."""

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from interject_lab.evaluation.stand_ins.web import MAX_BODY_BYTES


def stand_in_tools(answers: Mapping[str, Any]) -> web.Application:
    """The server.

    Args:
        answers: JSON value by path, or by path and query; for any method.
    """

    async def answer(request: web.Request) -> web.Response:
        path = request.rel_url.raw_path_qs
        found = next((key for key in (path, request.rel_url.raw_path) if key in answers), None)
        if found is None:
            allowed = ", ".join(answers) or "none"
            text = f"found no answer for {path} in tools of the scenario; allowed: {allowed}"
            return web.json_response({"error": text}, status=404)
        return web.Response(
            text=json.dumps(answers[found], ensure_ascii=False), content_type="application/json"
        )

    app = web.Application(client_max_size=MAX_BODY_BYTES)
    app.router.add_route("*", "/{path:.*}", answer)
    return app
