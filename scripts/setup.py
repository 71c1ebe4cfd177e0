#!/usr/bin/env python3
"""Makes `.venv` with everything that Interject, its lab and its tests need.

`make` calls this with the interpreter that PYTHON names, and only when something that it reads has
changed. It can be called by hand as well, any number of times; `make clean` starts afresh. It needs
the standard library alone, and its syntax is that of Python 3.6, so that an old one gets an answer.

PyTorch comes from the first of these that has it:

1. pip, asked for the CPU build by its full version: PIP_FIND_LINKS (folders), PIP_EXTRA_INDEX_URL
   (an index or mirror of PyTorch's CPU wheels), or `../shared/wheels` beside this checkout.
2. uv, which knows where PyTorch keeps its CPU wheels.
3. pip, the ordinary build, which on Linux brings CUDA with it.
"""

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path
from typing import NoReturn

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
STAMP = VENV / "set-up"
"""Written last; holds the key of what was installed."""
LOG = VENV / "set-up.log"
CONSTRAINTS = ROOT / "constraints.txt"
READ = (CONSTRAINTS, ROOT / "pyproject.toml", Path(__file__).resolve())
EXTRAS = "media,piper,whisper,lab,operator,dev"
APT = "on Debian or Ubuntu: sudo apt install"

SPACE_GB = 3
"""`.venv` takes 1.5 GB, downloads and pip's cache the rest."""
CUDA_SPACE_GB = 10
"""With the ordinary PyTorch `.venv` takes 4.7 GB, downloads and pip's cache the rest."""
LOG_LINES = 12
UV_LIMITS = {"UV_HTTP_CONNECT_TIMEOUT": "5", "UV_HTTP_TIMEOUT": "15", "UV_HTTP_RETRIES": "1"}
"""Seconds and tries: where uv's source cannot be reached, that is known soon."""

CAUSES = (
    ("No space left on device", "the disk is full; free some space"),
    ("Failed to establish a new connection", "no package index answers; check the network"),
    ("Failed to resolve", "no package index answers; check the network"),
    ("CERTIFICATE_VERIFY_FAILED", "certificates are refused; name yours in PIP_CERT"),
)
"""What pip says when the fault is the machine's, and what to do."""


def say(text: str, end: str = "\n") -> None:
    sys.stderr.write(text + end)
    sys.stderr.flush()


def fail(why: str) -> NoReturn:
    say(f"set-up: {why}")
    sys.exit(2)


# Here, because an old Python would stumble over the annotations below.
if sys.version_info < OLDEST:
    fail(
        f"{sys.executable} is Python {sys.version.split()[0]}, older than 3.11; name a newer one "
        f"as in make PYTHON=python3.11 (none there? {APT} python3.11-venv python3.11-dev)"
    )


def main() -> None:
    began = time.monotonic()
    if not made_before():
        check_machine()
        say(f"set-up: Python {sys.version.split()[0]} in {VENV}")
        make_environment()
        install()
        STAMP.write_text(key())
        # What was written goes to the disk now, and not in the middle of the first demonstration.
        os.sync()
        say(f"set-up: done in {time.monotonic() - began:.0f} s")
    STAMP.touch()


def made_before() -> bool:
    """Whether `.venv` holds just what would be installed now."""
    return STAMP.exists() and VENV_PYTHON.exists() and STAMP.read_text() == key()


def key() -> str:
    """What the environment is made from: in which folder, and from which contents."""
    digest = hashlib.sha256(str(ROOT).encode())
    for path in READ:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def check_machine() -> None:
    """Ends with one line for the first thing that is missing."""
    try:
        import ensurepip  # noqa: F401  Debian leaves it out of its python3
        import venv  # noqa: F401
    except ImportError:
        fail(f"this Python cannot make environments; {APT} python3-venv")
    for variable in ("CC", "CXX"):
        command = os.environ.get(variable) or sysconfig.get_config_var(variable) or "c++"
        compiler = shlex.split(command)[0]
        if shutil.which(compiler) is None:
            fail(f"no C++ compiler ({compiler} was looked for); {APT} g++")
    header = Path(sysconfig.get_path("include")) / "Python.h"
    if not header.exists():
        fail(f"Python's headers are missing ({header}); {APT} python3-dev")
    need_space(SPACE_GB, "free some")


def need_space(needed_gb: int, remedy: str) -> None:
    free_gb = shutil.disk_usage(ROOT).free / 1e9
    if free_gb < needed_gb:
        fail(f"{free_gb:.1f} GB of disk are free, {needed_gb} are needed; {remedy}")


def make_environment() -> None:
    """`.venv` for this interpreter; one that is for it and runs is kept."""
    usable = environment_version() == sys.version_info[:2]
    if VENV.exists() and not usable:
        shutil.rmtree(VENV)
    VENV.mkdir(exist_ok=True)
    LOG.write_text("")
    if not usable:
        step("environment", [sys.executable, "-m", "venv", str(VENV)])


def environment_version() -> tuple[int, ...]:
    """The Python of `.venv`; empty if it does not run."""
    if not VENV_PYTHON.exists():
        return ()
    ask = "import sys; print(*sys.version_info[:2])"
    answer = subprocess.run([VENV_PYTHON, "-c", ask], capture_output=True)  # noqa: S603
    return tuple(map(int, answer.stdout.split()))


def install() -> None:
    # swig and setuptools first: webrtc-audio-processing comes as source and does not say that it
    # needs swig. From here it finds the one in .venv, and nobody has to be root.
    pip_install("pip and build tools", "pip", "setuptools", "wheel", "swig")
    install_torch()
    pip_install("WebRTC, compiled", "--no-build-isolation", "webrtc-audio-processing")
    pip_install("Interject and all the rest", "--editable", f"{ROOT}[{EXTRAS}]")
    # The build leaves metadata here that no later install renews, and Python prefers it to the
    # installed one when it runs in this folder: the command line would miss new commands.
    shutil.rmtree(ROOT / "interject.egg-info", ignore_errors=True)
    # Pods start without torch then: 0.4 s in place of 9 on a busy machine.
    export = [str(VENV_PYTHON), "-m", "media_pod.duplex.vad.weights"]
    step("weights of the speech detector", export)


def install_torch() -> None:
    """The CPU build if there is any way to it; otherwise PyTorch is left to the last step."""
    if sys.platform != "linux":
        return  # elsewhere the ordinary build is the CPU build
    pinned = f"torch=={pin('torch')}"
    if pip_install("PyTorch, CPU build", "--no-deps", f"{pinned}+cpu", optional=True):
        return
    pip_install("uv", "uv")
    uv = [str(VENV / "bin" / "uv"), "pip", "install", "--python", str(VENV_PYTHON)]
    wanted = ["--no-deps", "--torch-backend", "cpu", pinned]
    if step("PyTorch, CPU build, by uv", uv + wanted, optional=True):
        return
    say(
        "  The CPU build of PyTorch cannot be reached; the ordinary one brings CUDA, and .venv "
        "grows to 4.7 GB.\n  docs/how-to/set-up.md says how to name a place that has the CPU "
        "build."
    )
    need_space(
        CUDA_SPACE_GB,
        "free some, or name a place that has PyTorch's CPU build (docs/how-to/set-up.md)",
    )


def pin(name: str) -> str:
    """The version of a package in constraints.txt."""
    for line in CONSTRAINTS.read_text().splitlines():
        if line.startswith(f"{name}=="):
            return line.split("==")[1]
    fail(f"{CONSTRAINTS} has no line {name}==VERSION; make constraints writes it anew")


def pip_install(name: str, *wanted: str, optional: bool = False) -> bool:
    pip = [str(VENV_PYTHON), "-m", "pip", "install", "--constraint", str(CONSTRAINTS)]
    return step(name, [*pip, *wanted], optional=optional)


def step(name: str, command: list[str], *, optional: bool = False) -> bool:
    """Run one command with its output in the log; whether it worked.

    While it runs a terminal shows the seconds. A failure ends set-up unless the step is optional.
    """
    began = time.monotonic()
    with LOG.open("a") as log:
        log.write(f"\n$ {shlex.join(command)}\n")
        log.flush()
        start = log.tell()
        code = run(name, command, log.fileno(), began)
    show(name, "not to be had" if code and optional else f"{time.monotonic() - began:.0f} s")
    if code and not optional:
        explain(name, LOG.read_bytes()[start:].decode(errors="replace"))
    return code == 0


def run(name: str, command: list[str], log: int, began: float) -> int:
    process = subprocess.Popen(  # noqa: S603  this file's own commands
        command,
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    while True:
        try:
            return process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            if sys.stderr.isatty():
                show(name, f"{time.monotonic() - began:.0f} s", end="\r")


def environment() -> dict[str, str]:
    """What pip, uv and compilers see: the programs of `.venv` first, and wheels kept beside us."""
    variables = {**UV_LIMITS, **os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    variables["PATH"] = f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    beside = ROOT.parent / "shared" / "wheels"
    if beside.is_dir():
        variables["PIP_FIND_LINKS"] = f"{beside.as_uri()} {os.environ.get('PIP_FIND_LINKS', '')}"
    return variables


def explain(name: str, output: str) -> NoReturn:
    """End because a step failed: with its cause if that is known, else with its last lines."""
    for sign, cause in CAUSES:
        if sign in output:
            fail(f"{name} failed: {cause}, then run make again; the log is {LOG}")
    for line in output.splitlines()[-LOG_LINES:]:
        say(f"    {line}")
    fail(f"{name} failed as above; mend that, then run make again; the log is {LOG}")


def show(name: str, result: str, end: str = "\n") -> None:
    say(f"  {name:<36}{result:>14}", end)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        fail("interrupted; make goes on where this stopped")
