"""The providers that a manifest asks for, loaded and checked before the first call."""

from functools import partial
from pathlib import Path

from media_pod.agents.espeak import EspeakTts
from media_pod.agents.parcel_desk import ParcelDesk
from media_pod.agents.ports import DialogueFactory, Play, Say
from media_pod.agents.scripted import AtEnd, Item, Scripted
from media_pod.agents.sphinx import SphinxStt
from media_pod.agents.wav import read_wav
from media_pod.spec import AgentSpec, ScriptLine
from media_pod.spec import ParcelDesk as ParcelDeskSpec

_AT_END = {"hangUp": AtEnd.HANG_UP, "listen": AtEnd.LISTEN, "repeat": AtEnd.REPEAT}


def make_tts(spec: AgentSpec) -> EspeakTts:
    """The agent's voice; see `EspeakTts` for what it raises."""
    return EspeakTts(spec.line.rate_hz, spec.speech.voice, spec.speech.words_per_minute)


def make_stt(spec: AgentSpec) -> SphinxStt:
    """The agent's ears; see `SphinxStt` for what it raises."""
    return SphinxStt(spec.line.rate_hz, deadline_seconds=spec.deadlines.provider_seconds)


def make_dialogue(spec: AgentSpec, folder: Path) -> DialogueFactory:
    """The agent's mind; a script's recordings are read here, relative to `folder`.

    Raises:
        SetupError: a recording that cannot be read.
    """
    if isinstance(spec.dialogue, ParcelDeskSpec):
        return ParcelDesk
    items = [_item(line, folder, spec.line.rate_hz) for line in spec.dialogue.script]
    return partial(Scripted.for_call, items, _AT_END[spec.dialogue.at_end])


def _item(line: ScriptLine, folder: Path, rate_hz: int) -> Item:
    if line.play is not None:
        return Item(
            Play(Path(line.play).stem, read_wav(folder / line.play, rate_hz)), line.pause_ms
        )
    assert line.say is not None, "the manifest allows exactly one of say and play"
    return Item(Say(line.say), line.pause_ms)
