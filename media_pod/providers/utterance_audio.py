"""Audio of one utterance, for recognizers that decode it after its end."""

from collections.abc import Sequence

import numpy as np

from media_pod.providers.ports import Pcm


class UtteranceAudio:
    """Keeps the first `max_samples` samples and drops what comes later."""

    def __init__(self, max_samples: int) -> None:
        self._chunks: list[Pcm] = []
        self._room = max_samples

    @property
    def chunks(self) -> Sequence[Pcm]:
        """What is kept, none of it empty."""
        return self._chunks

    def joined(self) -> Pcm:
        """All of it as one array, which may be empty."""
        return np.concatenate(self._chunks) if self._chunks else np.zeros(0, np.int16)

    def feed(self, pcm: Pcm) -> Pcm:
        """Append a copy of `pcm`, up to the limit; returns the copy, which may be empty."""
        taken = pcm[: self._room].copy()
        if taken.size:
            self._chunks.append(taken)
            self._room -= taken.size
        return taken

    def take(self) -> "UtteranceAudio":
        """All of it; nothing is kept here from now on."""
        taken = UtteranceAudio(0)
        taken._chunks, self._chunks, self._room = self._chunks, [], 0
        return taken
