"""Until somebody says stop: SIGTERM from a kubelet, SIGINT from a terminal."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, Final

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


class Stopping:
    """Turns signals into the cancellation of one piece of work."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()

    def take_signals(self) -> None:
        """Have the signals come here from now on.

        To be called again after whatever else takes them: kopf does, wherever it is embedded, and
        then gives five seconds to every task of the process before it ends.
        """
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._asked.set)

    async def until_asked(self, work: Coroutine[Any, Any, None]) -> None:
        """Do `work` until it ends, or until it is cancelled because somebody asked."""
        self.take_signals()
        working, asking = asyncio.ensure_future(work), asyncio.ensure_future(self._asked.wait())
        try:
            await asyncio.wait((working, asking), return_when=asyncio.FIRST_COMPLETED)
        finally:
            asking.cancel()
            working.cancel()
            await asyncio.gather(working, asking, return_exceptions=True)
        if not working.cancelled():
            working.result()
