"""One answer of the model: what has come of it, and its speech part by part."""

import asyncio
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Final, Literal

from media_pod.dialogues.realtime.item_speech import ItemSpeech
from media_pod.providers.chat import ToolCall, Usage
from media_pod.providers.ports import FailureKind, ProviderError, Speech
from media_pod.providers.requests import PendingRequest

PART_MS: Final = 250
"""Speech that is handed on at once. Acts that wait for the voice are then 8 s of speech."""
SLICE_CHARS: Final = 1 << 15
"""Base64 that is decoded and resampled at once: 0.3 ms of CPU. A multiple of 4."""

Status = Literal["completed", "cancelled", "incomplete", "failed"]


@dataclass(frozen=True, slots=True)
class ResponseEnd:
    """How an answer ended."""

    status: Status
    reason: str = ""
    """Such as `content_filter`."""
    usage: Usage | None = None


class RealtimeResponse:
    """An answer, from the request for it to its end.

    Its audio is held here, however fast it comes; from `max_samples` on the rest is left out.

    Args:
        request: reports what becomes of it.
        make_item: makes the speech of an item.
        failure: makes an error of the server's.
        rate_hz: of the line.
        max_samples: of speech.
        deadline_s: for the first and each further piece of it.
    """

    def __init__(
        self,
        request: PendingRequest,
        make_item: Callable[[], ItemSpeech],
        failure: Callable[[Exception], ProviderError],
        rate_hz: int,
        max_samples: int,
        deadline_s: float,
    ) -> None:
        self.id = ""
        """At the server; "" until it has begun there."""
        self.item_ids: set[str] = set()
        """Of all that it adds to the server's conversation."""
        self.items: dict[str, ItemSpeech] = {}
        """Speech by the item's id, in order."""
        self.calls: dict[str, ToolCall] = {}
        """By the item's id."""
        self.outcome: ResponseEnd | None = None
        self.abandoned = False
        """It is not wanted any more."""
        self.overlong = False
        """It was cut at `max_samples`."""
        self._request = request
        self._make_item = make_item
        self._failure = failure
        self._part_samples = rate_hz * PART_MS // 1000
        self._left_samples = max_samples
        self._deadline_s = deadline_s
        self._error: ProviderError | None = None
        self._arrived: asyncio.Queue[tuple[ItemSpeech, str | None] | None] = asyncio.Queue()
        """Audio, the end of an item's (None), and the end of all."""
        self._changed = asyncio.Event()
        self._begun = asyncio.Event()
        self._decoding = asyncio.create_task(self._decode(), name="realtime: audio of a response")

    @property
    def over(self) -> bool:
        """The server is done with it, it failed, or it is not wanted any more."""
        return self.outcome is not None or self._error is not None or self.abandoned

    @property
    def done(self) -> bool:
        """It holds no task any more."""
        return self._decoding.done()

    @property
    def empty(self) -> bool:
        """Nothing has come of it."""
        return not (self.items or self.calls)

    async def begun(self) -> None:
        """Wait for its first audio, its first call, or its end."""
        await self._begun.wait()

    def on_text(self, item_id: str, delta: str) -> None:
        """The transcript of an item goes on."""
        self._item(item_id).add_text(delta)

    def on_whole_text(self, item_id: str, text: str) -> None:
        """The transcript of an item is complete."""
        self._item(item_id).set_text(text)

    def on_audio(self, item_id: str, delta: str) -> None:
        """The audio of an item goes on: base64."""
        self._request.answered()
        self._arrive(self._item(item_id), delta)
        self._begun.set()

    def on_item_end(self, item_id: str) -> None:
        """The audio and the transcript of an item of speech are complete."""
        self._arrive(self._item(item_id), None)

    def on_call(self, item_id: str, call: ToolCall) -> None:
        """The model calls a tool; said twice, it counts once."""
        self._request.answered()
        self.calls[item_id] = call
        self._begun.set()

    def finish(self, outcome: ResponseEnd) -> None:
        """The server is done with it."""
        if self.over:
            return
        for item in self.items.values():
            self._arrive(item, None)
        self.outcome = outcome
        if outcome.status == "cancelled":
            self._request.close()
        else:
            self._request.finished(outcome.usage)
        self._end()

    def fail(self, error: ProviderError) -> None:
        """It failed; what has come of it is played before."""
        if not self.over:
            self._error = error
            self._request.failed(error)
            self._end()

    def abandon(self) -> None:
        """It is not wanted any more: what still comes of it is dropped."""
        self.abandoned = True
        self._request.close()
        self._decoding.cancel()
        self._changed.set()
        self._begun.set()

    async def parts(self) -> AsyncGenerator[tuple[str, Speech], None]:
        """Its speech, each part with its item's id, as early as possible.

        Raises:
            ProviderError: it failed, nothing came within the deadline, or no such audio was wanted.
        """
        played = 0
        while not self.abandoned:
            if played < len(self.items):
                item_id, item = list(self.items.items())[played]
                # Looked at before the part is taken: the last one has the final word times.
                ended = item.ended
                if ended or item.waiting_samples:
                    yield item_id, item.take(self._part_samples)
                played += ended and not item.waiting_samples
                if ended or item.waiting_samples:
                    continue
            elif self.over or self.overlong:
                break
            if self._error is not None:
                break
            await self._change()
        if self._error is not None:
            raise self._error

    async def aclose(self) -> None:
        """Release what it holds."""
        self._request.close()
        self._decoding.cancel()
        await asyncio.gather(self._decoding, return_exceptions=True)

    def _item(self, item_id: str) -> ItemSpeech:
        if item_id not in self.items:
            self.items[item_id] = self._make_item()
        return self.items[item_id]

    def _end(self) -> None:
        self._arrived.put_nowait(None)
        self._changed.set()
        self._begun.set()

    def _arrive(self, item: ItemSpeech, delta: str | None) -> None:
        if not self.over:
            self._arrived.put_nowait((item, delta))

    async def _change(self) -> None:
        self._changed.clear()
        timeout = asyncio.timeout(self._deadline_s)
        try:
            async with timeout:
                await self._changed.wait()
        except TimeoutError:
            late = f"no speech for {self._deadline_s:g} s"
            self.fail(self._failure(ProviderError(late, FailureKind.TIMEOUT)))

    async def _decode(self) -> None:
        """Turn base64 into samples in slices, so that a long event does not hold up the loop."""
        try:
            while (arrived := await self._arrived.get()) is not None:
                item, delta = arrived
                if delta is None:
                    item.end()
                else:
                    await self._add(item, delta)
                self._changed.set()
        except (Base64Error, ProviderError) as error:
            self.fail(self._failure(error))

    async def _add(self, item: ItemSpeech, delta: str) -> None:
        for start in range(0, len(delta), SLICE_CHARS):
            if self._left_samples <= 0:
                self.overlong = True
                item.end()
                return
            before = item.samples
            item.add_audio(b64decode(delta[start : start + SLICE_CHARS]))
            self._left_samples -= item.samples - before
            self._changed.set()
            await asyncio.sleep(0)
