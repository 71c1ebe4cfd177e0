"""The key of an account, which may be replaced while the pod runs."""

import asyncio
import logging
from collections.abc import Callable

from media_pod.errors import InterjectError

_LOG = logging.getLogger(__name__)


class ApiKey:
    """A key, read again when the server rejects it.

    In a cluster the kubelet updates the file of a mounted Secret: a pod that reads it again needs
    no restart when an operator of the account replaces a key.
    """

    def __init__(self, what: str, value: str, read_again: Callable[[], str | None] | None) -> None:
        """
        Args:
            what: the provider and its input, the beginning of messages.
            value: as it was at the start; see `is_sendable`.
            read_again: what the key is now, may block and raise InterjectError; None if it cannot
                change.
        """
        self._what = what
        self.value = value
        self._read_again = read_again

    async def replaces(self, rejected: str) -> bool:
        """Whether there is another key than `rejected`; then `value` is that one."""
        if self.value == rejected and self._read_again is not None:
            try:
                found = await asyncio.to_thread(self._read_again)
            except InterjectError as error:
                _LOG.warning("%s: the key was rejected: %s", self._what, error)
                return False
            # Another request may have read it meanwhile.
            if found and is_sendable(found) and self.value == rejected != found:
                self.value = found
                _LOG.info("%s: the key was rejected, and has been replaced", self._what)
        return self.value != rejected


def is_sendable(key: str) -> bool:
    """Whether an HTTP header can have `key`: printable ASCII, not empty."""
    return bool(key) and key.isascii() and key.isprintable()
