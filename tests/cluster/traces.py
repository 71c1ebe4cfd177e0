"""What a rig leaves on the machine, found without the rig's own records."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

SETTINGS = (
    "net/ipv4/ip_forward", "vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic",
    "kernel/panic_on_oops",
)  # fmt: skip
"""Of the kernel; all that a kubelet sets."""
OUTSIDE = ("/var/lib/cni", "/var/lib/kubelet", "/run/containerd", "/var/log/containers")


def settings() -> dict[str, str]:
    """The kernel's settings, and which of the folders outside exist."""
    kernel = {name: Path("/proc/sys", name).read_text().strip() for name in SETTINGS}
    return kernel | {name: str(Path(name).exists()) for name in OUTSIDE}


def traces(folder: Path) -> list[str]:
    """Processes, mounts, links, packet-filter tables and control groups of the rig in `folder`."""
    return [
        *_processes(str(folder)),
        *(m for m in Path("/proc/self/mounts").read_text().splitlines() if str(folder) in m),
        *(str(link) for link in Path("/sys/class/net").glob("interject*")),
        *(line for line in _tables() if "kube" in line),
        *_groups(),
        *map(str, Path("/run").glob("interject*")),
    ]


def _groups() -> Iterator[str]:
    for pattern in ("kubepods", "*/kubepods", "interject*", "*/interject*"):
        yield from map(str, Path("/sys/fs/cgroup").glob(pattern))


def _processes(text: str) -> Iterator[str]:
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if text in command:
            yield f"{process.name} {command}"


def _tables() -> list[str]:
    try:
        listed = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True)
    except FileNotFoundError:
        return []
    return listed.stdout.splitlines()
