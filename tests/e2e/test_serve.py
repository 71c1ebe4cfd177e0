"""`interject serve` as a process: what it says when it cannot serve, and how it goes."""

import asyncio
import re
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

INTERJECT = (sys.executable, "-c", "from media_pod.cli import main; main()")
DEADLINE_S = 40.0
READY = re.compile(r"is ready: AudioSocket on port (\d+), HTTP on port (\d+)")


def write(folder: Path, name: str = "agent.yaml", **spec: Any) -> Path:
    server = {"bindHost": "127.0.0.1", "audioSocketPort": 0, "httpPort": 0}
    agent = {
        "apiVersion": "interject.dev/v1alpha1",
        "kind": "VoiceAgent",
        "metadata": {"name": "agent"},
        "spec": {
            "dialogue": {"kind": "parcelDesk"},
            "capacity": {"calls": 1},
            "server": server | spec.pop("server", {}),
            **spec,
        },
    }
    path = folder / name
    path.write_text(yaml.safe_dump(agent))
    return path


def plays(path: str) -> dict[str, Any]:
    return {"kind": "scripted", "script": [{"play": path}]}


async def serve(manifest: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *INTERJECT,
        "serve",
        str(manifest),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def mistake(manifest: Path) -> str:
    """The one line that says why it does not serve."""
    process = await serve(manifest)
    async with asyncio.timeout(DEADLINE_S):
        out, err = await process.communicate()
    lines = [line for line in err.decode().splitlines() if line.startswith("interject: ")]

    assert process.returncode == 2
    assert out == b""
    assert b"Traceback" not in err
    (line,) = lines
    return line


async def mistakes(*manifests: Path) -> list[str]:
    return await asyncio.gather(*map(mistake, manifests))


async def test_a_missing_manifest(tmp_path: Path) -> None:
    line = await mistake(tmp_path / "nowhere.yaml")

    assert "nowhere.yaml: no such file" in line
    assert "give the path of a VoiceAgent manifest" in line


async def test_a_wrong_key_is_named_with_the_nearest_right_one(tmp_path: Path) -> None:
    line = await mistake(write(tmp_path, capacity={"cals": 1}))

    assert "agent.yaml: spec.capacity.cals" in line
    assert "calls" in line.partition("cals")[2]


async def test_a_file_that_is_no_yaml(tmp_path: Path) -> None:
    path = tmp_path / "agent.yaml"
    path.write_text("spec: }")

    assert "agent.yaml: line 1" in await mistake(path)


async def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        line = await mistake(write(tmp_path, server={"httpPort": number}))

    assert f"127.0.0.1:{number}" in line
    assert "in use" in line
    assert "spec.server.httpPort" in line


async def test_a_voice_that_espeak_does_not_have(tmp_path: Path) -> None:
    line = await mistake(write(tmp_path, tts={"kind": "espeak", "voice": "xx-nowhere"}))

    assert "xx-nowhere" in line
    assert "en" in line.partition("xx-nowhere")[2]


async def test_recordings_that_are_missing_or_no_wav(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("not a sound")
    names = ("missing.wav", "text.wav")
    lines = await mistakes(
        *(write(tmp_path, f"{name}.yaml", dialogue=plays(name)) for name in names)
    )

    for name, line in zip(names, lines, strict=True):
        assert str(tmp_path / name) in line
        assert "expected a WAV file of 16-bit PCM" in line


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
