"""`interject serve`: a pod from its manifest, until a signal stops it."""

import asyncio
import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from media_pod.duplex.contract import DuplexBank
from media_pod.manifest.agent import AgentSpec, VoiceAgent
from media_pod.manifest.watch import ManifestWatch
from media_pod.pod.clock import Tap
from media_pod.pod.pod import Addresses, Pod, make_bank
from media_pod.pod.watchdog import Watchdog
from media_pod.telemetry.log_ids import with_call_ids

_logger = logging.getLogger(__name__)


async def serve_agent(
    agent: VoiceAgent,
    manifest: Path,
    *,
    bank: Callable[[AgentSpec], DuplexBank] = make_bank,
    tap: Tap | None = None,
    on_ready: Callable[[Addresses], None] | None = None,
) -> None:
    """Run a pod until SIGTERM, which drains it, or SIGINT, which ends its calls.

    Args:
        agent: what the pod begins with.
        manifest: its file. Paths in it are relative to the folder of this path, not of its link's
            target; new calls follow later changes of the file.
        bank, tap: as in `Pod`.
        on_ready: called with the pod's addresses once it listens.

    Raises:
        SetupError, ProviderError: see `Pod` and `Pod.start`.
        RuntimeError: see `Pod.run`.
    """
    drain, stop = asyncio.Event(), asyncio.Event()
    with _signals({signal.SIGTERM: drain, signal.SIGINT: stop}), ExitStack() as logged:
        pod = Pod(agent, manifest.parent, bank=bank, tap=tap)
        watch = ManifestWatch(manifest, pod.manifest)
        logged.enter_context(with_call_ids(pod.log_context))
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
            with Watchdog(lambda: pod.ticks):
                await _run_until(stop, pod, drain, watch)
        finally:
            await pod.aclose()


async def _run_until(
    stop: asyncio.Event, pod: Pod, drain: asyncio.Event, watch: ManifestWatch
) -> None:
    running = asyncio.create_task(pod.run(drain))
    stopping = asyncio.create_task(stop.wait())
    watching = asyncio.create_task(watch.run())
    watching.add_done_callback(_watch_ended)
    tasks = (running, stopping, watching)
    try:
        await asyncio.wait([running, stopping], return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _watch_ended(watching: asyncio.Task[None]) -> None:
    # The calls go on: they matter more than a manifest that may change.
    if not watching.cancelled() and (error := watching.exception()) is not None:
        _logger.error("the manifest is not watched any more", exc_info=error)


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
