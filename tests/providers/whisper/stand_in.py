"""A recognizer process without a model: tells how much audio it got, and in which request."""

import itertools

from media_pod.providers.worker_child import Fields, Handler, WorkerMessage, run


def load(settings: Fields) -> Handler:
    requests = itertools.count(1)

    def answer(request: WorkerMessage) -> WorkerMessage:
        seconds = len(request.payload) / 2 / request.fields["rate_hz"]
        return WorkerMessage({"text": f"request {next(requests)}: {seconds:.2f} s"})

    return answer


if __name__ == "__main__":
    run(load)
