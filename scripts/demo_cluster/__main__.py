"""`python -m demo_cluster up|down`, in scripts/: `make demo-cluster` and `make demo-cluster-down`.

Installs the chart with its defaults, lets a telephone call the sample through Asterisk on a line
that echoes, and shows what the telephone heard, the call's trace and the dashboards' figures.
Without a kubeconfig a Kubernetes is brought up here, which stays until `down`. Traces and figures
are those of our own cluster: the pods of another one do not reach this machine.

Exit codes: 0; 1 and one line on standard error.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Final

sys.path.append(str(Path(__file__).resolve().parents[1]))
sys.path.append(str(Path(__file__).resolve().parents[2] / "tests"))

from demo_cluster import figures, release
from demo_cluster.cluster import Cluster, down, up
from demo_cluster.phone_call import DemoCall, call, judge
from demo_cluster.scripts import ROOT, rig, say, script
from interject_lab.demo.run import Outcome, as_table
from interject_lab.reports.trace import Span, draw
from interject_lab.reports.trace import as_text as tree
from interject_lab.terminal import table_as_text
from media_pod.errors import InterjectError
from rig.console import RigError
from rig.observers import Jaeger, Prometheus, Target

EXPORTED_S: Final = 20.0
"""Pods send what has ended every five seconds."""
POLL_S: Final = 0.5


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description="A demonstration of Interject on a cluster.")
    parser.add_argument("what", choices=["up", "down"])
    parser.add_argument("--kubeconfig", type=Path)
    parser.add_argument("--engine", default="")
    parser.add_argument("--picture", type=Path, help="of the call's trace, PNG or SVG")
    given = parser.parse_args()
    try:
        if given.what == "up":
            show(given.kubeconfig, given.engine, given.picture)
        elif given.kubeconfig is not None:
            release.uninstall(up(given.kubeconfig))
        else:
            down()
    except (InterjectError, RigError) as error:
        say(f"the demonstration: {error}")
        return 1
    except KeyboardInterrupt:
        say("interrupted; `make demo-cluster-down` takes away what is there")
        return 1
    return 0


def show(kubeconfig: Path | None, engine: str, picture: Path | None) -> None:
    """The whole demonstration.

    Raises:
        InterjectError: a step failed.
    """
    began = time.monotonic()
    cluster = up(kubeconfig)
    images = ROOT / "out" / "images.yaml"
    script(
        "make_images.py", "--kubeconfig", cluster.kubeconfig, "--values", images,
        *(["--engine", engine] if engine else []),
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        folder, traces = Path(scratch), None
        if cluster.own_address:
            program = Path(rig("jaeger"))
            traces = stack.enter_context(
                Jaeger(program, folder / "jaeger.log", cluster.own_address)
            )
        installing = time.monotonic()
        release.install(cluster, images, traces.otlp if traces else "")
        say(f"installed and ready in {time.monotonic() - installing:.1f} s")
        metrics = stack.enter_context(_figures(cluster, folder)) if traces else None
        spans = _call_and_show(cluster, traces, metrics)
    if picture is not None and spans:
        draw(spans, picture, "A call on Kubernetes, interrupted: its trace")
    say(f"all of it took {time.monotonic() - began:.0f} s; `make demo-cluster-down` ends it")


def _figures(cluster: Cluster, folder: Path) -> Prometheus:
    programs = Path(rig("prometheus")) / "usr" / "bin"
    pods = [Target(page, release.NAMESPACE, pod) for pod, page in release.pages(cluster)]
    return Prometheus(programs, folder, pods)


def _call_and_show(
    cluster: Cluster, traces: Jaeger | None, metrics: Prometheus | None
) -> list[Span]:
    """The spans of the call's trace, for those who want more of it."""
    account = release.account(cluster)
    say(f"calling {release.EXTENSION} at {account.server_host}:{account.server_port} ...")

    def progress(elapsed_s: float) -> None:
        if round(elapsed_s) % 10 == 0:
            say(f"  {elapsed_s:.0f} s")

    uuids = partial(release.uuids, cluster) if traces else list[str]
    called = asyncio.run(call(account, release.EXTENSION, uuids, progress))
    spans = _spans(traces, called) if traces else []
    print_all(called, spans, metrics)
    return spans


def print_all(called: DemoCall, spans: list[Span], metrics: Prometheus | None) -> None:
    """The table, the trace and the figures."""
    parts = ["The call is not judged: without a trace nothing says when the bot stopped."]
    if spans:
        parts = [table_as_text(*as_table(Outcome((judge(called, spans),), ((),), (0,), Path())))]
        parts += [f"The trace of call {called.uuid}", tree(spans)]
    if metrics is not None:
        parts += ["What the dashboards show now", figures.as_text(metrics)]
    sys.stdout.write("\n\n".join(parts) + "\n")


def _spans(traces: Jaeger, called: DemoCall) -> list[Span]:
    """The trace, once its outermost span is there."""
    deadline = time.monotonic() + EXPORTED_S
    spans = traces.trace(called.uuid)
    while not any(span.name == "call" for span in spans) and time.monotonic() < deadline:
        time.sleep(POLL_S)
        spans = traces.trace(called.uuid)
    return spans


if __name__ == "__main__":
    sys.exit(main())
