"""A worker without a model, for `test_worker_process`: does what its requests and settings say.

python -m tests.providers.worker_stand_in '{"at_start": "die"}'
"""

import os
import time

from media_pod.errors import SetupError
from media_pod.providers.worker_child import Fields, Handler, WorkerMessage, run

FOREVER_S = 3600


def load(settings: Fields) -> Handler:
    match settings.get("at_start"):
        case "die":
            os.write(2, b"the model is cursed\n")
            os._exit(3)
        case "hang":
            time.sleep(FOREVER_S)
        case "setup error":
            raise SetupError("no model in /models")
        case "error":
            raise RuntimeError("out of memory")
    return answer


def answer(request: WorkerMessage) -> WorkerMessage:
    match request.fields.get("do"):
        case "die":
            os.write(2, b"Segmentation fault\n")
            os._exit(139)
        case "hang":
            time.sleep(FOREVER_S)
        case "wait for file":
            while not os.path.exists(request.fields["path"]):
                time.sleep(0.001)
        case "raise":
            raise ValueError("the input\nis empty")
        case "send garbage":
            os.write(_pipe_of_answers(), b"Loading the model...\n")
        case "send invalid fields":
            os.write(_pipe_of_answers(), b"\x02\0\0\0\0\0\0\0[]")
        case "send half":
            os.write(_pipe_of_answers(), b"\x02\0\0\0")
            os._exit(0)
        case "print":
            os.write(1, b"libraries print\n")
        case "flood":
            os.write(2, b"x" * 1_000_000)
    environment = {"niceness": os.nice(0), "threads": os.environ["OMP_NUM_THREADS"]}
    return WorkerMessage({**request.fields, **environment, "pid": os.getpid()}, request.payload)


def _pipe_of_answers() -> int:
    """The copy of standard output that `run` made: the highest open descriptor is `listdir`'s."""
    return sorted(int(name) for name in os.listdir("/proc/self/fd"))[-2]


if __name__ == "__main__":
    run(load)
