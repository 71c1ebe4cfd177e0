"""The ears of a pipecat pipeline: the caller's audio and turns go to it, the words stay there."""

from media_pod.dialogues.pipecat.link import PipecatLink
from media_pod.providers.ports import FailureKind, Pcm, ProviderError


class PipecatEars:
    """The ears of one call, as an `Stt`. The dialogue opens and closes the link."""

    name = "pipecat"
    model = ""

    def __init__(self) -> None:
        self.link: PipecatLink | None = None
        self._unanswered_samples = 0
        """Of the turns that were heard and not answered: they come again with the next."""

    async def start(self) -> None:
        """Nothing to start."""

    async def check(self) -> str:
        """The pipeline is checked as a whole."""
        return ""

    async def aclose(self) -> None:
        """Nothing to release."""

    def answered(self) -> None:
        """The bot has begun to answer: what was heard does not come again."""
        self._unanswered_samples = 0

    def listen(self) -> "PipecatUtterance":
        """The caller speaks."""
        if self.link is not None:
            self.link.caller_started()
        return PipecatUtterance(self, self._unanswered_samples)

    def heard(self, samples: int) -> None:
        """So much of a turn has been heard."""
        self._unanswered_samples += samples


class PipecatUtterance:
    """One turn of the caller.

    Args:
        ears: of the call.
        known_samples: how much of it the pipeline has heard before.
    """

    def __init__(self, ears: PipecatEars, known_samples: int) -> None:
        self._ears = ears
        self._known_samples = known_samples
        self._over = False

    @property
    def partial(self) -> str:
        """Always "": the words stay in the pipeline."""
        return ""

    def feed(self, pcm: Pcm) -> None:
        """Send the next audio, without what the pipeline has heard."""
        new = pcm[self._known_samples :]
        self._known_samples -= pcm.size - new.size
        if self._ears.link is not None and new.size and not self._over:
            self._ears.heard(new.size)
            self._ears.link.hear(new)

    async def finish(self) -> str:
        """The turn is over. Returns "". Raises ProviderError: there is no pipeline."""
        link = self._ears.link
        if link is None or link.end is not None:
            raise ProviderError("pipecat: the pipeline has ended", FailureKind.INTERNAL)
        self._over = True
        link.caller_stopped()
        return ""

    def discard(self) -> None:
        """The turn is over, and nobody waits for an answer."""
        if not self._over:
            self._over = True
            if self._ears.link is not None:
                self._ears.link.caller_stopped()
