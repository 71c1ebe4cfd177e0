"""The image whose one process holds a pod's namespaces. No registry is needed for it.

An image is three files in an archive: the layer, its configuration, and a manifest that names both
(Docker's image specification 1.2).
"""

import hashlib
import io
import json
import os
import platform
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Final

from rig.cache import images_folder
from rig.console import RigError
from rig.go import environment

BUILD_S: Final = 300
"""Deadline; Go's own library may have to be compiled first."""
NOBODY: Final = "65535:65535"
ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}

SOURCE: Final = """package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGCHLD)
	for got := range signals {
		if got != syscall.SIGCHLD {
			return
		}
		for {
			// Orphans of the pod's other processes, where they share their namespace.
			child, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
			if child <= 0 || err != nil {
				break
			}
		}
	}
}
"""
KEY: Final = hashlib.sha256(SOURCE.encode()).hexdigest()[:12]
NAME: Final = f"localhost/interject-pause:{KEY}"


def archive() -> Path:
    """Where the image is, once built."""
    return images_folder() / f"interject-pause-{KEY}.tar"


def build(go: Path) -> None:
    """Write the archive.

    Raises:
        RigError: the program does not compile.
    """
    with tempfile.TemporaryDirectory(dir=images_folder()) as scratch:
        program, draft = Path(scratch) / "pause", Path(scratch) / "interject-pause.tar"
        source = Path(scratch) / "main.go"
        source.write_text(SOURCE)
        done = subprocess.run(
            [str(go), "build", "-ldflags", "-s -w", "-o", str(program), str(source)],
            capture_output=True, text=True, check=False, timeout=BUILD_S,
            env=environment() | {"GO111MODULE": "off", "GOFLAGS": "-trimpath"},
        )  # fmt: skip
        if done.returncode:
            raise RigError(f"the pause program does not compile: {done.stderr.strip()}")
        _write(draft, program.read_bytes())
        os.replace(draft, archive())


def _write(path: Path, program: bytes) -> None:
    layer = _tar({"pause": program}, mode=0o755)
    digest = hashlib.sha256(layer).hexdigest()
    machine = platform.machine()
    configuration = json.dumps({
        "architecture": ARCHITECTURES.get(machine, machine), "os": "linux",
        "config": {"Entrypoint": ["/pause"], "User": NOBODY},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
    }).encode()  # fmt: skip
    name = f"{hashlib.sha256(configuration).hexdigest()}.json"
    manifest = [{"Config": name, "RepoTags": [NAME], "Layers": [f"{digest}.tar"]}]
    path.write_bytes(_tar({
        f"{digest}.tar": layer, name: configuration, "manifest.json": json.dumps(manifest).encode(),
    }))  # fmt: skip


def _tar(files: dict[str, bytes], mode: int = 0o644) -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            tar.addfile(entry, io.BytesIO(content))
    return whole.getvalue()
