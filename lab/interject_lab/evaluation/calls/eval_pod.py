"""The pod of one scenario, as a process: it reports the events of its call while they happen.

`python -m interject_lab.evaluation.calls.eval_pod MANIFEST FOLDER OUT` prints one JSON line with
its ports, then one for each event (`call_log.py` reads them), and at its end writes to OUT what the
bank did (`recorder.Recorder`) and what its voices spoke (`spoken_speech.SpeechLog`). Paths in the
manifest are relative to FOLDER.
"""

import asyncio
import json
import logging
import signal
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from interject_lab.evaluation.calls.spoken_speech import RecordedTts, SpeechLog
from interject_lab.recorder.pod_process import print_addresses
from interject_lab.recorder.recorder import Recorder
from media_pod.call.events import (
    CallRef,
    Ended,
    Event,
    ProviderAnswered,
    ProviderCancelled,
    ProviderEvent,
    ProviderFailed,
    ProviderFinished,
    ProviderRequested,
    Recognized,
    SpeechPlayed,
    TurnStarted,
)
from media_pod.calls.registry import Leg
from media_pod.duplex.contract import Pcm, Step
from media_pod.errors import InterjectError
from media_pod.manifest.agent import AgentSpec
from media_pod.manifest.file import read_manifest
from media_pod.pod.pod import Pod
from media_pod.pod.runtime import run_loop
from media_pod.pod.services import AgentServices
from media_pod.providers.chain import ProviderChain
from media_pod.providers.requests import ProviderRequest

_ENDS: Final = {
    ProviderFinished: "finished",
    ProviderFailed: "failed",
    ProviderCancelled: "cancelled",
}


class EventReport:
    """Prints events as JSON lines; a subscriber of call events, on the bus's thread."""

    def __init__(self) -> None:
        # Call events carry the system's time without its steps; telephones use the monotonic clock.
        self._ahead_ns = time.time_ns() - time.monotonic_ns()
        self._numbers: dict[ProviderRequest, int] = {}
        self._lock = threading.Lock()

    def on_event(self, call: CallRef, event: Event) -> None:
        """See `event_bus.Subscriber`."""
        match event:
            case TurnStarted(number=number):
                self._print(event, "turn", number=number)
            case Recognized(text=text, digits=digits):
                self._print(event, "recognized", text=text, digits=digits)
            case SpeechPlayed(heard=heard, unheard=unheard, cut=cut):
                self._print(event, "played", heard=heard, unheard=unheard, cut=cut)
            case Ended(by=by, goto=goto):
                self._print(event, "ended", by=by, goto=goto)
            case ProviderEvent():
                self._request(event)

    def words(self, count: int) -> None:
        """The bot has said so many words of its turn."""
        self._write({"event": "words", "count": count})

    def _request(self, event: ProviderEvent) -> None:
        request = event.request
        match event:
            case ProviderRequested():
                number = self._numbers[request] = len(self._numbers)
                self._print(
                    event,
                    "requested",
                    request=number,
                    kind=request.kind,
                    provider=request.provider,
                    text=request.text,
                )
            case ProviderAnswered():
                self._print(event, "answered", request=self._numbers.get(request))
            case ProviderFinished() | ProviderFailed() | ProviderCancelled():
                text = event.text if isinstance(event, ProviderFinished) else ""
                number_or_none = self._numbers.get(request)
                outcome = _ENDS[type(event)]
                self._print(event, "done", request=number_or_none, outcome=outcome, text=text)

    def _print(self, event: Event, name: str, **facts: Any) -> None:
        self._write({"event": name, "at_ns": event.at_ns - self._ahead_ns, **facts})

    def _write(self, line: Mapping[str, Any]) -> None:
        with self._lock:
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()


class EvalTap:
    """A tap that records the call, and reports how many words of its turn the bot has said."""

    def __init__(self, report: EventReport) -> None:
        self.recorder = Recorder()
        self._report = report
        self._words = 0

    def step(self, legs: dict[int, Leg], caller: Pcm, played: Pcm, step: Step) -> None:
        """See `clock.Tap`."""
        self.recorder.step(legs, caller, played, step)
        for leg in legs.values():
            words = len(leg.call.said.heard.split())
            if words != self._words:
                self._words = words
                self._report.words(words)


class EvalServices(AgentServices):
    """The services of an agent, whose voices keep what they speak."""

    def __init__(self, spec: AgentSpec, folder: Path, speech: SpeechLog) -> None:
        super().__init__(spec, folder)
        voices = [RecordedTts(voice, speech) for voice in self.tts.providers]
        self.tts = ProviderChain("tts", voices, self.tts.deadline_s, time.monotonic)


async def _serve(manifest: Path, folder: Path, out: Path) -> None:
    report, speech = EventReport(), SpeechLog()
    tap = EvalTap(report)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    pod = Pod(
        await asyncio.to_thread(read_manifest, manifest),
        folder,
        services=lambda spec, where: EvalServices(spec, where, speech),
        tap=tap,
        subscribers=(report.on_event,),
    )
    try:
        print_addresses(await pod.start())
        await pod.run(stop)
    finally:
        await pod.aclose()
    tap.recorder.save(out)
    speech.save(out)


def main(manifest: str, folder: str, out: str) -> None:
    """Serve until SIGTERM."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        run_loop(_serve(Path(manifest), Path(folder), Path(out)))
    except InterjectError as error:
        sys.exit(f"{error}")


if __name__ == "__main__":
    main(*sys.argv[1:])
