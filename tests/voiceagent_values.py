"""Values for every field of a VoiceAgent: the limits of its range, values beyond, wrong types.

Derived from the schema, so new fields are covered automatically.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import cache
from itertools import pairwise
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from voiceagent_documents import (
    BUILT_IN,
    HTTP_TOOL,
    LLM,
    PROVIDERS,
    REALTIME,
    TOOLS,
    Json,
    voice_agent,
    with_llm,
    with_realtime,
)

Path = tuple[str, ...]

_PLACES = tuple(f"{100 + n}" for n in range(32))
"""Transfers that tools may name: the first of `_items`."""

_ANY_TEXTS = (
    "", " ", "\u00a0", "\x0b", "a", "A", "0", "_", "-a", "a b", "ä", "en-us", "en-gb+f2", "x" * 64,
    "x" * 65, "100", "_3069X.", "_[2-5]!", "http://a", "http:///", "https://a.test:1/b?c#d", "a:80",
    "a:0", "http://a:b@c", "/srv/a.wav", "10.0.0.0/8", "10.0.0.0/33", "a,1,1", "a,1",
    "registry.test/a:1@sha256:0", "a\n", "a\tb",
)  # fmt: skip


def leaves(schema: Json, path: Path = ()) -> Iterator[tuple[Path, Json]]:
    """Every field below `schema` that has no fields of its own; [] stands for an item of a list."""
    if "properties" in schema:
        for name, inner in schema["properties"].items():
            yield from leaves(inner, (*path, name))
    elif "items" in schema:
        yield path, schema
        yield from leaves(schema["items"], (*path, "[]"))
    else:
        yield path, schema


def values(leaf: Json) -> list[Any]:
    """Valid and invalid values of `leaf`: its limits, their neighbours, other types."""
    match leaf:
        case {"enum": [int(), *_]}:
            return [*leaf["enum"], 12345, "8000", True]
        case {"enum": _}:
            return [*leaf["enum"], "nonsense", 1, True]
        case {"type": "integer" | "number", "minimum": low, "maximum": high}:
            return [low - 1, low, high, high + 1, "1", True, [1]]
        case {"type": "boolean"}:
            return [True, False, "true", 1]
        case {"type": "array", "maxItems": most}:
            return [_items(leaf, size) for size in (0, 1, most, most + 1)] + [{}, "a"]
        case {"type": "string"}:
            lengths = [leaf[key] for key in ("minLength", "maxLength") if key in leaf]
            # The second of each is an absolute path.
            long = [
                start + "a" * (length + step - len(start))
                for length in lengths
                for step in (-1, 0, 1)
                for start in ("", "/")
            ]
            return [*_ANY_TEXTS, *long, 1, True, ["a"]]
        case {"additionalProperties": _, "maxProperties": most}:
            sized = [{f"a{n}": "b" for n in range(size)} for size in (most, most + 1)]
            longest = leaf["additionalProperties"]["maxLength"]
            return [*sized, {"a": "b" * longest}, {"a": "b" * (longest + 1)}, {"a": 1}, "a"]
        case {"additionalProperties": _}:
            return [{}, {"a": "b"}, {"a": 1}, "a"]
        case {"x-kubernetes-preserve-unknown-fields": True}:
            return [{}, {"containers": [{"name": "media", "env": []}]}, "a"]
    raise AssertionError(f"no values for {leaf}")


def placed(path: Path, value: object) -> Json:
    """A valid VoiceAgent with `value` at `path`, which is relative to `spec`."""
    agent = voice_agent(_around(path, value))
    _put(agent["spec"], path, value)
    return agent


def _around(path: Path, value: object) -> Json:
    """The other fields that a spec needs for `value` at `path`."""
    match path:
        case ("dialogue", *inner):
            return {"dialogue": _dialogue(inner, value)}
        case ("realtime", *_):
            return with_realtime(dict(REALTIME))
        case ("instructions" | "variables" | "greeting" | "llm" | "tools" as part, *inner):
            return with_llm() | _of_llm(part, inner, value)
        case ("stt" | "tts" as part, *inner):
            return {part: _provider(part, inner, value)}
        case ("recordings", "[]", _):
            return {"recordings": [{"text": "Hello.", "play": "/srv/hello.wav"}]}
        case ("telephony", "transfers", "[]", _):
            return {"telephony": {"transfers": [{"name": "a", "goto": "phones,601,1"}]}}
    return {}


def _dialogue(inner: list[str], value: object) -> Json:
    match inner:
        case ["person"]:
            return {"kind": "parcelDesk"}
        case ["script", "[]", "say" | "play" | "transfer"]:
            return {"kind": "scripted", "script": [{}]}
        case ["pipeline" | "python"]:
            return {"kind": "pipecat", "pipeline": "pipelines:make"}
        case ["kind"] if value == "pipecat":
            return {"pipeline": "pipelines:make"}
        case ["kind"] if value != "scripted":
            return {}
    return {"kind": "scripted", "script": [{"say": "Hello."}]}


def _of_llm(part: str, inner: list[str], value: object) -> Json:
    match part, inner:
        case "llm", ["fallbacks", "[]", *_]:
            return {"llm": LLM | {"fallbacks": [dict(LLM)]}}
        case "tools", ["[]", *inside]:
            tool = TOOLS[_tool_kind(inside, value)]
            header = _header(inside) if inside[:2] == ["headers", "[]"] else {}
            places = [{"name": name, "goto": "phones,601,1"} for name in _PLACES]
            return {"tools": [deepcopy(tool | header)], "telephony": {"transfers": places}}
    return {}


def _header(inside: list[str]) -> Json:
    """Headers for a value at `inside`, one of their fields."""
    match inside:
        case [_, _, "name"]:
            return {"headers": [{"value": "gold"}]}
        case [_, _, "valueFrom", "secretKeyRef", _]:
            ref = {"name": "keys", "key": "api-key"}
            return {"headers": [{"name": "X-Plan", "valueFrom": {"secretKeyRef": ref}}]}
    return {"headers": [{"name": "X-Plan"}]}


def _tool_kind(inside: list[str], value: object) -> str:
    """A kind of tool that has the field, or that `value` is."""
    match inside:
        case ["kind"]:
            return str(value) if value in TOOLS else "http"
        case ["places" | "when", *_]:
            return "transfer"
        case ["music" | "maxSeconds"]:
            return "hold"
        case ["command" | "allowedTools", *_]:
            return "mcp"
    return "http"


def _provider(part: str, inner: list[str], value: object) -> Json:
    smallest = PROVIDERS[part]
    match inner:
        case ["fallbacks", "[]", *inside]:
            fallback = deepcopy(smallest[_provider_kind(part, inside, value)])
            return BUILT_IN[part] | {"fallbacks": [fallback]}
        case ["fallbacks"]:
            return dict(BUILT_IN[part])
    return deepcopy(smallest[_provider_kind(part, inner, value)])


def _provider_kind(part: str, inside: list[str], value: object) -> str:
    """A kind of provider that has the field, or that `value` is."""
    match inside:
        case ["kind"]:
            return str(value) if value in PROVIDERS[part] else "openai"
        case ["address"]:
            return "wyoming"
        case ["modelPath" | "processes"] if part == "stt":
            return "whisper"
        case ["voicePath" | "processes"]:
            return "piper"
        case ["wordsPerMinute"]:
            return "espeak"
    return "openai"


def _put(node: Any, path: Path, value: object) -> None:
    for step, following in pairwise(path):
        if step == "[]":
            node = node[0]
        else:
            node = node.setdefault(step, [] if following == "[]" else {})
    if path[-1] == "[]":
        node[:] = [value]
    else:
        node[path[-1]] = value


def _items(leaf: Json, size: int) -> list[object]:
    """`size` different valid items of a list."""
    item = leaf["items"]
    fields = item.get("properties", {})
    if fields:
        make = next(make for field, make in _OBJECTS.items() if field in fields)
        return [make(n) for n in range(size)]
    makers: tuple[Callable[[int], str], ...] = (
        lambda n: f"10.0.{n}.0/24",
        lambda n: f"pod-{n}:1650",
        lambda n: f"{100 + n}",
    )
    make_text = next(make for make in makers if matches(item.get("pattern", ""), make(0)))
    return [make_text(n) for n in range(size)]


_OBJECTS: dict[str, Callable[[int], Json]] = {
    # by a field that no other list has
    "goto": lambda n: {"name": f"a{n}", "goto": "phones,601,1"},
    "say": lambda n: {"say": f"Line {n}."},
    "text": lambda n: {"text": f"Line {n}.", "play": f"/srv/{n}.wav"},
    "places": lambda n: HTTP_TOOL | {"name": f"a{n}"},
    "valueFrom": lambda n: {"name": f"a{n}", "value": ""},
    "temperature": lambda n: LLM | {"model": f"m{n}"},
    "wordsPerMinute": lambda n: {"kind": "espeak"},
    "language": lambda n: {"kind": "pocketsphinx"},
}


def matches(pattern: str, text: str) -> bool:
    """Whether `text` matches `pattern`, in pydantic's dialect, which is close to Kubernetes'."""
    try:
        _adapter(pattern).validate_python(text)
    except ValidationError:
        return False
    return True


@cache
def _adapter(pattern: str) -> TypeAdapter[str]:
    return TypeAdapter(Annotated[str, Field(pattern=pattern)])
