"""Creates the dialogue factory of a manifest, loaded and checked before the first call."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from media_pod.dialogues.agent.agent import AgentSettings, Prompts, make_agent
from media_pod.dialogues.agent.template import PromptTemplate, caller_values
from media_pod.dialogues.parcel_desk.desk import ParcelDesk
from media_pod.dialogues.pipecat.dialogue import make_pipecat_dialogue
from media_pod.dialogues.pipecat.process import PipecatProcess
from media_pod.dialogues.ports import CallInfo, DialogueFactory, Play, Say, Transfer
from media_pod.dialogues.realtime.dialogue import make_realtime_dialogue
from media_pod.dialogues.realtime.server import RealtimeServer
from media_pod.dialogues.scripted import AtEnd, Item, Scripted
from media_pod.errors import InterjectError, SetupError
from media_pod.manifest.agent import AgentSpec
from media_pod.manifest.conversation import CALL_VARIABLES
from media_pod.manifest.dialogue import ParcelDeskSettings, ScriptedSettings, ScriptLine
from media_pod.manifest.pipecat import PipecatSettings
from media_pod.manifest.tools import HoldToolSettings, longest_tool_seconds
from media_pod.providers.chain import ProviderChain
from media_pod.providers.chat import Llm
from media_pod.providers.ports import Pcm
from media_pod.providers.recording import read_wav
from media_pod.providers.secret_values import SecretReader
from media_pod.providers.tts.tones import waiting_tones
from media_pod.tools.ports import ToolSource

_AT_END = {"hangUp": AtEnd.HANG_UP, "listen": AtEnd.LISTEN, "repeat": AtEnd.REPEAT}
OwnAudio = RealtimeServer | PipecatProcess

_TRIES = 2
"""A request and its second try; see `providers.chain`."""


def make_dialogue(
    spec: AgentSpec,
    folder: Path,
    llm: ProviderChain[Llm] | None = None,
    sources: Sequence[ToolSource] = (),
    own_audio: OwnAudio | None = None,
    local_time: Callable[[], datetime] = datetime.now,
) -> DialogueFactory:
    """The agent's dialogue factory. Reads recordings, relative to `folder`, and templates.

    Args:
        spec: of the agent.
        folder: what paths in it are relative to.
        llm: the models, for an agent with `spec.llm`.
        sources: the tools that its calls share.
        own_audio: of `make_own_audio`.
        local_time: the time that templates show.

    Raises:
        SetupError: a recording cannot be read, or a template is invalid.
    """
    places = {transfer.name: transfer.goto for transfer in spec.telephony.transfers}
    match spec.dialogue:
        case ParcelDeskSettings(person=person):
            return partial(ParcelDesk, person="" if person is None else places[person])
        case ScriptedSettings(script=script, at_end=at_end):
            items = [_item(line, folder, spec.line.rate_hz, places) for line in script]
            return partial(Scripted.for_call, items, _AT_END[at_end])
        case PipecatSettings():
            assert isinstance(own_audio, PipecatProcess), "made of the same manifest"
            return partial(make_pipecat_dialogue, own_audio)
        case None:
            settings = _agent_settings(spec, folder, places, len(llm.providers) if llm else 1)
            render = AgentPrompts(spec, local_time).render
            if isinstance(own_audio, RealtimeServer):
                return partial(make_realtime_dialogue, own_audio, settings, sources, render)
            assert llm is not None, "validation requires llm, realtime or dialogue"
            return partial(make_agent, llm, settings, sources, render)


def make_own_audio(spec: AgentSpec, folder: Path, secrets: SecretReader) -> OwnAudio | None:
    """What all calls of a dialogue share that hears and speaks itself; None for other dialogues.

    Raises:
        SetupError: its secret is missing.
        ProviderError: a setting that it does not support.
    """
    rate_hz, deadline_s = spec.line.rate_hz, spec.deadlines.provider_seconds
    if isinstance(spec.dialogue, PipecatSettings):
        return PipecatProcess(spec.dialogue, folder, rate_hz, deadline_s)
    if spec.realtime is None:
        return None
    key = secrets.value(spec.realtime.api_key, "spec.realtime.apiKey")
    return RealtimeServer(spec.realtime, key, rate_hz, deadline_s)


class AgentPrompts:
    """The prompts of an agent, as templates.

    Raises:
        SetupError: a template is invalid, or has a variable that no call has; a line for each.
    """

    def __init__(self, spec: AgentSpec, local_time: Callable[[], datetime]) -> None:
        assert spec.instructions is not None, "validation requires instructions with llm"
        self._variables = spec.variables
        self._local_time = local_time
        texts = {"spec.instructions": spec.instructions}
        if spec.greeting.text:
            texts["spec.greeting.text"] = spec.greeting.text
        templates = self._templates(texts)
        self._instructions = templates["spec.instructions"]
        self._greeting = templates.get("spec.greeting.text")

    @property
    def fixed_greeting(self) -> str:
        """The greeting of calls that override no variable; "" if it differs from call to call."""
        greeting = self._greeting
        if not greeting or greeting.names & set(CALL_VARIABLES):
            return ""
        return greeting.render(self._variables)

    def render(self, call: CallInfo) -> Prompts:
        """The prompts of one call."""
        now = self._local_time()
        declared = {n: text for n, text in call.variables.items() if n in self._variables}
        values = {
            **self._variables,
            **caller_values(call.from_number, call.to_number, declared),
            "date": now.strftime("%Y-%m-%d"),
            "time": now.strftime("%H:%M"),
            "weekday": now.strftime("%A"),
        }
        greeting = self._greeting.render(values) if self._greeting else ""
        return Prompts(self._instructions.render(values), greeting)

    def _templates(self, texts: Mapping[str, str]) -> dict[str, PromptTemplate]:
        """Of texts by path; an error names the problems of all."""
        made: dict[str, PromptTemplate] = {}
        problems: list[str] = []
        for path, text in texts.items():
            try:
                made[path] = self._template(text, path)
            except InterjectError as error:
                problems.append(str(error))
        if problems:
            raise SetupError("\n".join(problems))
        return made

    def _template(self, text: str, path: str) -> PromptTemplate:
        template = PromptTemplate(text, path)
        known = {*CALL_VARIABLES, *self._variables}
        if unknown := sorted(template.names - known):
            raise SetupError(
                f"{path}: found the variable {unknown[0]}; allowed: {', '.join(sorted(known))}; "
                "declare others in spec.variables"
            )
        return template


def _agent_settings(
    spec: AgentSpec, folder: Path, places: Mapping[str, str], models: int
) -> AgentSettings:
    patience_s = _TRIES * models * spec.deadlines.provider_seconds
    return AgentSettings(
        greeting=spec.greeting,
        limits=spec.limits,
        phrases=spec.phrases,
        language=spec.language.partition("-")[0].lower(),
        tools=spec.tools,
        places=places,
        music=hold_music(spec, folder),
        rate_hz=spec.line.rate_hz,
        patience_s=patience_s + longest_tool_seconds(spec.tools),
    )


def hold_music(spec: AgentSpec, folder: Path) -> Pcm | None:
    """What a caller on hold is played, int16 [samples]; None if the agent has no such tool.

    Raises:
        SetupError: the recording cannot be read.
    """
    hold = next((tool for tool in spec.tools if isinstance(tool, HoldToolSettings)), None)
    if hold is None:
        return None
    rate_hz = spec.line.rate_hz
    if hold.music is None:
        return waiting_tones(hold.max_seconds, rate_hz)
    return read_wav(folder / hold.music, rate_hz)[: hold.max_seconds * rate_hz]


def _item(line: ScriptLine, folder: Path, rate_hz: int, places: Mapping[str, str]) -> Item:
    if line.transfer is not None:
        return Item(Transfer(places[line.transfer]))
    if line.play is not None:
        return Item(
            Play(Path(line.play).stem, read_wav(folder / line.play, rate_hz)), line.pause_ms
        )
    assert line.say is not None, "validation requires exactly one of say, play and transfer"
    return Item(Say(line.say), line.pause_ms)
