"""Which fields belong to which kinds of a VoiceAgent, and which of them a kind needs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from voiceagent_documents import BUILT_IN, PROVIDERS, TOOLS, Case, Json, with_llm


@dataclass(frozen=True, slots=True)
class _Owned:
    """A field of some kinds, with a valid value."""

    name: str
    value: object
    kinds: tuple[str, ...]
    needed_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Union:
    """An object with a `kind`.

    `smallest` has the smallest valid object of each kind, `place` puts one into a spec.
    """

    path: str
    field: str
    smallest: Mapping[str, Json]
    owned: Sequence[_Owned]
    place: Callable[[Json], Json]


_OPERATOR: Json = {"telephony": {"transfers": [{"name": "operator", "goto": "phones,601,1"}]}}
_KEY: Json = {"env": "KEY"}

_DIALOGUES: Mapping[str, Json] = {
    "parcelDesk": {"kind": "parcelDesk"},
    "scripted": {"kind": "scripted", "script": [{"say": "Hello."}]},
    "pipecat": {"kind": "pipecat", "pipeline": "pipelines:make"},
}
_OF_DIALOGUES = (
    _Owned("person", "operator", ("parcelDesk",)),
    _Owned("script", [{"say": "Hello."}], ("scripted",), ("scripted",)),
    _Owned("atEnd", "listen", ("scripted",)),
    _Owned("pipeline", "pipelines:make", ("pipecat",), ("pipecat",)),
    _Owned("python", "/opt/pipecat/bin/python", ("pipecat",)),
)

_OF_STT = (
    _Owned("modelPath", "/srv/whisper", ("whisper",), ("whisper",)),
    _Owned("language", "de", ("whisper", "wyoming", "openai")),
    _Owned("processes", 2, ("whisper",)),
    _Owned("address", "whisper:10300", ("wyoming",), ("wyoming",)),
    _Owned("model", "m", ("wyoming", "openai"), ("openai",)),
    _Owned("baseUrl", "http://stt.test/v1", ("openai",)),
    _Owned("apiKey", _KEY, ("openai",)),
)

_OF_TTS = (
    _Owned("voice", "de", ("espeak", "wyoming", "openai"), ("openai",)),
    _Owned("wordsPerMinute", 150, ("espeak",)),
    _Owned("voicePath", "/srv/voice.onnx", ("piper",), ("piper",)),
    _Owned("speed", 1.2, ("piper", "openai")),
    _Owned("processes", 2, ("piper",)),
    _Owned("address", "piper:10200", ("wyoming",), ("wyoming",)),
    _Owned("model", "m", ("openai",), ("openai",)),
    _Owned("baseUrl", "http://tts.test/v1", ("openai",)),
    _Owned("apiKey", _KEY, ("openai",)),
    _Owned("sourceRateHz", 16000, ("openai",)),
)

_REMOTE = ("http", "mcp")
_OF_TOOLS = (
    _Owned("name", "book", _REMOTE, _REMOTE),
    _Owned("description", "Books a table.", ("http",), ("http",)),
    _Owned("method", "GET", ("http",)),
    _Owned("url", "https://tools.test/book", _REMOTE, ("http",)),
    _Owned("parameters", {"type": "object"}, ("http",)),
    _Owned("headers", [{"name": "X-Plan", "value": "gold"}], _REMOTE),
    _Owned("allowedHosts", ["tools.test"], ("http",)),
    _Owned("timeoutSeconds", 5, _REMOTE),
    _Owned("filler", "One moment.", _REMOTE),
    _Owned("command", ["files"], ("mcp",)),
    _Owned("allowedTools", ["read"], ("mcp",)),
    _Owned("places", ["operator"], ("transfer",), ("transfer",)),
    _Owned("when", "Always.", ("transfer",)),
    _Owned("music", "/srv/music.wav", ("hold",)),
    _Owned("maxSeconds", 30, ("hold",)),
)


def _union(path: str, smallest: Mapping[str, Json], owned: Sequence[_Owned]) -> _Union:
    """The union at spec.`path`; with [] an item of a list."""
    part = path.removesuffix("[]").partition(".")[0]

    def place(each: Json) -> Json:
        if path.endswith(".fallbacks[]"):
            return {part: BUILT_IN[part] | {"fallbacks": [each]}}
        if path == "tools[]":
            return with_llm(tools=[each]) | _OPERATOR
        return {part: each} | _OPERATOR

    return _Union(f"spec.{path}", f"spec.{path.replace('[]', '[0]')}", smallest, owned, place)


_UNIONS = (
    _union("dialogue", _DIALOGUES, _OF_DIALOGUES),
    _union("stt", PROVIDERS["stt"], _OF_STT),
    _union("stt.fallbacks[]", PROVIDERS["stt"], _OF_STT),
    _union("tts", PROVIDERS["tts"], _OF_TTS),
    _union("tts.fallbacks[]", PROVIDERS["tts"], _OF_TTS),
    _union("tools[]", TOOLS, _OF_TOOLS),
)


def _cases(union: _Union) -> Iterator[Case]:
    for owned in union.owned:
        yield _belongs(union, owned)
        yield from (_needed(union, owned, kind) for kind in owned.needed_by)


def _belongs(union: _Union, owned: _Owned) -> Case:
    """The field with a kind that has it, and with the first kind that has not."""
    own = union.smallest[owned.kinds[0]]
    other = next(kind for kind in union.smallest if kind not in owned.kinds)
    return Case(
        union.path,
        f"{owned.name} only with kind {_or(owned.kinds)}; omit it otherwise",
        good=union.place(own | {owned.name: owned.value}),
        bad=union.place(union.smallest[other] | {owned.name: owned.value}),
        found=f"{owned.name} with kind {other}",
        field=f"{union.field}.{owned.name}",
    )


def _needed(union: _Union, owned: _Owned, kind: str) -> Case:
    own = union.smallest[kind]
    return Case(
        union.path,
        f"kind {_or(owned.needed_by)} with {owned.name}",
        good=union.place(own),
        bad=union.place({key: value for key, value in own.items() if key != owned.name}),
        found=f"kind {kind} without {owned.name}",
        field=f"{union.field}.{owned.name}",
    )


def _or(kinds: Sequence[str]) -> str:
    *first, last = sorted(kinds)
    return f"{', '.join(first)} or {last}" if first else last


KIND_CASES = tuple(case for union in _UNIONS for case in _cases(union))
