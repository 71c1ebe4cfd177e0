"""Leading by a Lease, in virtual time: who leads when, through everything a server may do."""

import asyncio
import random
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lease_doubles import (
    Client,
    Fault,
    Replica,
    Server,
    never_answer,
    nothing,
    refuse_connection,
    too_many,
)
from virtual_time import run

from voiceagent_operator.leader.election import LEASE_DURATION_S, RENEW_EVERY_S, RETRY_EVERY_S
from voiceagent_operator.leader.lease import LeadershipLostError


def now_s() -> float:
    return asyncio.get_running_loop().time()


async def two(server: Server) -> tuple[Replica, Replica]:
    """The first leads, the second waits."""
    first = Replica("first", server).start()
    await asyncio.sleep(1)
    second = Replica("second", server).start()
    await asyncio.sleep(10.5)
    assert (first.working, second.working) == (True, False)
    return first, second


def test_the_first_leads_at_once_and_renews() -> None:
    async def main() -> None:
        server = Server()
        replica = Replica("first", server).start()
        await asyncio.sleep(60)
        assert replica.led[0] < 0.1
        spacing = [b[0] - a[0] for a, b in zip(server.writes, server.writes[1:], strict=False)]
        assert len(spacing) > 10
        assert max(spacing) <= RENEW_EVERY_S + 0.1
        assert await replica.stop() is None

    run(main())


def test_the_lease_reads_as_people_expect() -> None:
    async def main() -> None:
        server = Server()
        first, second = await two(server)
        await first.stop()
        await asyncio.sleep(3)
        assert server.lease is not None
        assert server.lease["metadata"]["namespace"] == "voice"
        spec = server.lease["spec"]
        assert spec["holderIdentity"] == "second"
        assert spec["leaseDurationSeconds"] == LEASE_DURATION_S
        assert spec["leaseTransitions"] == 2
        assert "2026-11-26T00:00:11" < spec["acquireTime"] <= spec["renewTime"]
        assert len(spec["renewTime"]) == len("2026-11-26T00:00:00.000000Z")
        await second.stop()

    run(main())


def test_an_orderly_stop_hands_over_within_one_poll() -> None:
    async def main() -> None:
        first, second = await two(Server())
        stopped_s = now_s()
        await first.stop()
        assert now_s() - stopped_s < 0.1
        await asyncio.sleep(RETRY_EVERY_S + 0.1)
        assert first.stopped[0] <= second.led[0] <= stopped_s + RETRY_EVERY_S + 0.1
        await second.stop()

    run(main())


def test_a_leader_that_dies_is_replaced_within_15_s() -> None:
    async def main(lived_s: float) -> None:
        first, second = await two(Server())
        await asyncio.sleep(lived_s)
        died_s = now_s()
        await first.crash()
        await asyncio.sleep(20)
        assert second.led[0] - died_s < 15
        await second.stop()

    for tenths in range(40):
        run(main(tenths / 10))


@pytest.mark.parametrize("fault", [refuse_connection, never_answer, too_many])
@pytest.mark.parametrize("when_s", [0.0, 1.5, 3.0, 3.9])
def test_a_server_that_is_away_for_a_while_costs_no_leader_its_lease(
    fault: Fault, when_s: float
) -> None:
    async def main() -> None:
        first, second = await two(Server())
        await asyncio.sleep(when_s)
        for client in (first.client, second.client):
            client.there = fault
        await asyncio.sleep(3.0)
        for client in (first.client, second.client):
            client.there = nothing
        await asyncio.sleep(60)
        assert first.working
        assert not second.led
        await first.stop()
        await second.stop()

    run(main())


@pytest.mark.parametrize("fault", [refuse_connection, never_answer, too_many])
def test_a_leader_without_a_server_stops_its_work_before_others_may_lead(fault: Fault) -> None:
    async def main() -> None:
        server = Server()
        first, second = await two(server)
        renewed_s = server.writes[-1][0]
        first.client.there = fault
        with pytest.raises(LeadershipLostError, match="no write was accepted for 8 s; first"):
            await first.task
        assert first.stopped[0] <= renewed_s + 8.1
        await asyncio.sleep(10)
        assert second.led[0] >= renewed_s + LEASE_DURATION_S
        await second.stop()

    run(main())


def test_a_slow_server_is_no_reason_to_change() -> None:
    async def main() -> None:
        server = Server()
        first = Replica("first", server, Client(server, there_s=1.3, back_s=1.3)).start()
        second = Replica("second", server, Client(server, there_s=1.3, back_s=1.3)).start()
        await asyncio.sleep(120)
        assert len(first.led + second.led) == 1
        await first.stop()
        await second.stop()

    run(main())


def test_a_write_whose_answer_is_lost_is_no_reason_to_change() -> None:
    async def main() -> None:
        server = Server()
        first, second = await two(server)
        for _ in range(3):
            first.client.back = refuse_connection
            writes = len(server.writes)
            while len(server.writes) == writes:
                await asyncio.sleep(0.1)
            first.client.back = nothing
            await asyncio.sleep(5)
        assert first.working
        assert not second.led
        await first.stop()
        await second.stop()

    run(main())


def test_what_others_write_into_the_lease_stays() -> None:
    async def main() -> None:
        server = Server()
        replica = Replica("first", server).start()
        await asyncio.sleep(1)
        assert server.lease is not None
        server.lease["metadata"]["annotations"] = {"note": "do not touch"}
        server.edit(strategy="OldestEmulationVersion")
        await asyncio.sleep(30)
        assert replica.working
        assert server.lease["metadata"]["annotations"] == {"note": "do not touch"}
        assert server.lease["spec"]["strategy"] == "OldestEmulationVersion"
        assert server.writes[-1][0] > 25
        await replica.stop()

    run(main())


def test_a_lease_that_is_deleted_is_put_back() -> None:
    async def main() -> None:
        server = Server()
        replica = Replica("first", server).start()
        await asyncio.sleep(1)
        server.lease = None
        await asyncio.sleep(10)
        assert replica.working
        assert server.holder == "first"
        await replica.stop()

    run(main())


def test_a_lease_that_is_given_to_another_by_hand_ends_the_work() -> None:
    async def main() -> None:
        server = Server()
        replica = Replica("first", server).start()
        await asyncio.sleep(1)
        server.edit(holderIdentity="somebody")
        with pytest.raises(LeadershipLostError, match="somebody leads now, not first"):
            await replica.task
        assert not replica.working
        assert server.holder == "somebody"

    run(main())


@pytest.mark.parametrize("odd", [{}, {"leaseDurationSeconds": 0}, {"leaseDurationSeconds": "x"}])
def test_a_holder_that_asks_for_no_duration_gets_ours(odd: dict[str, Any]) -> None:
    async def main() -> None:
        server = Server()
        server.put({"metadata": {}, "spec": {"holderIdentity": "old", **odd}}, new=True)
        replica = Replica("first", server).start()
        await asyncio.sleep(LEASE_DURATION_S - 0.5)
        assert not replica.led
        await asyncio.sleep(1)
        assert replica.led
        await replica.stop()

    run(main())


def test_work_that_ends_gives_the_lease_back() -> None:
    async def main() -> None:
        server = Server()

        async def short() -> None:
            await asyncio.sleep(10)

        async def broken() -> None:
            await asyncio.sleep(10)
            raise ValueError("a fault in the work")

        await Replica("first", server).start(short).task
        assert server.holder == ""
        with pytest.raises(ValueError, match="a fault in the work"):
            await Replica("second", server).start(broken).task
        assert server.holder == ""

    run(main())


def test_work_that_takes_its_time_to_stop_keeps_the_lease_until_it_has() -> None:
    async def main() -> None:
        server = Server()
        first = Replica("first", server)
        held: list[str] = []

        async def slow() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(2)
                held.append(server.holder)

        first.start(slow)
        second = Replica("second", server).start()
        await asyncio.sleep(20)
        await first.stop()
        assert held == ["first"]
        assert server.holder == ""
        await second.stop()

    run(main())


def test_work_that_does_not_stop_does_not_hand_the_lease_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main() -> None:
        server = Server()
        first = Replica("first", server)
        over = asyncio.Event()

        async def stubborn() -> None:
            while not over.is_set():
                with suppress(asyncio.CancelledError):
                    await over.wait()

        first.start(stubborn)
        await asyncio.sleep(20)
        stopped_s = now_s()
        await first.stop()
        assert now_s() - stopped_s < 4
        assert server.holder == "first"
        over.set()
        await asyncio.sleep(0.1)

    run(main())
    assert "work did not stop in time, the lease is left to expire" in caplog.text


def test_a_candidate_that_stops_leaves_the_lease_alone() -> None:
    async def main() -> None:
        server = Server()
        first, second = await two(server)
        writes = len(server.writes)
        await second.stop()
        assert len(server.writes) == writes
        await first.stop()

    run(main())


def test_whoever_stops_while_its_first_write_is_on_the_way_gives_the_lease_back() -> None:
    async def main() -> None:
        server = Server()
        replica = Replica("first", server, Client(server, back_s=0.5)).start()
        while server.holder != "first":
            await asyncio.sleep(0.01)
        assert not replica.led
        await replica.stop()
        assert server.holder == ""

    run(main())


def test_trouble_is_reported_once_and_not_every_two_seconds(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main() -> None:
        server = Server()
        replica = Replica("first", server)
        replica.client.there = refuse_connection
        replica.start()
        await asyncio.sleep(100)
        await replica.stop()

    run(main())
    assert [record.message for record in caplog.records] == [
        "lease operator: GET: no answer ClientConnectorError: connection refused"
    ]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1 << 32), st.lists(st.floats(0.9, 1.1), min_size=2, max_size=3))
def test_no_two_work_at_a_time_whatever_happens(seed: int, rates: list[float]) -> None:
    rng = random.Random(seed)

    async def fault(verb: str) -> None:
        if rng.random() < 0.3:
            await rng.choice((refuse_connection, never_answer, too_many, late))(verb)

    async def late(verb: str) -> None:
        await asyncio.sleep(rng.uniform(0, 4))

    async def life(server: Server, name: str, rate: float) -> None:
        """One replica after the other: they lose, crash, are stopped, and come again."""
        for generation in range(8):
            replica = Replica(f"{name}{generation}", server, rate=rate)
            replica.client.there = replica.client.back = fault
            replica.start()
            await asyncio.wait((replica.task,), timeout=rng.uniform(5, 60))
            await rng.choice((replica.stop, replica.crash))()
            await asyncio.sleep(rng.uniform(0, 10))

    async def main() -> None:
        server = Server()
        lives: list[Coroutine[Any, Any, None]] = [
            life(server, chr(ord("a") + number), rate) for number, rate in enumerate(rates)
        ]
        await asyncio.gather(*lives)
        assert not server.overlaps

    run(main())
