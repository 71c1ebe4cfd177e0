"""What is wrong, said once: looks come every few seconds, and it may stay wrong for days."""

from logging import Logger


class Complaints:
    """Warnings, one per topic and text.

    Args:
        logger: takes them.
    """

    def __init__(self, logger: Logger) -> None:
        self._logger = logger
        self._said: dict[str, str] = {}

    def warn(self, topic: str, text: str) -> None:
        """Say `text`, unless it is what was said last about `topic`."""
        if self._said.get(topic) != text:
            self._said[topic] = text
            self._logger.warning("metrics API: %s", text)

    def over(self, topic: str) -> None:
        """Nothing is wrong with `topic`: what comes next is news."""
        self._said.pop(topic, None)
