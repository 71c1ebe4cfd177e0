"""Programs from published Go modules: which ones, by which Go, and how.

`go install module@version` refuses Kubernetes, because its go.mod replaces some thirty modules of
its own by folders that a published module does not have. A wrapper module requires the same version
and replaces each of them by its own release.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rig.cache import kube_folder
from rig.console import RigError, UnavailableError, say
from rig.debian import NoDebianError, Suite, check_machine, check_space, unpack

KUBERNETES: Final = "1.34.4"
ETCD: Final = "3.6.16"
COREDNS: Final = "1.14.7"
JAEGER: Final = "1.76.0"
"""Not Kubernetes', but built the same way; the last release that is one program with few parts."""

COREDNS_PLUGINS: Final = (
    "bind", "cache", "errors", "forward", "health", "hosts", "kubernetes", "loadbalance", "log",
    "loop", "metrics", "ready", "reload",
)  # fmt: skip
"""What a cluster's DNS needs. The full set brings three cloud providers' libraries with it."""
OLDEST: Final = (1, 26)
"""etcd 3.6.16 needs it; Kubernetes alone would build with 1.24."""
SUITE: Final = "forky"
"""The first Debian release with it. Its Go is linked statically, so it runs on older ones too."""
GO_NEEDED_MB: Final = 500
RESOLVE_S: Final = 900
"""Deadline for one download of modules."""
GO_BUILD_S: Final = 2400
"""Deadline for one program."""
OFFLINE_SIGNS: Final = ("dial tcp", "no such host", "i/o timeout", "connection refused", "lookup ")


@dataclass(frozen=True)
class Program:
    """One of them.

    Attributes:
        name: of its file.
        module: the wrapper module that it is built in.
        package: the Go package.
        version: without the v.
        about_s: how long it takes to build after those before it, on two cores, at first.
        node_only: a control plane runs without it.
    """

    name: str
    module: str
    package: str
    version: str
    about_s: int
    node_only: bool = False


def _kubernetes(name: str, about_s: int, node_only: bool = False) -> Program:
    return Program(
        name, "kubernetes", f"k8s.io/kubernetes/cmd/{name}", KUBERNETES, about_s, node_only
    )


PROGRAMS: Final = (
    _kubernetes("kube-apiserver", 460),
    _kubernetes("kube-controller-manager", 150),
    _kubernetes("kube-scheduler", 20),
    _kubernetes("kubectl", 45),
    _kubernetes("kubelet", 45, node_only=True),
    _kubernetes("kube-proxy", 10, node_only=True),
    Program("etcd", "etcd", "go.etcd.io/etcd/server/v3", ETCD, 50),
    Program("coredns", "coredns", ".", COREDNS, 100, node_only=True),
)
"""In the order of building: those further down reuse what those above have compiled."""


def wanted(node: bool) -> list[Program]:
    """What a control plane needs, with a node or without."""
    return [program for program in PROGRAMS if node or not program.node_only]


GO_PACKAGES: Final = ("golang-1.26-go", "golang-1.26-src")
VERSION_S: Final = 20
"""Deadline for `go version`."""


def go() -> Path:
    """The program `go`.

    Raises:
        UnavailableError: there is none, and Debian's is not available.
    """
    here = shutil.which("go")
    if here is not None and _version(Path(here)) >= OLDEST:
        return Path(here)
    tree = kube_folder() / f"go-{SUITE}"
    found = tree / "usr" / "lib" / "go-1.26" / "bin" / "go"
    if not found.exists():
        say(f"no Go {_text(OLDEST)} or newer here; unpacking that of Debian {SUITE}, 45 MB ...")
        try:
            _fetch(tree)
        except NoDebianError as error:
            raise UnavailableError(
                f"Go {_text(OLDEST)} or newer is missing, and Debian's too: {error}"
            ) from None
    return found


def environment() -> dict[str, str]:
    """The environment in which Go builds, whatever the user's settings are."""
    return os.environ | {
        "CGO_ENABLED": "0",
        "GOFLAGS": "-mod=mod -trimpath -buildvcs=false",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }


def _version(program: Path) -> tuple[int, ...]:
    try:
        said = subprocess.run(
            [str(program), "version"],
            capture_output=True, text=True, check=False, timeout=VERSION_S,
            env=os.environ | {"GOTOOLCHAIN": "local"},
        ).stdout  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return (0,)
    number = re.search(r"\bgo(\d+)\.(\d+)", said)
    return tuple(map(int, number.groups())) if number else (0,)


def _fetch(tree: Path) -> None:
    check_machine()
    check_space(tree.parent, GO_NEEDED_MB)
    with tempfile.TemporaryDirectory(dir=tree.parent, prefix=f"{tree.name}.") as scratch:
        suite, made = Suite(SUITE, Path(scratch) / "apt"), Path(scratch) / "tree"
        suite.update()
        unpack(suite.download(*GO_PACKAGES), made)
        shutil.rmtree(tree, ignore_errors=True)
        made.rename(tree)


def _text(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


@dataclass(frozen=True)
class GoModule:
    """A wrapper module in `folder`, and the Go that works in it."""

    go: Path
    folder: Path

    def run(self, *arguments: str, deadline_s: float = RESOLVE_S) -> str:
        """What `go ARGUMENTS` prints.

        Raises:
            UnavailableError: the modules are not available.
            RigError: it failed, or took longer than `deadline_s`.
        """
        try:
            done = subprocess.run(
                [str(self.go), *arguments], cwd=self.folder, env=environment(),
                capture_output=True, text=True, check=False, timeout=deadline_s,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise RigError(f"go {arguments[0]} took over {deadline_s:.0f} s") from None
        if done.returncode == 0:
            return done.stdout
        lines = [*done.stdout.splitlines(), *done.stderr.splitlines()] or ["(no output)"]
        what = f"go {' '.join(arguments[:2])}"
        for line in lines:
            if any(sign in line for sign in OFFLINE_SIGNS):
                raise UnavailableError(f"{what}: {line.strip()}")
        raise RigError(f"{what}: {lines[-1]}")

    def build(self, package: str, output: Path, flags: str) -> None:
        """One program, without the tables for debuggers.

        Raises:
            RigError: it does not compile.
        """
        self.run("build", "-ldflags", f"-s -w {flags}", "-o", str(output), package,
                 deadline_s=GO_BUILD_S)  # fmt: skip


def wrapper(go: Path, sources: Path, name: str) -> GoModule:
    """The wrapper module `name`, resolved; made if it is not there yet.

    Raises:
        UnavailableError: the modules are not available.
    """
    version, write = _WRAPPERS[name]
    folder = sources / f"{name}-{version}"
    if not folder.exists():
        draft = folder.with_suffix(".new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        module = GoModule(go, draft)
        module.run("mod", "init", f"interject.invalid/{name}")
        write(module)
        draft.rename(folder)
    return GoModule(go, folder)


def flags(name: str) -> str:
    """What the linker writes into programs of the module `name`: their version information."""
    if name != "kubernetes":
        return ""
    major, minor, _ = KUBERNETES.split(".")
    facts = {
        "gitVersion": f"v{KUBERNETES}", "gitMajor": major, "gitMinor": minor,
        "gitTreeState": "archive", "buildDate": "1970-01-01T00:00:00Z",
    }  # fmt: skip
    places = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return " ".join(f"-X {place}.{key}={fact}" for place in places for key, fact in facts.items())


def _wrap_kubernetes(module: GoModule) -> None:
    about = json.loads(module.run("mod", "download", "-json", f"k8s.io/kubernetes@v{KUBERNETES}"))
    own = json.loads(module.run("mod", "edit", "-json", about["GoMod"]))
    release = f"v0.{KUBERNETES.partition('.')[2]}"
    edits = [f"-require=k8s.io/kubernetes@v{KUBERNETES}", f"-go={own['Go']}"]
    edits += [
        f"-replace={old}={old}@{release}"
        for old, new in ((r["Old"]["Path"], r["New"]["Path"]) for r in own["Replace"])
        if new.startswith("./staging/")
    ]
    module.run("mod", "edit", *edits)
    packages = [p.package for p in PROGRAMS if p.module == "kubernetes"]
    # A package without a version would move Kubernetes itself to the newest one.
    module.run("get", "-tool", *(f"{package}@v{KUBERNETES}" for package in packages))


def _wrap_etcd(module: GoModule) -> None:
    module.run("get", "-tool", f"go.etcd.io/etcd/server/v3@v{ETCD}")


def _wrap_coredns(module: GoModule) -> None:
    base = "github.com/coredns/coredns"
    imports = "".join(f'\t_ "{base}/plugin/{plugin}"\n' for plugin in COREDNS_PLUGINS)
    (module.folder / "main.go").write_text(
        f'package main\n\nimport (\n\t"{base}/coremain"\n{imports})\n\n'
        "func main() { coremain.Run() }\n"
    )
    module.run("get", f"{base}@v{COREDNS}")
    module.run("mod", "tidy")


def _wrap_jaeger(module: GoModule) -> None:
    base = "github.com/jaegertracing/jaeger"
    about = json.loads(module.run("mod", "download", "-json", f"{base}@v{JAEGER}"))
    own = json.loads(module.run("mod", "edit", "-json", about["GoMod"]))
    edits = [f"-require={base}@v{JAEGER}", f"-go={own['Go']}"]
    edits += [
        f"-replace={r['Old']['Path']}={r['New']['Path']}@{r['New']['Version']}"
        for r in own["Replace"]
    ]
    module.run("mod", "edit", *edits)
    # One of its dependencies is unknown to the public checksum database; Jaeger has its sums.
    shutil.copyfile(Path(about["Dir"], "go.sum"), module.folder / "go.sum")
    (module.folder / "go.sum").chmod(0o644)


_WRAPPERS: Final[dict[str, tuple[str, Callable[[GoModule], None]]]] = {
    "kubernetes": (KUBERNETES, _wrap_kubernetes),
    "etcd": (ETCD, _wrap_etcd),
    "coredns": (COREDNS, _wrap_coredns),
    "jaeger": (JAEGER, _wrap_jaeger),
}
