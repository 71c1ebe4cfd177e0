"""What can go wrong between the operator and the API server."""

from media_pod.errors import InterjectError


class ApiError(InterjectError):
    """The API server refused a request, or could not be asked.

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
        """When to ask again, if the server said so."""


class NotFoundError(ApiError):
    """404: no such object, or no such kind."""


class ConflictError(ApiError):
    """409: somebody else was faster, or owns a field."""


class ExpiredError(ApiError):
    """410: the version from which a list or a watch should go on is too old; begin anew."""


class NoAnswerError(ApiError):
    """The API server cannot be reached, or did not answer in time."""


BY_STATUS: dict[int, type[ApiError]] = {404: NotFoundError, 409: ConflictError, 410: ExpiredError}
