"""`interject serve` as a process: how it comes, is called and goes."""

import asyncio
import re
import signal
from collections.abc import Callable
from pathlib import Path

import yaml

from serve_process import DEADLINE_S, INTERJECT, serve, write

READY = re.compile(r"is ready: AudioSocket on port (\d+), HTTP on port (\d+)")


async def log_until(process: asyncio.subprocess.Process, said: re.Pattern[str]) -> bytes:
    """What the process logs, up to the line that says it."""
    assert process.stderr is not None
    log = b""
    async with asyncio.timeout(DEADLINE_S):
        while not said.search(log.decode()):
            line = await process.stderr.readline()
            assert line, log
            log += line
    return log


async def run_until(
    number: signal.Signals, manifest: Path, edit: Callable[[], re.Pattern[str]] | None = None
) -> int | None:
    """Serve, edit the manifest once it is ready until the log says so, send the signal, and tell
    the exit code."""
    process = await serve(manifest)
    log = await log_until(process, READY)
    if edit is not None:
        log += await log_until(process, edit())
    process.send_signal(number)
    async with asyncio.timeout(DEADLINE_S):
        out, rest = await process.communicate()

    assert out == b""
    assert b"Traceback" not in log + rest
    return process.returncode


async def test_a_pod_that_is_told_to_go_goes(tmp_path: Path) -> None:
    manifest = write(tmp_path)

    codes = await asyncio.gather(
        run_until(signal.SIGTERM, manifest), run_until(signal.SIGINT, manifest)
    )

    assert set(codes) == {0}


def catches(pid: int, number: signal.Signals) -> bool:
    """Whether the process has a handler for the signal."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = re.search(r"^SigCgt:\s*([0-9a-f]+)$", status, re.MULTILINE)
    assert caught is not None
    return bool(int(caught[1], 16) >> (number - 1) & 1)


async def test_a_pod_that_is_told_to_go_while_it_loads_does_not_wait_for_that(
    tmp_path: Path,
) -> None:
    """Process 1 of a container gets no signal for which it has no handler."""
    process = await serve(write(tmp_path))
    async with asyncio.timeout(DEADLINE_S):
        while not catches(process.pid, signal.SIGTERM):
            await asyncio.sleep(0.01)
        process.terminate()
        _, err = await process.communicate()

    assert process.returncode == 0
    assert not READY.search(err.decode())
    assert b"Traceback" not in err


async def test_a_manifest_that_is_edited_is_taken_without_a_restart(tmp_path: Path) -> None:
    def edit() -> re.Pattern[str]:
        new = write(tmp_path, "new.yaml", dialogue={"kind": "scripted", "script": [{"say": "No."}]})
        new.replace(manifest)
        return re.compile("manifest reloaded: new calls use its dialogue")

    manifest = write(tmp_path)
    assert await run_until(signal.SIGTERM, manifest, edit) == 0


async def test_a_pod_is_called_over_ipv6_and_ipv4_by_default(tmp_path: Path) -> None:
    manifest = write(tmp_path, dialogue={"kind": "scripted", "script": [{"say": "Hello."}]})
    document = yaml.safe_load(manifest.read_text())
    del document["spec"]["server"]["bindHost"]
    manifest.write_text(yaml.safe_dump(document))
    serving = await serve(manifest)
    try:
        assert serving.stderr is not None
        async with asyncio.timeout(DEADLINE_S):
            while not (ready := READY.search((await serving.stderr.readline()).decode())):
                pass
        called = [await called_at(f"{host}:{ready[2]}") for host in ("127.0.0.1", "[::1]")]
    finally:
        serving.send_signal(signal.SIGTERM)
        await serving.communicate()
    assert f"AudioSocket at 127.0.0.1:{ready[1]}" in called[0]
    assert f"AudioSocket at [::1]:{ready[1]}" in called[1]


async def called_at(address: str) -> str:
    """What `interject call` prints."""
    process = await asyncio.create_subprocess_exec(
        *INTERJECT, "call", address, "--seconds", "2", stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    async with asyncio.timeout(DEADLINE_S):
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()
