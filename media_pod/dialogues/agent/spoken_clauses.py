"""Between the stream of a language model and the voice: deltas in, clauses to speak out."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing, nullcontext
from typing import Final

from media_pod.dialogues.agent.clauses import ClauseCutter
from media_pod.dialogues.agent.speakable_text import SpeakableText

HELD_DELTAS: Final = 64
"""How many deltas are read ahead of the voice; then the model's stream waits."""
DELTA_CHARS: Final = 200
"""A longer delta, from a server that does not stream, is worked on in parts: one takes up to half a
millisecond, and other calls are served between two of them."""


async def spoken_clauses(
    deltas: AsyncIterator[str], language: str, flush_s: float
) -> AsyncGenerator[str, None]:
    """Yield what a voice can speak of `deltas`, clause by clause, each as early as possible.

    `deltas` is read in a task of its own from begin to end, because a generator may hold a deadline
    or a span over its yields, and those belong to one task. It is closed when this generator ends
    for any reason. As with every asynchronous generator, a consumer that stops early must close it
    (`aclosing`).

    Args:
        deltas: text of one reply, cut anywhere, with its own deadlines (`deadline.within`).
        language: BCP 47 tag of the text.
        flush_s: when nothing has come for so long, what is complete is spoken.

    Raises:
        Exception: whatever `deltas` raises, after the clauses that were complete before.
    """
    arrived: asyncio.Queue[str | None] = asyncio.Queue()
    room = asyncio.Semaphore(HELD_DELTAS)
    reading = asyncio.create_task(_read(deltas, arrived, room), name="deltas of a reply")
    # Not put by the task itself: it could wait for room while it is being cancelled
    reading.add_done_callback(lambda _: arrived.put_nowait(None))
    text, cutter = SpeakableText(), ClauseCutter(language)
    wait_s: float | None = flush_s
    try:
        while True:
            try:
                async with asyncio.timeout(wait_s):
                    delta = await arrived.get()
            except TimeoutError:
                clauses = cutter.flush()
                wait_s = None  # once per pause
            else:
                if delta is None:
                    break
                room.release()
                await asyncio.sleep(0)  # reading what has arrived already does not suspend
                clauses = cutter.feed(text.feed(delta))
                wait_s = flush_s
            for clause in clauses:
                yield clause
        reading.result()
        for clause in cutter.feed(text.finish()) + cutter.finish():
            yield clause
    finally:
        reading.cancel()
        await asyncio.wait({reading})
        if not reading.cancelled():
            reading.exception()  # a failure that comes while closing is nobody's


async def _read(
    deltas: AsyncIterator[str], arrived: asyncio.Queue[str | None], room: asyncio.Semaphore
) -> None:
    async with _closing(deltas):
        async for delta in deltas:
            for at in range(0, len(delta), DELTA_CHARS):
                await room.acquire()
                arrived.put_nowait(delta[at : at + DELTA_CHARS])


def _closing(deltas: AsyncIterator[str]) -> AbstractAsyncContextManager[object]:
    return aclosing(deltas) if isinstance(deltas, AsyncGenerator) else nullcontext()
