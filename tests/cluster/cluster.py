"""A cluster that runs already, as its folder describes it: RIG_DIR in the environment."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kubernetes.aio.client import Configuration

from voiceagent_operator.kube.api import ApiServer, find_cluster

READY_WITHIN_S = 60.0


@dataclass(frozen=True)
class Cluster:
    """One cluster, with the rights of its administrator.

    Args:
        folder: holds `admin.kubeconfig`, `pki` and `pids`.
        kubectl: the program.
        own_address: where pods and the API server reach processes of this machine.
    """

    folder: Path
    kubectl: str
    own_address: str

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "admin.kubeconfig"

    @property
    def front_proxy_ca(self) -> Path:
        return self.folder / "pki" / "front-proxy-ca.crt"

    def run(self, *args: str, stdin: str | None = None) -> str:
        """What kubectl says; raises CalledProcessError if it fails."""
        done = subprocess.run(
            [self.kubectl, "--kubeconfig", str(self.kubeconfig), *args],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
        )
        if done.returncode:
            raise subprocess.CalledProcessError(
                done.returncode, done.args, done.stdout, done.stderr
            )
        return done.stdout

    def issue_cert(self, name: str, sans: str, subject: str) -> tuple[Path, Path]:
        """A certificate of the cluster's CA and its key."""
        pki = self.folder / "pki"
        key, request, cert = (pki / f"{name}.{end}" for end in ("key", "csr", "crt"))
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        _openssl("req", *curve, "-subj", subject, "-keyout", str(key), "-out", str(request))
        extensions = "keyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\n"
        _openssl(
            *("x509", "-req", "-in", str(request), "-out", str(cert), "-days", "30"),
            *("-CA", str(pki / "ca.crt"), "-CAkey", str(pki / "ca.key")),
            *("-set_serial", str(time.time_ns()), "-extfile", "/dev/stdin"),
            stdin=extensions + (f"subjectAltName={sans}\n" if sans else ""),
        )
        request.unlink()
        return cert, key

    def restart_api_server(self) -> None:
        """Kills the API server and starts it anew; returns when it is ready.

        Told to stop, it would wait a minute for its watches to end.
        """
        pids = self.folder / "pids"
        lines = [line.split() for line in pids.read_text().splitlines()]
        entry = next(line for line in lines if line[0] == "kube-apiserver")
        pid = int(entry[1])
        command = Path(f"/proc/{pid}/cmdline").read_bytes().decode().rstrip("\0").split("\0")
        os.kill(pid, signal.SIGKILL)
        _until_gone(pid)
        with (self.folder / "logs" / "kube-apiserver.log").open("ab") as log:
            process = subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )
        stat = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        entry[1:] = [str(process.pid), stat[19]]
        pids.write_text("".join(" ".join(line) + "\n" for line in lines))
        process.returncode = 0  # it outlives this process: nobody shall warn about it
        end = time.monotonic() + READY_WITHIN_S
        while True:
            try:
                self.run("get", "--raw", "/readyz")
                return
            except subprocess.CalledProcessError:
                assert time.monotonic() < end, "the API server does not come back"
                time.sleep(0.1)


async def api_of(cluster: Cluster) -> ApiServer:
    settings: Configuration = await find_cluster(cluster.kubeconfig)
    return ApiServer(settings)


def _openssl(*args: str, stdin: str | None = None) -> None:
    subprocess.run(
        ["openssl", *args], input=stdin, check=True, capture_output=True, text=True, timeout=30
    )


def _until_gone(pid: int) -> None:
    end = time.monotonic() + READY_WITHIN_S
    while Path(f"/proc/{pid}").exists():
        if ") Z " in Path(f"/proc/{pid}/stat").read_text():
            return
        assert time.monotonic() < end, f"process {pid} does not end"
        time.sleep(0.05)


async def eventually(question: Callable[[], object], within_s: float) -> None:
    """Returns once `question` is answered with something true."""
    end = asyncio.get_running_loop().time() + within_s
    while not question():
        assert asyncio.get_running_loop().time() < end, f"not so within {within_s} s"
        await asyncio.sleep(0.05)
