"""Loads changed values into a running Asterisk: phones, trunks, queues, agents, passwords.

In a cluster the values file is a ConfigMap and passwords are files of Secrets, which the kubelet
updates within about a minute, each at its own time. So values that name a password file that is
missing are read again until it is there. Invalid values change nothing.

Asterisk reloads the files in `RELOADS`, and modules that new values need are loaded before. What is
in other files (ports, metrics, log level) takes effect at the next start; the chart replaces the
pods for it.
"""

import hashlib
import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from asterisk_config.environment import files_of, read_sources, read_values
from asterisk_config.modules import needed
from asterisk_config.places import Places, write
from asterisk_config.reload import Reloader
from asterisk_config.render import render
from asterisk_config.values import Values
from media_pod.errors import InterjectError

RELOADS: Final = {
    "pjsip.conf": "module reload res_pjsip.so",
    "queues.conf": "queue reload all",
    "extensions.conf": "dialplan reload",
}
"""Command by file. Calls in progress and registered phones are kept. Only one command is a `module
reload`: Asterisk refuses a second one at the same time, with exit code 0."""
_WITH_MODULES: Final = frozenset({"modules.conf", "queuerules.conf"})
"""Files that are read when a module is loaded."""

log = logging.getLogger(__name__)


class ValuesWatch:
    """Watches the values file and the password files. Create it before Asterisk starts.

    Args:
        environ: environment variables, see `environment`.
        places: paths of Asterisk.
        spawn: starts a command as a child process and returns its process id.

    Raises:
        InterjectError: the values cannot be read or are invalid.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        places: Places,
        spawn: Callable[[tuple[str, ...]], int],
    ) -> None:
        self._environ = environ
        self._places = places
        self._spawn = spawn
        self._problem = ""
        self._files, self._digest, self.values = _read(environ)
        self._rendered = render(self.values, places)
        self._modules = {name: self._reloader(name, loaded=True) for name in needed(self.values)}
        self._reloads = {
            name: Reloader(command, places, spawn, self._rendered.get(name, ""))
            for name, command in RELOADS.items()
        }

    @property
    def rendered(self) -> dict[str, str]:
        """The files of Asterisk's configuration folder: texts by name."""
        return self._rendered

    def poll(self, now_s: float) -> None:
        """Read the files and load what has changed; call it once a second."""
        try:
            digest = _digest(self._files)
            if digest != self._digest:
                self._load()
            self._problem = ""
        except InterjectError as error:
            self._log_once(str(error))
        for module in self._modules.values():
            module.poll(now_s)
        if all(module.state.settled for module in self._modules.values()):
            for reload in self._reloads.values():
                reload.poll(now_s)

    def ended(self, codes: Mapping[int, int]) -> None:
        """Child processes have ended: exit codes by process id."""
        for each in (*self._modules.values(), *self._reloads.values()):
            each.ended(codes)

    def _load(self) -> None:
        files, digest, values = _read(self._environ)
        rendered = render(values, self._places)
        changed = {
            name: rendered.get(name, "")
            for name in self._rendered.keys() | rendered.keys()
            if rendered.get(name) != self._rendered.get(name)
        }
        write(self._places.etc, changed)
        self._files, self._digest, self._rendered = files, digest, rendered
        self._apply(values, changed)

    def _apply(self, values: Values, changed: Mapping[str, str]) -> None:
        for name in set(needed(values)) - self._modules.keys():
            self._modules[name] = self._reloader(name, loaded=False)
            self._modules[name].state.wrote(name)
        for name in RELOADS.keys() & changed.keys():
            self._reloads[name].state.wrote(changed[name])
        later = sorted(changed.keys() - RELOADS.keys() - _WITH_MODULES)
        log.info("values: loading changes of %s", ", ".join(sorted(changed)) or "nothing")
        if later:
            log.warning("values: changes of %s take effect at the next start", ", ".join(later))

    def _reloader(self, module: str, *, loaded: bool) -> Reloader:
        command = f"module load {module}.so"
        return Reloader(command, self._places, self._spawn, module if loaded else "")

    def _log_once(self, problem: str) -> None:
        if problem != self._problem:
            self._problem = problem
            log.error("values: rejected, the previous ones stay: %s", problem)


def _read(environ: Mapping[str, str]) -> tuple[tuple[Path, ...], str, Values]:
    """The watched files, their digest, and the values.

    The digest is older than the values: a file that changes in between is read again at the next
    poll.
    """
    files = files_of(read_sources(environ), environ)
    digest = _digest(files)
    return files, digest, read_values(environ)


def _digest(files: Iterable[Path]) -> str:
    """Digest of the content of all files.

    A file that cannot be read counts as empty: the password of a removed phone can go before the
    phone does.
    """
    whole = hashlib.sha256()
    for path in files:
        content = b""
        with suppress(OSError):
            content = path.read_bytes()
        whole.update(hashlib.sha256(content).digest())
    return whole.hexdigest()
