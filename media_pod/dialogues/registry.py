"""Creates the dialogue factory of a manifest, loaded and checked before the first call."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from media_pod.dialogues.parcel_desk.desk import ParcelDesk
from media_pod.dialogues.ports import DialogueFactory, Play, Say, Transfer
from media_pod.dialogues.scripted import AtEnd, Item, Scripted
from media_pod.manifest.agent import AgentSpec
from media_pod.manifest.dialogue import ParcelDeskSettings, ScriptLine
from media_pod.providers.recording import read_wav

_AT_END = {"hangUp": AtEnd.HANG_UP, "listen": AtEnd.LISTEN, "repeat": AtEnd.REPEAT}


def make_dialogue(spec: AgentSpec, folder: Path) -> DialogueFactory:
    """The agent's dialogue factory. Reads the recordings of a script, relative to `folder`.

    Raises:
        SetupError: a recording cannot be read.
    """
    places = {transfer.name: transfer.goto for transfer in spec.telephony.transfers}
    if isinstance(spec.dialogue, ParcelDeskSettings):
        person = spec.dialogue.person
        return partial(ParcelDesk, person="" if person is None else places[person])
    items = [_item(line, folder, spec.line.rate_hz, places) for line in spec.dialogue.script]
    return partial(Scripted.for_call, items, _AT_END[spec.dialogue.at_end])


def _item(line: ScriptLine, folder: Path, rate_hz: int, places: Mapping[str, str]) -> Item:
    if line.transfer is not None:
        return Item(Transfer(places[line.transfer]))
    if line.play is not None:
        return Item(
            Play(Path(line.play).stem, read_wav(folder / line.play, rate_hz)), line.pause_ms
        )
    assert line.say is not None, "validation requires exactly one of say, play and transfer"
    return Item(Say(line.say), line.pause_ms)
