"""A pod whose event loop hangs: its process ends, and its calls are reset within seconds."""

import asyncio
import sys
from pathlib import Path
from uuid import uuid4

import aiohttp
import pytest

from media_pod.pod.watchdog import EXIT_CODE, PATIENCE_WAKES, WAKE_S
from media_pod.transport.audiosocket.frames import Frame, FrameKind, encode

POD = """
import sys, time
from pathlib import Path
from media_pod.manifest.agent import load_manifest
from media_pod.pod.runtime import one_thread, run_loop
one_thread()
from media_pod.pod.serve import serve_agent
spec = {"dialogue": {"kind": "scripted", "script": [{"say": "One moment."}]},
    "server": {"bindHost": "127.0.0.1", "httpPort": 0, "audioSocketPort": 0},
    "stt": {"kind": "pocketsphinx"}}
agent = load_manifest({"apiVersion": "interject.dev/v1alpha1", "kind": "VoiceAgent",
    "metadata": {"name": "desk"}, "spec": spec}, "test")
class Hangs:
    def step(self, legs, caller, played, step):
        if legs:
            time.sleep(600)
def ready(addresses):
    print(addresses.audio_port, addresses.http_port, flush=True)
run_loop(serve_agent(agent, Path(sys.argv[1]) / "agent.yaml", tap=Hangs(), on_ready=ready))
"""


@pytest.mark.timeout(120)
async def test_calls_of_a_pod_that_hangs_are_reset_within_seconds(tmp_path: Path) -> None:
    pod = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", POD, str(tmp_path)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert pod.stdout is not None
    assert pod.stderr is not None
    audio_port, http_port = (await pod.stdout.readline()).split()
    call, loop = uuid4(), asyncio.get_running_loop()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{int(http_port)}") as http:
        await (await http.get(f"/api/call-start?uuid={call}")).read()
    reader, writer = await asyncio.open_connection("127.0.0.1", int(audio_port))
    writer.write(encode(Frame(FrameKind.UUID, call.bytes)))
    began_s = loop.time()
    ended = False
    while not ended:
        try:
            writer.write(encode(Frame(FrameKind.SLIN, bytes(320))))
            ended = not await asyncio.wait_for(reader.read(4096), 0.1)
        except TimeoutError:
            continue
        except ConnectionError:
            ended = True
    assert loop.time() - began_s < 4 * PATIENCE_WAKES * WAKE_S
    writer.close()
    said = await pod.stderr.read()
    assert await pod.wait() == EXIT_CODE
    assert b"the clock has not ticked" in said
    assert b"in step" in said, "where it hangs"
