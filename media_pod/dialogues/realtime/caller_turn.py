"""A turn of the caller at a Realtime server: its item, and its transcript, which comes later."""

import asyncio
from collections.abc import Callable

from media_pod.providers.ports import ProviderError


class CallerItem:
    """What the caller said in one turn, from the commit of its audio."""

    def __init__(self) -> None:
        self.item_id = ""
        """At the server; "" until it has taken the audio."""
        self.transcript: str | None = None
        """None while it is not known, or never will be; "" if there are no words."""
        self.error: ProviderError | None = None
        """Why the audio was not taken."""
        self.dropped = False
        """It is not a turn any more."""
        self.on_transcript: Callable[[str], None] = lambda _: None
        """Takes the transcript when it comes."""
        self._known = asyncio.Event()

    async def known(self) -> None:
        """Wait until the transcript has come, or will not."""
        await self._known.wait()

    def transcribed(self, text: str | None) -> None:
        """The server has written down what was said; None: it could not."""
        self._known.set()
        if text is not None:
            self.transcript = " ".join(text.split())
            self.on_transcript(self.transcript)

    def fail(self, error: ProviderError) -> None:
        """The audio was not taken, or its transcript will not come."""
        self.error = self.error or error
        self._known.set()
