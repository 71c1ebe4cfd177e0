"""What is wrong, said once: looks come every few seconds, and it may stay wrong for days."""

from logging import Logger


class Complaints:
    """Warnings, one per topic and text.

    Args:
        logger: takes them.
        about: what all of them are about; begins each.
    """

    def __init__(self, logger: Logger, about: str) -> None:
        self._logger = logger
        self._about = about
        self._said: dict[str, str] = {}

    def warn(self, topic: str, text: str) -> None:
        """Say `text`, unless it is what was said last about `topic`."""
        if self._said.get(topic) != text:
            self._said[topic] = text
            self._logger.warning("%s: %s", self._about, text)

    def over(self, topic: str) -> bool:
        """Nothing is wrong with `topic`, what comes next is news; whether something was."""
        return self._said.pop(topic, None) is not None
