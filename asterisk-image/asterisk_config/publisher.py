"""Has a running Asterisk read the dialplan that the operator publishes.

The kubelet keeps the ConfigMap's file in a folder of its own, and may change it at any time. What
it says is checked, and copied to where Asterisk includes it. A broken file changes nothing:
Asterisk itself would read it up to the fault, and forget all agents behind that. The folder may
come later, be empty or go away; then no agents are published.
"""

import logging
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from asterisk_config.dialplan import PUBLISHED
from asterisk_config.places import Places
from asterisk_config.publication import Do, Publication
from asterisk_config.published import MAX_BYTES, check
from asterisk_config.write import write
from media_pod.errors import InterjectError, SetupError
from media_pod.manifest.validation import SpecError

LOOK_EVERY_S: Final = 1.0

log = logging.getLogger(__name__)


class Publisher:
    """The file's way to Asterisk. To be made before Asterisk starts.

    Args:
        places: where the file comes from, and where it goes to.
        spawn: starts a command as a child process, and returns its id.

    Raises:
        SetupError: the copy cannot be written.
    """

    def __init__(self, places: Places, spawn: Callable[[tuple[str, ...]], int]) -> None:
        self._places = places
        self._spawn = spawn
        self._reload: int | None = None
        self._problem = ""
        text = self._text() or ""
        write(places.etc, {PUBLISHED: text})
        self._publication = Publication(text)

    def look(self, now_s: float) -> None:
        """Read the file, and do what is due; to be called once a second."""
        text = self._text()
        if text is not None and text != self._publication.written:
            self._write(text)
        match self._publication.look(now_s):
            case Do.RELOAD:
                self._reload = self._spawn(self._places.command("-rx", "dialplan reload"))
            case Do.KILL if self._reload is not None:
                os.kill(self._reload, signal.SIGKILL)

    def ended(self, codes: Mapping[int, int]) -> None:
        """Children have ended, with these exit codes by their ids."""
        if self._reload is not None and self._reload in codes:
            self._publication.ended(codes[self._reload])
            self._reload = None

    def _text(self) -> str | None:
        """What is published, None if that cannot be used. Each problem is logged once."""
        try:
            text = read_published(self._places.published)
        except InterjectError as error:
            self._complain(str(error))
            return None
        self._problem = ""
        return text

    def _write(self, text: str) -> None:
        try:
            write(self._places.etc, {PUBLISHED: text})
        except SetupError as error:
            self._complain(str(error))
            return
        self._publication.wrote(text)
        log.info("published dialplan: another one, %d lines", text.count("\n"))

    def _complain(self, problem: str) -> None:
        if problem != self._problem:
            self._problem = problem
            log.error("published dialplan: not taken, the one before stays: %s", problem)


def read_published(folder: Path) -> str:
    """The texts of all *.conf in `folder`, by the order of their names; "" if there are none.

    Raises:
        SetupError: one cannot be read.
        SpecError: one is not what Asterisk may read, or they are too large.
    """
    texts = []
    left = MAX_BYTES
    for path in sorted(folder.glob("*.conf")):
        text = _read(path, left)
        check(text, str(path))
        left -= len(text)
        texts.append(text)
    return "".join(texts)


def _read(path: Path, most: int) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SetupError(f"{path}: cannot be read ({reason})") from error
    if len(content) > most:
        raise SpecError(str(path), (f"larger than the {MAX_BYTES} bytes that a ConfigMap holds",))
    return content.decode("ascii", "replace").replace("\r\n", "\n")
