"""`interject serve` as a process, and the manifests that it is given."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import yaml

INTERJECT = (sys.executable, "-c", "from media_pod.cli import main; main()")
DEADLINE_S = 40.0


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


async def serve(manifest: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *INTERJECT,
        "serve",
        str(manifest),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
