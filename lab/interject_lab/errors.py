"""The lab's branch of the tree of errors."""

from media_pod.errors import InterjectError


class LabError(InterjectError):
    """A simulated call that cannot be set up or did not come about; the message says what next."""
