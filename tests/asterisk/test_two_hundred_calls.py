"""Two hundred calls through one Asterisk: real SIP and RTP both ways, a pod without speech.

Whether each RTP packet comes in time says more of the machine, which has the telephones and the pod
on it, than of Asterisk: that is measured, not required.
"""

import asyncio
import socket
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asterisk.measured import Measured
from asterisk.test_limits import open_files
from asterisk.test_websocket import cpu_s
from asterisk.world import World, world
from interject_lab.telephones.sip import session
from interject_lab.telephones.sip.dialogs import OutgoingDialog
from interject_lab.telephones.sip.signalling import Signalling, signalling

CALLS = 200
RTP = {"firstPort": 31_000, "lastPort": 31_000 + 2 * CALLS + 1}
"""For the default limit: two more than the calls take."""
EVERY_S = 0.05
SECONDS = 20.0
ANSWER_S = 30.0
HERE = Path(__file__).parent


@pytest.mark.timeout(180)
async def test_two_hundred_callers_are_answered_and_stay_and_one_more_is_rejected(
    tree: Path, tmp_path: Path, measured: Measured
) -> None:
    async with bare_pod() as api:
        values: dict[str, Any] = {"api": [api], "logLevel": "notice", "rtp": RTP}
        async with world(tree, tmp_path, [], phones=1, **values) as there, signalling() as sip:
            with Rtp() as rtp:
                files = open_files(there)
                answered_ms = [await ring(there, sip, rtp) for _ in range(CALLS)]
                more = await one_more(there, sip, rtp)
                files = open_files(there) - files
                before_s, began_s = cpu_s(there.asterisk.pid), time.monotonic()
                rtp.received.clear()
                await asyncio.sleep(SECONDS)
                took_s = time.monotonic() - began_s
                busy = (cpu_s(there.asterisk.pid) - before_s) / took_s
                received = rtp.received.copy()
            lost = sum(dialled.ended.is_set() for dialled in rtp.dialled)
            calls = await there.asterisk.channels()
            await asyncio.gather(*(dialled.hang_up() for dialled in rtp.dialled))
            await there.asterisk.until_idle()
            complaints = there.asterisk.complaints

    assert (lost, calls, more) == (0, CALLS, 503)
    assert len(received) == CALLS, "every caller hears the pod"
    assert not [each for each in complaints if "Too many open files" in each]
    case = f"{CALLS} calls, telephones and pod on the same machine"
    p50, p95 = np.percentile(answered_ms, (50, 95))
    measured.row(case, "dialled to answered, p50 / p95", f"{p50:.0f} / {p95:.0f} ms")
    measured.row(case, "processor time of Asterisk", f"{100 * busy:.0f} % of a core")
    measured.row(case, "open files of Asterisk per call", f"{files / CALLS:.1f}")
    expected = took_s * 50
    share = [100 * count / expected for count in received.values()]
    measured.row(case, "RTP packets per call of those due, least", f"{min(share):.0f} %")


async def ring(there: World, sip: Signalling, rtp: "Rtp") -> float:
    """One more call, which is answered; in ms from its INVITE."""
    began_s = time.monotonic()
    dialled = dial(there, sip, rtp)
    async with asyncio.timeout(ANSWER_S):
        await dialled.final.wait()
    answered_ms = 1000 * (time.monotonic() - began_s)
    assert dialled.status == 200
    rtp.send_to(dialled)
    await asyncio.sleep(EVERY_S)
    return answered_ms


async def one_more(there: World, sip: Signalling, rtp: "Rtp") -> int:
    dialled = dial(there, sip, rtp)
    async with asyncio.timeout(ANSWER_S):
        await dialled.final.wait()
    return dialled.status


def dial(there: World, sip: Signalling, rtp: "Rtp") -> OutgoingDialog:
    offer = session.offer(("PCMU",), rtp.address, 20)
    return sip.dial(there.account(0), "100", offer, asyncio.Event())


class Rtp:
    """All telephones' RTP on one socket: silence to each, and a count of what comes from each."""

    def __init__(self) -> None:
        self._socket = socket.socket(type=socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._remotes: list[tuple[str, int]] = []
        self.dialled: list[OutgoingDialog] = []
        self.received: Counter[int] = Counter()

    @property
    def address(self) -> tuple[str, int]:
        return ("127.0.0.1", int(self._socket.getsockname()[1]))

    def send_to(self, dialled: OutgoingDialog) -> None:
        agreed = session.agree(dialled.call.sdp_answer, ("PCMU",))
        self._remotes.append(agreed.remote)
        self.dialled.append(dialled)

    def __enter__(self) -> "Rtp":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        due_s, tick = time.monotonic(), 0
        while not self._over.is_set():
            packet = struct.pack(">BBHII", 0x80, 0, tick & 0xFFFF, 160 * tick, 1) + b"\xff" * 160
            for remote in tuple(self._remotes):
                self._socket.sendto(packet, remote)
            tick += 1
            due_s = max(due_s + 0.02, time.monotonic() - 0.02)
            while time.monotonic() < due_s:
                if not self._take():
                    time.sleep(0.001)

    def _take(self) -> bool:
        try:
            _, (_, port) = self._socket.recvfrom(2048)
        except BlockingIOError:
            return False
        self.received[port] += 1
        return True


@asynccontextmanager
async def bare_pod() -> AsyncIterator[str]:
    """The API of a running `bare_pod.py`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(HERE / "bare_pod.py"), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(ANSWER_S):
            port = int(await process.stdout.readline())
        yield f"127.0.0.1:{port}"
    finally:
        process.kill()
        await process.communicate()
