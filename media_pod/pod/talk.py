"""`interject talk`: a conversation with an agent in the terminal, in text, tools included.

What the bot says counts as heard, unless the next line interrupts it.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Final

from media_pod.dialogues.ports import (
    Act,
    CallerTurn,
    CallInfo,
    Dialogue,
    Expect,
    HangUp,
    Interruption,
    Pause,
    Play,
    Say,
    Speak,
    Transfer,
)
from media_pod.manifest.agent import AgentSpec
from media_pod.pod.services import TextServices
from media_pod.providers.chat import Usage
from media_pod.providers.deadline import within
from media_pod.providers.requests import ProviderRequest

HELP: Final = """\
Type what the caller says. An empty line is silence, #123 are keys, and !4 no, wait interrupts: the
caller heard 4 words of the bot and says "no, wait". End with Ctrl-D."""
DEADLINE_S: Final = 30.0
"""For each act of a dialogue that has no patience of its own."""
_INTERRUPTION: Final = re.compile(r"!([0-9]{1,4})\s*(.*)")
_KEYS: Final = re.compile(r"#([0-9*#]{1,64})")


class TerminalTalk:
    """One conversation.

    Args:
        dialogue: of the call.
        read: the next line of the caller; None at the end.
        write: takes a line to show.
    """

    def __init__(
        self,
        dialogue: Dialogue,
        read: Callable[[], Awaitable[str | None]],
        write: Callable[[str], None],
    ) -> None:
        self._dialogue = dialogue
        self._read = read
        self._write = write
        self._said: list[str] = []
        self._spoken = ""
        """Words of speech that goes on."""

    async def run(self) -> None:
        """Talk until one side ends the call. Raises ProviderError."""
        self._write(HELP)
        await self._dialogue.open()
        over = await self._hear(self._dialogue.greet())
        while not over and (line := await self._read()) is not None:
            over = await self._hear(self._dialogue.reply(self._turn(line.strip())))

    def _turn(self, line: str) -> CallerTurn:
        if found := _INTERRUPTION.fullmatch(line):
            words = " ".join(self._said).split()
            heard, unheard = words[: int(found[1])], words[int(found[1]) :]
            self._dialogue.interrupted(Interruption(" ".join(heard), " ".join(unheard), 0, 0))
            self._write(f"  (heard: {' '.join(heard) or 'nothing'})")
            line = found[2]
        if found := _KEYS.fullmatch(line):
            return CallerTurn("", found[1])
        return CallerTurn(line)

    async def _hear(self, acts: AsyncIterator[Act]) -> bool:
        """Show a turn of the bot; whether it ended the call."""
        self._said.clear()
        deadline_s = self._dialogue.patience_s or DEADLINE_S
        async with aclosing(within(acts, deadline_s, "the dialogue")) as timed:
            async for act in timed:
                if self._show(act):
                    return True
        self._show_speech()
        return False

    def _show(self, act: Act) -> bool:
        """Show what the bot does; whether it ends the call."""
        if not isinstance(act, Speak) or not act.speech.continues:
            self._show_speech()
        match act:
            case Speak(speech):
                self._spoken = " ".join(word.text for word in speech.words)
            case Say(text):
                self._said.append(text)
                self._write(f"bot: {text}")
            case Play(name):
                self._said.append(name)
                self._write(f"bot: ({name})")
            case Pause(duration_ms):
                self._write(f"  ({duration_ms} ms of silence)")
            case Expect(digits):
                self._write(f"  (expects {digits} digits)")
            case HangUp(reason):
                self._write(f"  (the bot hangs up: {reason})")
                return True
            case Transfer(goto):
                self._write(f"  (the bot transfers to {goto})")
                return True
        return False

    def _show_speech(self) -> None:
        spoken, self._spoken = self._spoken, ""
        if spoken:
            self._said.append(spoken)
            self._write(f"bot: {spoken}")


class TerminalObserver:
    """Shows the tools that an agent calls, and what the model needed; a `RequestObserver`.

    Args:
        write: takes a line to show.
        now: monotonic time in seconds.
    """

    def __init__(self, write: Callable[[str], None], now: Callable[[], float]) -> None:
        self._write = write
        self._now = now
        self._began: dict[ProviderRequest, float] = {}
        self._first_token_s: dict[ProviderRequest, float] = {}

    def requested(self, request: ProviderRequest) -> None:
        """See `RequestObserver`."""
        self._began[request] = self._now()
        if request.kind == "tool":
            self._write(f"  tool {request.provider}({request.text or '{}'})")

    def answered(self, request: ProviderRequest) -> None:
        """See `RequestObserver`."""
        self._first_token_s[request] = self._now() - self._began[request]

    def finished(self, request: ProviderRequest, usage: Usage | None, text: str) -> None:
        """See `RequestObserver`."""
        if request.kind == "tool":
            self._write(f"  tool {request.provider} -> {text}")
        elif usage is not None:
            first_ms = 1000 * self._first_token_s.get(request, 0.0)
            tokens = f"{usage.input_tokens} + {usage.output_tokens} tokens"
            self._write(f"  ({request.model}: first result after {first_ms:.0f} ms, {tokens})")
        self._forget(request)

    def failed(self, request: ProviderRequest, error: Exception) -> None:
        """See `RequestObserver`."""
        self._write(f"  ({request.kind} {request.provider} failed: {error})")
        self._forget(request)

    def abandoned(self, request: ProviderRequest) -> None:
        """See `RequestObserver`."""
        self._forget(request)

    def _forget(self, request: ProviderRequest) -> None:
        self._began.pop(request, None)
        self._first_token_s.pop(request, None)


async def talk_with(
    spec: AgentSpec,
    folder: Path,
    info: CallInfo,
    read: Callable[[], Awaitable[str | None]],
    write: Callable[[str], None],
) -> None:
    """One conversation with the agent of a manifest.

    Args:
        spec: of the agent.
        folder: what paths in it are relative to.
        info: of the call, for templates.
        read, write: as in `TerminalTalk`.

    Raises:
        SetupError: a secret, a package or a file is missing.
        ProviderError: the model fails; it is the terminal's user who tries again.
    """
    services = TextServices(spec, folder)
    try:
        make_dialogue = services.make_dialogue(spec, folder)
        await services.start()
        dialogue = make_dialogue(info, TerminalObserver(write, time.monotonic))
        try:
            await TerminalTalk(dialogue, read, write).run()
        finally:
            await dialogue.aclose()
    finally:
        await services.aclose()


async def read_line() -> str | None:
    """The next line of standard input; None at its end."""
    return await asyncio.to_thread(_prompted)


def _prompted() -> str | None:
    try:
        return input("you: ")
    except EOFError:
        return None
