"""Leading while this process holds a Lease: `election.py` decides, this module does the I/O.

Slow answers, errors and restarts of the API server are harmless as long as one write succeeds
within the renewal deadline.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from media_pod.errors import InterjectError
from voiceagent_operator.kube.errors import ApiError, ConflictError, NotFoundError
from voiceagent_operator.kube.kinds import LEASE, Json
from voiceagent_operator.leader.election import (
    LEASE_DURATION_S,
    RENEW_AGAIN_EVERY_S,
    RENEW_DEADLINE_S,
    RETRY_EVERY_S,
    Election,
    LeaseAction,
    LeaseRecord,
    LeaseState,
)

TRY_DEADLINE_S: Final = 3.0
"""For one request. A connection that hangs leaves time for another one before the deadline, and
an API server under load still has the time that it needs."""
WORK_STOPS_WITHIN_S: Final = 3.0
"""How long cancelled work may go on: less than the 4 s until others may take over."""
RELEASE_DEADLINE_S: Final = 2.0
"""Releasing the Lease only speeds up the next election, so that a stop waits no longer."""
_RELEASE_TRIES = 2
"""The first may meet our own last renewal, if its answer was not waited for."""
_RELEASED_DURATION_S = 1.0
"""Kubernetes requires a duration above 0, also in a Lease without a holder."""

_logger = logging.getLogger(__name__)


class LeadershipLostError(InterjectError):
    """Another process leads or may lead soon: this one has to stop the leader's work."""


class LeaseApi(Protocol):
    """As much of `ApiServer` as a Lease needs."""

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Json: ...
    async def create(self, path: str, body: Json) -> Json: ...
    async def replace(self, path: str, body: Json) -> Json: ...


class Leadership:
    """One process's claim to a Lease; good for one `lead`.

    Args:
        api: where the Lease is.
        namespace, name: which it is; it is made if there is none.
        identity: names this process in the Lease; no other process, and no later one, may have it.
        clock: monotonic time in seconds.
        sleep: waits for so many seconds of `clock`.
        now: the time of day; people read it, nothing is decided by it.
    """

    def __init__(
        self,
        api: LeaseApi,
        namespace: str,
        name: str,
        identity: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._api = api
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._clock = clock
        self._sleep = sleep
        self._now = now
        self._election = Election(identity)
        self._lease: Json | None = None
        self._may_hold = False
        self._trouble = ""

    async def lead(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Wait until this process leads, then do `work`; returns, or raises, as `work` does.

        Cancelled, or when `work` is over, it gives the Lease back, so that another process leads
        within `RETRY_EVERY_S`. Work that does not stop when it is cancelled keeps it. A
        Retry-After of the server is not heeded: a small request every two seconds is what it
        could ask for at best.

        Raises:
            LeadershipLostError: `work` was cancelled because another process may lead.
        """
        try:
            await self._campaign()
            _logger.info("lease %s: %s leads", self._name, self._identity)
            await self._work(work())
        finally:
            if self._may_hold and self._election.state is not LeaseState.LOST:
                await self._release()

    async def _campaign(self) -> None:
        """Returns when this process leads."""
        while True:
            wait_s = RETRY_EVERY_S
            if await self._read():
                step = self._election.decide(self._clock())
                if step.action is LeaseAction.WAIT:
                    wait_s = step.wait_s
                elif await self._claim():
                    return
            await self._sleep(wait_s)

    async def _work(self, work: Coroutine[Any, Any, None]) -> None:
        working = asyncio.create_task(work, name=f"work of the leader {self._identity}")
        holding = asyncio.create_task(self._hold(), name=f"lease {self._name}")
        try:
            await asyncio.wait((working, holding), return_when=asyncio.FIRST_COMPLETED)
        finally:
            # The Lease is renewed until the work has ended.
            if not await _stop(working):
                _logger.error(
                    "lease %s: the leader's work did not stop in time, the lease is left to expire",
                    self._name,
                )
                self._may_hold = False
            await _stop(holding)
            lost = _failure(holding)
        if lost is not None:
            raise lost from _failure(working)
        working.result()

    async def _hold(self) -> None:
        """Renews the Lease.

        Raises:
            LeadershipLostError: it can no longer be relied on.
        """
        next_try_s = self._clock()
        while True:
            now_s = self._clock()
            step = self._election.decide(now_s)
            if step.action is LeaseAction.STEP_DOWN:
                raise LeadershipLostError(self._why_lost())
            if step.action is LeaseAction.WAIT:
                await self._sleep(step.wait_s)
            elif now_s < next_try_s:
                await self._sleep(min(next_try_s, self._election.deadline_s) - now_s)
            else:
                next_try_s = now_s + RENEW_AGAIN_EVERY_S
                await self._claim()

    async def _read(self) -> bool:
        """Read the Lease; False if that failed."""
        try:
            async with self._deadline():
                self._lease = await self._api.get(self._path)
        except NotFoundError:
            self._lease = None
        except (ApiError, TimeoutError) as error:
            self._warn_once(error)
            return False
        self._trouble = ""
        record = None if self._lease is None else _record(self._lease)
        self._election.saw(record, self._clock())
        return True

    async def _claim(self) -> bool:
        """Write our identity into the Lease; False if that was refused or the result is unknown."""
        self._may_hold = True
        sent_s = self._clock()
        if not await self._write(self._signed(self._identity, LEASE_DURATION_S)):
            return False
        assert self._lease is not None, "it was written"
        self._election.wrote(_record(self._lease), sent_s)
        return True

    async def _write(self, lease: Json) -> bool:
        """Replace the Lease that was read last; False if that was not accepted.

        After a conflict the Lease is read again, to learn its holder.
        """
        try:
            async with self._deadline():
                if self._lease is None:
                    self._lease = await self._api.create(LEASE.path(self._namespace), lease)
                else:
                    self._lease = await self._api.replace(self._path, lease)
        except (ConflictError, NotFoundError):
            await self._read()
            return False
        except (ApiError, TimeoutError) as error:
            self._warn_once(error)
            return False
        self._trouble = ""
        return True

    async def _release(self) -> None:
        """Remove our identity from the Lease, if it is the holder."""
        try:
            async with asyncio.timeout(RELEASE_DEADLINE_S):
                for _ in range(_RELEASE_TRIES):
                    seen = await self._read()
                    if seen and self._holder != self._identity:
                        return
                    if seen and await self._write(self._signed("", _RELEASED_DURATION_S)):
                        _logger.info("lease %s: released by %s", self._name, self._identity)
                        return
        except TimeoutError:
            pass
        _logger.warning("lease %s: not released, other replicas wait until it expires", self._name)

    def _deadline(self) -> asyncio.Timeout:
        wait_s = TRY_DEADLINE_S
        if self._election.state is LeaseState.LEADER:
            wait_s = min(wait_s, self._election.deadline_s - self._clock())
        return asyncio.timeout(wait_s)

    def _signed(self, holder: str, duration_s: float) -> Json:
        """The Lease as it is to be written; what others have put there stays, its version too."""
        lease = self._lease or LEASE.head(self._namespace, self._name)
        spec = dict(lease.get("spec") or {})
        now = self._now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        if (spec.get("holderIdentity") or "") != holder and holder:
            spec["leaseTransitions"] = int(spec.get("leaseTransitions") or 0) + 1
            spec["acquireTime"] = now
        spec["holderIdentity"] = holder
        spec["leaseDurationSeconds"] = round(duration_s)
        spec["renewTime"] = now
        return {**lease, "spec": spec}

    @property
    def _path(self) -> str:
        return LEASE.path(self._namespace, self._name)

    @property
    def _holder(self) -> str:
        return "" if self._lease is None else _record(self._lease).holder

    def _warn_once(self, error: Exception) -> None:
        """Log a problem once, not at every attempt."""
        trouble = str(error) or "timed out"
        if trouble != self._trouble:
            self._trouble = trouble
            _logger.warning("lease %s: %s", self._name, trouble)

    def _why_lost(self) -> str:
        if self._holder not in ("", self._identity):
            return f"lease {self._name}: {self._holder} leads now, not {self._identity}"
        return (
            f"lease {self._name}: no write was accepted for {RENEW_DEADLINE_S:.0f} s; "
            f"{self._identity} does not lead any more"
        )


async def _stop(task: asyncio.Task[None]) -> bool:
    """Cancel a task; True if it ends in time. Its result stays with it."""
    task.cancel()
    ended, _ = await asyncio.wait((task,), timeout=WORK_STOPS_WITHIN_S)
    return bool(ended)


def _failure(task: asyncio.Task[None]) -> BaseException | None:
    """The exception of a task; None if it runs, was cancelled, or succeeded."""
    return task.exception() if task.done() and not task.cancelled() else None


def _record(lease: Json) -> LeaseRecord:
    """What the election has to know of a Lease; odd values are read as if they were missing."""
    spec: dict[str, Any] = lease.get("spec") or {}
    duration = spec.get("leaseDurationSeconds")
    valid = isinstance(duration, int) and duration > 0
    return LeaseRecord(
        holder=str(spec.get("holderIdentity") or ""),
        duration_s=float(duration) if valid and duration else LEASE_DURATION_S,
        renewed=str(spec.get("renewTime") or ""),
    )
