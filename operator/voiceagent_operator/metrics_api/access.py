"""Whether a caller may see the calls of pods: the API server decides, as for all that is its own.

It has decided once already before it passed the request on; but whoever serves part of the API is
to ask for itself, since only that holds whatever way a request has come.
"""

from collections.abc import Callable
from typing import Final, Protocol

from voiceagent_operator.fresh import Fresh
from voiceagent_operator.kube.kinds import Json
from voiceagent_operator.metrics_api.documents import GROUP
from voiceagent_operator.metrics_api.front_proxy import Caller
from voiceagent_operator.pod_calls import METRIC

REVIEWS: Final = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
REMEMBERED_S: Final = 10.0
"""How long a decision holds, yes or no: an autoscaler asks every 15 s, and a right that is taken
away is gone soon."""
MOST_REMEMBERED: Final = 1024

Asked = tuple[Caller, str, str, str]


class ReviewApi(Protocol):
    """As much of `ApiServer` as is needed here."""

    async def create(self, path: str, body: Json) -> Json: ...


class Access:
    """Asks the API server, and remembers for a while what it said.

    Args:
        clock: monotonic time in seconds.
    """

    def __init__(self, api: ReviewApi, clock: Callable[[], float]) -> None:
        self._api = api
        self._decided: Fresh[Asked, bool] = Fresh(REMEMBERED_S, MOST_REMEMBERED, clock)

    async def allowed(self, caller: Caller, version: str, namespace: str, pod: str) -> bool:
        """Whether `caller` may see how many calls a pod has.

        Args:
            pod: its name; "*": all of the namespace.

        Raises:
            ApiError: nobody knows.
        """
        asked = (caller, version, namespace, pod)
        decided = self._decided.get(asked)
        if decided is None:
            review = await self._api.create(REVIEWS, _review(*asked))
            decided = review.get("status", {}).get("allowed") is True
            self._decided.put(asked, decided)
        return decided


def _review(caller: Caller, version: str, namespace: str, pod: str) -> Json:
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": caller.user,
            "groups": list(caller.groups),
            "resourceAttributes": {
                "verb": "get",
                "group": GROUP,
                "version": version,
                "namespace": namespace,
                "resource": "pods",
                "subresource": METRIC,
                "name": pod,
            },
        },
    }
