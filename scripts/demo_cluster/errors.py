"""What may go wrong here."""

from media_pod.errors import InterjectError


class DemoError(InterjectError):
    """A step of the demonstration failed; the message says which, and what to do."""
