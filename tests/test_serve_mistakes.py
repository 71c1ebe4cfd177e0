"""What `interject serve` says, as a process, when it cannot serve.

No clock runs in any of these processes, so they need not be alone on the machine.
"""

import asyncio
import socket
from pathlib import Path
from typing import Any

from serve_process import DEADLINE_S, serve, write


def plays(path: str) -> dict[str, Any]:
    return {"kind": "scripted", "script": [{"play": path}]}


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
