"""Wrapper modules: what Go has to be told to build the programs from published modules.

`go install module@version` refuses Kubernetes, because its go.mod replaces some thirty modules of
its own by folders that a published module does not have. The wrapper requires the same version and
replaces each by the release that belongs to it.
"""

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from errors import CannotBeHadError, RigError
from go_toolchain import environment
from programs import COREDNS, COREDNS_PLUGINS, ETCD, JAEGER, KUBERNETES, PROGRAMS

RESOLVE_S: Final = 900
"""Deadline for one download of modules."""
BUILD_S: Final = 2400
"""Deadline for one program."""
OFFLINE_SIGNS: Final = ("dial tcp", "no such host", "i/o timeout", "connection refused", "lookup ")


@dataclass(frozen=True)
class GoModule:
    """A wrapper module in `folder`, and the Go that works in it."""

    go: Path
    folder: Path

    def run(self, *arguments: str, deadline_s: float = RESOLVE_S) -> str:
        """What `go ARGUMENTS` prints.

        Raises:
            CannotBeHadError: the modules cannot be reached.
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
        lines = [*done.stdout.splitlines(), *done.stderr.splitlines()] or ["(it says nothing)"]
        what = f"go {' '.join(arguments[:2])}"
        for line in lines:
            if any(sign in line for sign in OFFLINE_SIGNS):
                raise CannotBeHadError(f"{what}: {line.strip()}")
        raise RigError(f"{what}: {lines[-1]}")

    def build(self, package: str, output: Path, flags: str) -> None:
        """One program, without the tables for debuggers.

        Raises:
            RigError: it does not compile.
        """
        self.run("build", "-ldflags", f"-s -w {flags}", "-o", str(output), package,
                 deadline_s=BUILD_S)  # fmt: skip


def wrapper(go: Path, sources: Path, name: str) -> GoModule:
    """The wrapper module `name`, resolved; made if it is not there yet.

    Raises:
        CannotBeHadError: the modules cannot be reached.
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
    """What the linker writes into programs of the module `name`: who they say they are."""
    if name != "kubernetes":
        return ""
    major, minor, _ = KUBERNETES.split(".")
    facts = {
        "gitVersion": f"v{KUBERNETES}", "gitMajor": major, "gitMinor": minor,
        "gitTreeState": "archive", "buildDate": "1970-01-01T00:00:00Z",
    }  # fmt: skip
    places = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return " ".join(f"-X {place}.{key}={fact}" for place in places for key, fact in facts.items())


def _kubernetes(module: GoModule) -> None:
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


def _etcd(module: GoModule) -> None:
    module.run("get", "-tool", f"go.etcd.io/etcd/server/v3@v{ETCD}")


def _coredns(module: GoModule) -> None:
    base = "github.com/coredns/coredns"
    imports = "".join(f'\t_ "{base}/plugin/{plugin}"\n' for plugin in COREDNS_PLUGINS)
    (module.folder / "main.go").write_text(
        f'package main\n\nimport (\n\t"{base}/coremain"\n{imports})\n\n'
        "func main() { coremain.Run() }\n"
    )
    module.run("get", f"{base}@v{COREDNS}")
    module.run("mod", "tidy")


def _jaeger(module: GoModule) -> None:
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
    "kubernetes": (KUBERNETES, _kubernetes),
    "etcd": (ETCD, _etcd),
    "coredns": (COREDNS, _coredns),
    "jaeger": (JAEGER, _jaeger),
}
