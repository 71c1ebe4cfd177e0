"""`interject call` as people use it: real processes, and a pod that talks."""

import json
import os
import queue
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from real_time.retry import again_if_stalled
from real_time.verdict import TRIES
from serve_process import DEADLINE_S, INTERJECT

AGENT = """
apiVersion: interject.dev/v1alpha1
kind: VoiceAgent
metadata:
  name: talker
spec:
  dialogue:
    kind: scripted
    script:
      - say: >-
          This line speaks a text that is much longer than the call, so that whoever calls has
          to interrupt it, and it goes on and on, and does not end before the caller hangs up.
    atEnd: repeat
  capacity:
    calls: 1
  server:
    bindHost: 127.0.0.1
    audioSocketPort: 0
    httpPort: 0
  drain:
    timeoutSeconds: 1
"""
READY = re.compile(r"is ready: AudioSocket on port \d+, HTTP on port (\d+)")


def interject(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (*INTERJECT, *arguments), capture_output=True, text=True, timeout=DEADLINE_S
    )


@pytest.fixture(scope="module")
def pod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The API's address of a pod that talks; it must end by itself and without an error."""
    manifest = tmp_path_factory.mktemp("agent") / "agent.yaml"
    manifest.write_text(AGENT)
    process = subprocess.Popen(
        (*INTERJECT, "serve", str(manifest)), stderr=subprocess.PIPE, text=True
    )
    try:
        yield f"127.0.0.1:{_http_port(process)}"
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE_S) == 0
    finally:
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()


def _http_port(process: subprocess.Popen[str]) -> str:
    """Where the pod says that it listens; its log is read on for as long as it lives."""
    found: queue.Queue[str] = queue.Queue()

    def read() -> None:
        assert process.stderr is not None
        with open(os.dup(process.stderr.fileno())) as log:
            for line in log:
                if match := READY.search(line):
                    found.put(match[1])

    threading.Thread(target=read, daemon=True).start()
    return found.get(timeout=DEADLINE_S)


@pytest.mark.timeout(TRIES * 40)
def test_a_call_talks_over_a_real_pod_and_it_stops(pod: str, tmp_path: Path) -> None:
    again_if_stalled(lambda: _talk_over(pod, tmp_path / "call.wav"))


def _talk_over(pod: str, recording: Path) -> None:
    options = ["--seconds", "6", "--say", "2.5:wait a moment please", "--record", str(recording)]
    done = interject("call", pod, *options, "--json")
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    assert seen["ended"] == "the caller hung up"
    (interruption,) = seen["interruptions"]
    assert interruption["label"] == "wait a moment please"
    assert interruption["onset_s"] == pytest.approx(2.5, abs=0.1)
    assert interruption["onset_to_silence_ms"] is not None
    assert seen["stops"] == 1
    assert recording.stat().st_size > 6 * 8000 * 2 * 2 * 0.9


def test_a_call_prints_what_happens_and_a_table(pod: str) -> None:
    done = interject("call", pod, "--seconds", "1")
    assert done.returncode == 0, done.stderr
    assert "connected" in done.stdout
    assert "bot speaks" in done.stdout
    assert "call          1.0 s; the caller hung up" in done.stdout
