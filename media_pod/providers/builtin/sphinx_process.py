"""One recognizer process, as its parent sees it: started on demand, replaced when it dies."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process

from media_pod.providers.builtin.sphinx_worker import HEADER
from media_pod.providers.ports import ProviderError

START_SECONDS = 20.0
"""For Python and the model to load: 0.2 s when a core is free, and few are while a pod starts."""
MAX_OWED = 4
"""Answers to cancelled requests that are waited for; beyond that a fresh process is faster."""
_COMMAND = (sys.executable, "-m", "media_pod.providers.builtin.sphinx_worker")


class RecognizerProcess:
    """A worker that decodes one utterance at a time; never used by two tasks at once.

    A plain subprocess, not multiprocessing: its spawned children run the parent's main module
    again, which would bring torch with it, and a hanging one cannot be killed alone.
    """

    def __init__(self) -> None:
        self._process: Process | None = None
        self._owed = 0

    @property
    def pid(self) -> int | None:
        """Of the running process."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Start the process unless it runs, and wait until its model is loaded.

        Raises:
            ProviderError: it did not start in time, or says why it cannot work.
        """
        if self._process is not None and self._process.returncode is None:
            return
        try:
            # A session of its own: Ctrl-C in a terminal is for the parent.
            self._process = await asyncio.create_subprocess_exec(
                *_COMMAND, stdin=PIPE, stdout=PIPE, start_new_session=True
            )
        except OSError as error:
            raise ProviderError(f"pocketsphinx: cannot start {_COMMAND[0]}: {error}") from error
        self._owed = 0
        ready = False
        try:
            async with asyncio.timeout(START_SECONDS):
                await self._answer(self._process)
            ready = True
        except TimeoutError as error:
            raise ProviderError(f"pocketsphinx: not loaded after {START_SECONDS:g} s") from error
        finally:
            if not ready:
                await self.stop()

    async def decode(self, pcm: bytes) -> str:
        """The words of `pcm`.

        Cancelled, it leaves the process at work; its answer is read and dropped by the next call.

        Raises:
            ProviderError: the process ended; the next call starts another.
        """
        if self._owed > MAX_OWED:
            await self.stop()
        await self.start()
        process = self._process
        assert process is not None and process.stdin is not None
        self._owed += 1
        process.stdin.write(HEADER.pack(len(pcm)) + pcm)
        try:
            while True:
                answer = await self._answer(process)
                self._owed -= 1
                if not self._owed:
                    return str(answer["text"])
        except ProviderError:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Kill the process and wait for its end."""
        process, self._process = self._process, None
        self._owed = 0
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        if process.returncode is None:
            process.kill()
        await process.wait()

    async def _answer(self, process: Process) -> dict[str, object]:
        assert process.stdout is not None
        line = await process.stdout.readline()
        if not line:
            raise ProviderError("pocketsphinx: the recognizer process died")
        answer: dict[str, object] = json.loads(line)
        if "error" in answer:
            raise ProviderError(f"pocketsphinx does not load: {answer['error']}")
        return answer
