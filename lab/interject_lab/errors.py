"""The lab's branch of the tree of errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from media_pod.errors import InterjectError, SetupError


class LabError(InterjectError):
    """A simulated call that cannot be set up or did not come about; the message says what next."""


@contextmanager
def writing(path: Path, instead: str = "file") -> Iterator[None]:
    """For the block that writes the user's `path`; `instead` is what to give if it cannot be.

    Raises:
        SetupError: in place of an `OSError` of the block.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise SetupError(f"cannot write {path}: {reason}; give another {instead}") from error
