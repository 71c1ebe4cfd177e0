"""The parent's side of a recognizer process: starts it on demand, and replaces it when it dies."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process

from media_pod.providers.builtin.sphinx_worker import HEADER
from media_pod.providers.ports import ProviderError

START_SECONDS = 20.0
"""Deadline for loading Python and the model: 0.2 s on a free core, more while a pod starts."""
MAX_OWED = 4
"""Maximum pending answers to cancelled requests; beyond that, a new process is faster."""
_COMMAND = (sys.executable, "-m", "media_pod.providers.builtin.sphinx_worker")


class RecognizerProcess:
    """A worker that decodes one utterance at a time; not for concurrent use.

    A plain subprocess instead of multiprocessing, whose children import the parent's main module,
    and torch with it, and cannot be killed one by one when they hang.
    """

    def __init__(self) -> None:
        self._process: Process | None = None
        self._owed = 0

    @property
    def pid(self) -> int | None:
        """Id of the running process; None without one."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Start the process if it is not running, and wait until its model is loaded.

        Raises:
            ProviderError: it did not start in time, or it reported an error.
        """
        if self._process is not None and self._process.returncode is None:
            return
        try:
            # In its own session: Ctrl-C in a terminal is for the parent only.
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
        """Recognize `pcm`.

        If cancelled, the process goes on, and the next call reads and drops its answer.

        Raises:
            ProviderError: the process died; the next call starts another.
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
        """Kill the process and wait until it has ended."""
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
