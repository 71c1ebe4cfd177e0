"""Recognition of one utterance by a chain of recognizers, while the caller speaks.

The first recognizer gets the audio as it comes. The utterance is kept, so that a second try or a
fallback gets it from its start.
"""

import asyncio
import logging
from typing import Final

import numpy as np

from media_pod.providers.chain import (
    Attempt,
    ProviderChain,
    as_provider_error,
    traceback_of,
)
from media_pod.providers.deadline import raise_if_cancelled
from media_pod.providers.ports import FailureKind, Pcm, ProviderError, Stt, Utterance
from media_pod.providers.requests import PendingRequest, RequestObserver, pending

SttChain = ProviderChain[Stt]

_NOTHING: Final = np.zeros(0, np.int16)

_logger = logging.getLogger(__name__)


class Recognition:
    """One utterance.

    Args:
        chain: the recognizers.
        max_samples: most audio that is kept for another try; later audio is left out there.
    """

    def __init__(self, chain: SttChain, max_samples: int) -> None:
        self._chain = chain
        self._attempt: Attempt[Stt] = chain.attempt()
        self._audio: list[Pcm] = []
        self._room = max_samples
        self._error: Exception | None = None
        """What the recognizer raised while it listened; it must not disturb the tick."""
        self._utterance: Utterance | None = self._listen()

    @property
    def partial(self) -> str:
        """The words so far; "" if the recognizer has none before the end."""
        return "" if self._utterance is None else self._utterance.partial

    def feed(self, pcm: Pcm) -> None:
        """Add the next audio; the array is kept."""
        kept = pcm[: self._room]
        if kept.size:
            self._audio.append(kept)
            self._room -= kept.size
        self._feed(pcm)

    def discard(self) -> None:
        """Abandon the utterance; no effect after `finish`."""
        utterance, self._utterance = self._utterance, None
        if utterance is not None:
            try:
                utterance.discard()
            except Exception as error:  # the edge at which a recognizer's bug stops
                failure = as_provider_error(error, self._attempt.provider)
                _logger.warning("%s", failure, exc_info=traceback_of(failure))

    async def finish(self, observer: RequestObserver) -> str:
        """The words of the utterance; "" if none were recognized.

        Raises:
            ProviderError: no recognizer of the chain could do it.
        """
        while True:
            provider = self._attempt.provider
            with pending(observer, self._chain.request(provider)) as request:
                try:
                    text = await self._finish(request)
                except Exception as error:  # the edge at which a recognizer's bug stops
                    failure = as_provider_error(error, provider)
                    request.failed(failure)
                else:
                    return text
            self.discard()
            await self._attempt.again(failure)
            self._error, self._utterance = None, self._listen()
            self._feed(np.concatenate([_NOTHING, *self._audio]))

    async def _finish(self, request: PendingRequest) -> str:
        if self._error is not None:
            raise self._error
        assert self._utterance is not None, "an utterance is finished once"
        deadline_s = self._chain.deadline_s
        timeout = asyncio.timeout(deadline_s)
        try:
            async with timeout:
                text = await self._utterance.finish()
        except TimeoutError as error:
            if not timeout.expired():
                raise
            late = f"{self._attempt.provider.name}: no text within {deadline_s:g} s"
            raise ProviderError(late, FailureKind.TIMEOUT) from error
        raise_if_cancelled()
        request.answered()
        request.finished()
        return text

    def _listen(self) -> Utterance | None:
        try:
            return self._attempt.provider.listen()
        except Exception as error:  # the edge at which a recognizer's bug stops
            self._error = error
            return None

    def _feed(self, pcm: Pcm) -> None:
        if self._utterance is not None and self._error is None:
            try:
                self._utterance.feed(pcm)
            except Exception as error:  # the edge at which a recognizer's bug stops
                self._error = error
