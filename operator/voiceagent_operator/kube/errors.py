"""Errors of requests to the API server."""

from media_pod.errors import InterjectError


class ApiError(InterjectError):
    """The API server refused a request, or did not answer.

    Args:
        request: method and path, such as `GET /api/v1/pods`.
        status: HTTP status; 0 if there was no answer.
        reason: Kubernetes' reason, such as NotFound; the kind of failure if there was no answer.
        message: in words.
    """

    def __init__(self, request: str, status: int, reason: str, message: str) -> None:
        super().__init__(f"{request}: {status or 'no answer'} {reason}: {message}")
        self.request = request
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_after_s: float | None = None
        """Seconds from the Retry-After header, if there was one."""


class NotFoundError(ApiError):
    """404: no such object, or no such kind."""


class ConflictError(ApiError):
    """409: the object has changed meanwhile, or another manager owns a field."""


class ExpiredError(ApiError):
    """410: the resourceVersion of a list or watch is too old; list again."""


class NoAnswerError(ApiError):
    """The API server cannot be reached, or did not answer in time."""


BY_STATUS: dict[int, type[ApiError]] = {404: NotFoundError, 409: ConflictError, 410: ExpiredError}
