"""The child's side of a worker process, and the frames that both sides exchange.

A worker runs what would block the pod's 20 ms clock: a model, or a library that holds the GIL. Its
module calls `run` with a function that loads the model; `worker_process` is the parent's side.

Frame, in both directions: the size of the fields and that of the payload, 32-bit little-endian
each, the fields as a JSON object, the payload. The child sends the first frame, {"ready": true} or
{"error": ...}, and then one frame per request.

Beside the standard library this module imports `media_pod.errors` alone: its import is part of
every worker's start.
"""

import ctypes
import json
import os
import signal
import struct
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from media_pod.errors import SetupError

HEADER = struct.Struct("<II")
MAX_FIELDS_BYTES = 1 << 20
MAX_PAYLOAD_BYTES = 32 << 20
"""Maximum sizes of a frame: a minute of 16-bit PCM at 48 kHz takes 6 MB."""
NICENESS = 10
"""Added to the pod's own niceness. A clock with 4 ms of work in each tick, which shared one core
with a busy recognizer and a busy voice, was late by 9 ms (p99) without it and by 5 ms with it."""
_PR_SET_PDEATHSIG = 1
"""linux/prctl.h."""

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WorkerMessage:
    """A request or an answer."""

    fields: Fields
    payload: bytes = b""

    def encode(self) -> bytes:
        """The frame."""
        fields = json.dumps(self.fields).encode()
        return HEADER.pack(len(fields), len(self.payload)) + fields + self.payload


Handler = Callable[[WorkerMessage], WorkerMessage]


def decode_sizes(header: bytes) -> tuple[int, int]:
    """Sizes of the fields and of the payload.

    Args:
        header: the first `HEADER.size` bytes of a frame.

    Raises:
        ValueError: a size is above its maximum, as in bytes that are no frame.
    """
    fields_size, payload_size = HEADER.unpack(header)
    if fields_size > MAX_FIELDS_BYTES or payload_size > MAX_PAYLOAD_BYTES:
        raise ValueError(
            f"a frame of {fields_size} + {payload_size} bytes (header {header!r}), expected at "
            f"most {MAX_FIELDS_BYTES} + {MAX_PAYLOAD_BYTES}"
        )
    return fields_size, payload_size


def decode_fields(data: bytes) -> Fields:
    """Parse the fields of a frame.

    Raises:
        ValueError: they are not a JSON object.
    """
    fields = json.loads(data)
    if not isinstance(fields, dict):
        raise ValueError(f"fields {data[:60]!r}, expected a JSON object")
    return fields


def run(load: Callable[[Fields], Handler]) -> None:
    """Serve the parent until it closes standard input; the main function of a worker.

    Args:
        load: gets the settings of the worker and returns what answers one request. Its errors, and
            those of its result, are reported to the parent. SetupError means that a package or a
            file is missing.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    os.nice(NICENESS)
    _end_with_parent()
    # Libraries print, and a line of text between two frames would break the protocol.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        serve(load, json.loads(sys.argv[1]), sys.stdin.buffer, answers)
    except BrokenPipeError:
        # The parent is gone. Without this, the interpreter reports the error again at exit.
        os._exit(0)


def serve(
    load: Callable[[Fields], Handler], settings: Fields, requests: BinaryIO, answers: BinaryIO
) -> None:
    """Load, then answer requests until the end of the input; see `run`."""
    try:
        handle = load(settings)
    except Exception as error:
        _send(answers, _failure(error))
        return
    _send(answers, WorkerMessage({"ready": True}))
    while (request := _receive(requests)) is not None:
        try:
            answer = handle(request)
        except Exception as error:
            answer = _failure(error)
        _send(answers, answer)


def _receive(requests: BinaryIO) -> WorkerMessage | None:
    header = requests.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    fields_size, payload_size = decode_sizes(header)
    data = requests.read(fields_size + payload_size)
    if len(data) < fields_size + payload_size:
        return None
    return WorkerMessage(decode_fields(data[:fields_size]), data[fields_size:])


def _send(answers: BinaryIO, message: WorkerMessage) -> None:
    answers.write(message.encode())
    answers.flush()


def _failure(error: Exception) -> WorkerMessage:
    setup = isinstance(error, SetupError)
    text = str(error) if setup else f"{type(error).__name__}: {error}"
    return WorkerMessage({"error": " ".join(text.split())[:1000], "setup": setup})


def _end_with_parent() -> None:
    """Die with the parent even in the middle of a request, when the end of the input is not read.

    The kernel sends the signal when the thread that started the child ends (prctl(2)): here the
    thread of the event loop.
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        if hasattr(libc, "prctl"):
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
