"""The pipecat transport of one call: runs in the pipeline's process.

The pod has the line: it cancels echo, decides interruptions and the ends of turns, and paces. So
the pipeline needs no VAD, and its user aggregator `ExternalUserTurnStrategies`. Written for pipecat
1.14.
"""

import asyncio
import time
from typing import Any, Final

from pipecat.audio.dtmf.types import KeypadEntry
from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    InputDTMFFrame,
    InterruptionFrame,
    LLMFullResponseEndFrame,
    OutputAudioRawFrame,
    StartFrame,
    TTSAudioRawFrame,
    TTSStoppedFrame,
    TTSTextFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.transports.base_input import BaseInputTransport
from pipecat.transports.base_output import BaseOutputTransport
from pipecat.transports.base_transport import BaseTransport, TransportParams
from pipecat.utils.text.base_text_aggregator import TextType

from media_pod.dialogues.pipecat.turn_texts import TurnText, TurnTexts
from media_pod.dialogues.pipecat.wire import WINDOW_S, MessageKind, encoded, encoded_json, fields

TICK_S: Final = 0.02
LEAD_S: Final = 0.2
"""How far the output is ahead of real time: what the two processes may be late."""
HEARD_S: Final = 0.1
"""After the last audio was due, until a listener has surely heard it."""
_CHUNKS_OF_10_MS: Final = 2


class InterjectTransport(BaseTransport):
    """One call, as a pipeline's input and output.

    Args:
        writer: to the pod.
        call: the facts of the call: `rate_hz`, `uuid`, `from_number`, `to_number`, `variables`.
    """

    def __init__(self, writer: asyncio.StreamWriter, call: dict[str, Any]) -> None:
        super().__init__()
        self.call = call
        rate_hz = int(call["rate_hz"])
        params = TransportParams(
            audio_in_enabled=True,
            audio_in_sample_rate=rate_hz,
            audio_out_enabled=True,
            audio_out_sample_rate=rate_hz,
            audio_out_10ms_chunks=_CHUNKS_OF_10_MS,
            audio_out_end_silence_secs=0,
        )
        self._input = _CallerInput(params, rate_hz)
        self._output = _BotOutput(params, writer)

    def input(self) -> FrameProcessor:
        """The caller's audio, turns and digits."""
        return self._input

    def output(self) -> FrameProcessor:
        """The bot's audio."""
        return self._output

    async def on_message(self, kind: MessageKind, payload: bytes) -> None:
        """The pod has sent a message."""
        match kind:
            case MessageKind.AUDIO:
                await self._input.on_audio(payload)
            case MessageKind.CALLER_STARTED:
                # Recognizers that work on whole utterances go by the frames of a VAD.
                await self._input.broadcast_frame(VADUserStartedSpeakingFrame)
                await self._input.broadcast_frame(UserStartedSpeakingFrame)
            case MessageKind.CALLER_STOPPED:
                await self._input.broadcast_frame(VADUserStoppedSpeakingFrame)
                await self._input.broadcast_frame(UserStoppedSpeakingFrame)
            case MessageKind.INTERRUPT:
                self._output.heard = str(fields(payload)["heard"])
                await self._input.broadcast_interruption()
            case MessageKind.DIGIT:
                button = KeypadEntry(fields(payload)["digit"])
                await self._input.push_frame(InputDTMFFrame(button=button))
            case MessageKind.TAKEN:
                self._output.taken(int(fields(payload)["samples"]))


class _CallerInput(BaseInputTransport):
    """The caller's audio, with silence where there is none: services count time by frames."""

    def __init__(self, params: TransportParams, rate_hz: int) -> None:
        super().__init__(params)
        self._rate_hz = rate_hz
        self._last_s = 0.0
        self._silence: asyncio.Task[None] | None = None

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        # Without it no audio task exists, and frames vanish.
        await self.set_transport_ready(frame)
        self._silence = self.create_task(self._push_silence())

    async def cleanup(self) -> None:
        await super().cleanup()
        if self._silence is not None:
            await self.cancel_task(self._silence)
            self._silence = None

    async def on_audio(self, pcm: bytes) -> None:
        self._last_s = time.monotonic()
        tick = int(self._rate_hz * TICK_S) * 2
        if self._silence is not None:
            for start in range(0, len(pcm), tick):
                await self._push(pcm[start : start + tick])

    async def _push_silence(self) -> None:
        silence = bytes(int(self._rate_hz * TICK_S) * 2)
        while True:
            await asyncio.sleep(TICK_S)
            if time.monotonic() - self._last_s > 2 * TICK_S:
                await self._push(silence)

    async def _push(self, pcm: bytes) -> None:
        frame = InputAudioRawFrame(audio=pcm, sample_rate=self._rate_hz, num_channels=1)
        await self.push_audio_frame(frame)


class _BotOutput(BaseOutputTransport):
    """The bot's audio in real time, and its texts to the context as far as they were heard."""

    def __init__(self, params: TransportParams, writer: asyncio.StreamWriter) -> None:
        super().__init__(params)
        self.heard = ""
        """Of the turn that is being interrupted."""
        self._writer = writer
        self._texts = TurnTexts(self._report)
        self._ends: dict[int, int] = {}
        """Of frames that end speech, by id: samples of the turn that came before."""
        self._turns = 0
        self._ahead = 0
        """Samples that the pod has not taken."""
        self._room = asyncio.Event()
        self._due_s = 0.0
        """When the audio that was written has been played."""

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        if isinstance(frame, TTSTextFrame) and direction is FrameDirection.DOWNSTREAM:
            # Held back: the context gets it when it was heard.
            await FrameProcessor.process_frame(self, frame, direction)
            if frame.append_to_context and frame.text.strip():
                self._texts.add(frame.text.strip())
            return
        if isinstance(frame, InterruptionFrame):
            await self._tell(self._texts.heard(self.heard))
            await super().process_frame(frame, direction)
            self._begin_turn()
            return
        if isinstance(frame, TTSAudioRawFrame):
            seconds = len(frame.audio) / 2 / frame.num_channels / frame.sample_rate
            self._texts.arrived += round(seconds * self.sample_rate)
        elif isinstance(frame, TTSStoppedFrame | LLMFullResponseEndFrame):
            self._texts.close()
            self._ends[frame.id] = self._texts.arrived
        await super().process_frame(frame, direction)

    async def push_frame(
        self, frame: Frame, direction: FrameDirection = FrameDirection.DOWNSTREAM
    ) -> None:
        # A frame that ends speech leaves the queue when the audio before it was written.
        end = self._ends.pop(frame.id, None)
        if end is not None:
            await asyncio.sleep(max(0.0, self._due_s + HEARD_S - time.monotonic()))
            await self._tell(self._texts.played(end))
        await super().push_frame(frame, direction)

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        """Send audio when it is due. Its pace is the only one that a pipeline has."""
        turn = self._turns
        now = time.monotonic()
        self._due_s = max(self._due_s, now)
        await asyncio.sleep(self._due_s - LEAD_S - now)
        while self._ahead > WINDOW_S * self.sample_rate:
            self._room.clear()
            await self._room.wait()
        # An interruption empties the queue, but not the hands of whoever writes.
        if self._writer.is_closing() or turn != self._turns:
            return False
        samples = len(frame.audio) // 2
        self._due_s = max(self._due_s, time.monotonic()) + samples / self.sample_rate
        self._ahead += samples
        self._writer.write(encoded(MessageKind.AUDIO, frame.audio))
        return True

    def taken(self, samples: int) -> None:
        """The pod has taken so much of the audio."""
        self._ahead -= samples
        self._room.set()

    async def _tell(self, text: str) -> None:
        if text:
            frame = TTSTextFrame(text, text_type=TextType.SENTENCE)
            frame.interruptible = False
            await super().push_frame(frame)

    def _begin_turn(self) -> None:
        self.heard = ""
        self._turns += 1
        self._texts.begin()
        self._ends.clear()
        self._ahead = 0
        self._due_s = 0.0
        self._room.set()
        self._writer.write(encoded(MessageKind.SILENCED))

    def _report(self, number: int, text: TurnText) -> None:
        place = {"number": number, "text": text.text, "start": text.start, "end": text.end}
        self._writer.write(encoded_json(MessageKind.TEXT, **place))
