"""`interject serve`: a pod from its manifest until it is told to stop."""

import asyncio
import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from media_pod.clock import Tap
from media_pod.duplex.contract import DuplexBank
from media_pod.pod import Addresses, Pod, make_bank
from media_pod.spec import AgentSpec, VoiceAgent

_logger = logging.getLogger(__name__)


async def serve_agent(
    agent: VoiceAgent,
    folder: Path,
    *,
    bank: Callable[[AgentSpec], DuplexBank] = make_bank,
    tap: Tap | None = None,
    on_ready: Callable[[Addresses], None] | None = None,
) -> None:
    """Run a pod until SIGTERM, which drains it, or SIGINT, which ends its calls.

    Args:
        agent: the manifest.
        folder: what paths in it are relative to.
        bank, tap: as in `Pod`.
        on_ready: told where the pod listens once it does.

    Raises:
        SetupError, ProviderError: see `Pod` and `Pod.start`.
        RuntimeError: see `Pod.run`.
    """
    pod = Pod(agent, folder, bank=bank, tap=tap)
    drain, stop = asyncio.Event(), asyncio.Event()
    with _signals({signal.SIGTERM: drain, signal.SIGINT: stop}):
        try:
            addresses = await pod.start()
            _logger.info(
                "%s is ready: %s on port %d, HTTP on port %d, %d calls at a time",
                agent.metadata.name,
                addresses.audio_protocol,
                addresses.audio_port,
                addresses.http_port,
                agent.spec.capacity.calls,
            )
            if on_ready is not None:
                on_ready(addresses)
            await _run_until(stop, pod, drain)
        finally:
            await pod.aclose()


async def _run_until(stop: asyncio.Event, pod: Pod, drain: asyncio.Event) -> None:
    running = asyncio.create_task(pod.run(drain))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([running, stopping], return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
    finally:
        for task in (running, stopping):
            task.cancel()
        await asyncio.gather(running, stopping, return_exceptions=True)


@contextmanager
def _signals(events: dict[signal.Signals, asyncio.Event]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for number, event in events.items():
        loop.add_signal_handler(number, event.set)
    try:
        yield
    finally:
        for number in events:
            loop.remove_signal_handler(number)
