"""The process in which pipecat pipelines run, one for each call: `python -m` this module.

Arguments: path of the socket to listen on, and `module:function`. The function takes an
`InterjectTransport` and returns a pipeline, or a worker with one. When the process can take calls
it writes a line to its standard output.
"""

import asyncio
import importlib
import inspect
import os
import sys
from collections.abc import Callable
from typing import Any, BinaryIO, Final

from pipecat.pipeline.base_pipeline import BasePipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.workers.runner import WorkerRunner

from media_pod.dialogues.pipecat.transport import InterjectTransport
from media_pod.dialogues.pipecat.wire import (
    READY_LINE,
    MessageDecoder,
    MessageKind,
    encoded,
    encoded_json,
    fields,
)

_READ_BYTES: Final = 1 << 16

Factory = Callable[[InterjectTransport], Any]


async def serve(socket_path: str, factory: Factory, ready: BinaryIO) -> None:
    """Take calls until the process ends; writes the line to `ready`, and closes it."""

    async def on_call(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _CallPipeline(reader, writer, factory).run()
        finally:
            writer.close()

    server = await asyncio.start_unix_server(on_call, socket_path)
    ready.write(READY_LINE + b"\n")
    ready.close()
    await server.serve_forever()


class _CallPipeline:
    """The pipeline of one call."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, factory: Factory
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._factory = factory
        self._decoder = MessageDecoder()
        self._transport: InterjectTransport | None = None
        self._running: asyncio.Task[None] | None = None
        self._worker: PipelineWorker | None = None

    async def run(self) -> None:
        """Until the pod closes the connection."""
        try:
            while data := await self._reader.read(_READ_BYTES):
                for kind, payload in self._decoder.feed(data):
                    await self._on_message(kind, payload)
        except ConnectionError:
            pass
        finally:
            if self._worker is not None:
                await self._worker.cancel()
            elif self._running is not None:
                self._running.cancel()  # its pipeline is still being made
            if self._running is not None:
                await asyncio.gather(self._running, return_exceptions=True)

    async def _on_message(self, kind: MessageKind, payload: bytes) -> None:
        if kind is MessageKind.START:
            self._transport = InterjectTransport(self._writer, fields(payload))
            self._running = asyncio.create_task(self._run_pipeline(self._transport))
        elif self._transport is not None:
            await self._transport.on_message(kind, payload)

    async def _run_pipeline(self, transport: InterjectTransport) -> None:
        error = ""
        try:
            made = self._factory(transport)
            made = await made if inspect.isawaitable(made) else made
            self._worker = _as_worker(made, int(transport.call["rate_hz"]))
            self._worker.event_handler("on_pipeline_started")(self._on_started)
            runner = WorkerRunner(handle_sigint=False)
            await runner.add_workers(self._worker)
            await runner.run()
        except Exception as failure:  # the edge at which a pipeline's bug stops
            error = f"{type(failure).__name__}: {failure}"
        self._writer.write(encoded_json(MessageKind.END, error=error))

    async def _on_started(self, *_: object) -> None:
        self._writer.write(encoded(MessageKind.READY))


def _as_worker(made: object, rate_hz: int) -> PipelineWorker:
    if isinstance(made, PipelineWorker):
        return made
    if not isinstance(made, BasePipeline):
        raise TypeError(f"found {type(made).__name__}, expected a pipeline or a PipelineWorker")
    # Voices keep pipecat's own rate; the transport resamples.
    params = PipelineParams(audio_in_sample_rate=rate_hz)
    # The pod ends a call whose caller is silent.
    return PipelineWorker(made, params=params, cancel_on_idle_timeout=False)


def _factory(name: str) -> Factory:
    module, _, function = name.partition(":")
    found = getattr(importlib.import_module(module), function)
    if not callable(found):
        raise TypeError(f"{name} is no function")
    factory: Factory = found
    return factory


def main() -> None:
    """Run until the process is stopped."""
    socket_path, name = sys.argv[1:]
    ready = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # the pod reads one line: what a pipeline prints goes to its log
    try:
        factory = _factory(name)
    except Exception as error:  # the edge at which a module's bug becomes one line
        sys.exit(f"{name}: {type(error).__name__}: {error}")
    asyncio.run(serve(socket_path, factory, ready))


if __name__ == "__main__":
    main()
