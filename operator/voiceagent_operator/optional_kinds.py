"""Kinds that not every cluster has: asked for now and then, because they may be installed later."""

from voiceagent_operator.kube.api import ApiServer
from voiceagent_operator.kube.errors import NotFoundError
from voiceagent_operator.kube.kinds import Kind
from voiceagent_operator.render.children import OPTIONAL


async def find_optional_kinds(api: ApiServer) -> frozenset[Kind]:
    """Those of `OPTIONAL` that the cluster serves.

    Raises:
        ApiError: it cannot be asked.
    """
    return frozenset([kind for kind in OPTIONAL if await _served(api, kind)])


async def _served(api: ApiServer, kind: Kind) -> bool:
    try:
        found = await api.get(f"/apis/{kind.api_version}")
    except NotFoundError:
        return False
    return any(each["name"] == kind.plural for each in found.get("resources", []))
