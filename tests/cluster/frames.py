"""Whether callers missed a frame of what pods said, outside of stalls of the machine."""

from collections.abc import Awaitable, Callable, Sequence

from interject_lab.call_record import CallRecord
from real_time.retry import skip_too_busy
from real_time.verdict import Run, Verdict, run, verdict
from real_time.witness import Beside, witness


async def none_missing(
    make: Callable[[], Awaitable[Sequence[CallRecord]]], places: Sequence[Beside]
) -> Run:
    """Make calls until none misses a frame that no stall explains; fails the test if some do.

    Args:
        make: makes the calls; it may be called `TRIES` times, one after another.
        places: where a witness stands.
    """
    runs: list[Run] = []
    while not runs or verdict(runs) is Verdict.AGAIN:
        with witness(places) as stalls:
            records = await make()
        for record in records:
            assert record.ended == "the caller hung up", record.ended
        runs.append(run(records, stalls))
    if verdict(runs) is Verdict.TOO_BUSY:
        skip_too_busy(stalls, str(runs[-1]))
    assert verdict(runs) is Verdict.PASSED, "; ".join(map(str, runs))
    return runs[-1]
