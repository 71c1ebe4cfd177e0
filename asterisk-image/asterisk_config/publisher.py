"""Loads the dialplan that the operator publishes into a running Asterisk.

The dialplan is a ConfigMap, mounted as a folder that the kubelet can update at any time. The files
are validated and copied to the file that Asterisk includes. Invalid files are ignored: Asterisk
itself would load such a file up to the error and drop all agents behind it. The folder can appear
later, be empty or disappear; then no agents are published. Transfers that the values do not permit
are dropped, whatever the operator permits.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from asterisk_config.dialplan import PUBLISHED
from asterisk_config.places import Places, write
from asterisk_config.published import MAX_BYTES, check, restrict
from asterisk_config.reload import Reloader
from media_pod.errors import InterjectError, SetupError
from media_pod.manifest.validation import SpecError

log = logging.getLogger(__name__)


class Publisher:
    """Watches the published dialplan. Create it before Asterisk starts.

    Args:
        places: source folder and target folder.
        spawn: starts a command as a child process and returns its process id.
        transfer_places: see `published.restrict`.

    Raises:
        SetupError: the copy cannot be written.
    """

    def __init__(
        self,
        places: Places,
        spawn: Callable[[tuple[str, ...]], int],
        transfer_places: Sequence[str] = (),
    ) -> None:
        self._places = places
        self._transfer_places = transfer_places
        self._problem = ""
        self._dropped: tuple[str, ...] = ()
        text = self._text() or ""
        write(places.etc, {PUBLISHED: text})
        self._reloader = Reloader("dialplan reload", places, spawn, text)

    def poll(self, now_s: float) -> None:
        """Read the files and reload the dialplan if they have changed; call it once a second."""
        text = self._text()
        if text is not None and text != self._reloader.state.written:
            self._write(text)
        self._reloader.poll(now_s)

    def ended(self, codes: Mapping[int, int]) -> None:
        """Child processes have ended: exit codes by process id."""
        self._reloader.ended(codes)

    def _text(self) -> str | None:
        """The published dialplan, None if it is invalid. Each problem is logged once."""
        try:
            text = read_published(self._places.published)
        except InterjectError as error:
            self._log_once(str(error))
            return None
        self._problem = ""
        text, dropped = restrict(text, self._transfer_places)
        if dropped != self._dropped:
            self._dropped = dropped
            for place in dropped:
                log.warning("published dialplan: no transfer to %s: not in transferPlaces", place)
        return text

    def _write(self, text: str) -> None:
        try:
            write(self._places.etc, {PUBLISHED: text})
        except SetupError as error:
            self._log_once(str(error))
            return
        self._reloader.state.wrote(text)
        log.info("published dialplan: loading a new version, %d lines", text.count("\n"))

    def _log_once(self, problem: str) -> None:
        if problem != self._problem:
            self._problem = problem
            log.error("published dialplan: rejected, the previous version stays: %s", problem)


def read_published(folder: Path) -> str:
    """The concatenated files *.conf of `folder`, sorted by name; "" if there are none.

    Raises:
        SetupError: a file cannot be read.
        SpecError: a file is invalid, or the files are too large.
    """
    texts = []
    left = MAX_BYTES
    for path in sorted(folder.glob("*.conf")):
        text = _read(path, left)
        check(text, str(path))
        left -= len(text)
        texts.append(text)
    return "".join(texts)


def _read(path: Path, max_bytes: int) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(max_bytes + 1)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SetupError(f"{path}: cannot be read ({reason})") from error
    if len(content) > max_bytes:
        raise SpecError(str(path), (f"larger than {MAX_BYTES} bytes, the limit of a ConfigMap",))
    return content.decode("ascii", "replace").replace("\r\n", "\n")
