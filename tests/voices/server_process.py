"""A server as a process of its own."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

START_S: Final = 50.0
PORT: Final = "{port}"
"""Stands for the port in the arguments of a command."""
STOP_S: Final = 10.0
POLL_S: Final = 0.1
LAST_WORDS: Final = 500
"""Characters of the log of a server that does not start."""
NOTHING: Final[Mapping[str, str]] = {}


@contextmanager
def server_process(
    command: Sequence[str], log: Path, environ: Mapping[str, str] = NOTHING
) -> Iterator[str]:
    """Run `command` on a free port of loopback; gives its address once it accepts connections.

    Args:
        command: its arguments have the port as `PORT`.
        log: file for what it prints.
        environ: added to the environment.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with log.open("wb") as output:
        process = subprocess.Popen(
            [argument.replace(PORT, str(port)) for argument in command],
            env={**os.environ, "HF_HUB_OFFLINE": "1", **environ},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        _wait(process, port, log)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), POLL_S):
            return
        time.sleep(POLL_S)
    words = log.read_text(errors="replace")[-LAST_WORDS:].strip()
    raise AssertionError(f"the server does not start: {words}")
