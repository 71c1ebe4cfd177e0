"""Values for every field of a VoiceAgent: the limits of its range, values beyond, wrong types.

Derived from the schema, so new fields are covered automatically.
"""

from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from voiceagent_cases import Json, voice_agent

Path = tuple[str, ...]

_ANY_TEXTS = (
    "", " ", "\u00a0", "\x0b", "a", "A", "0", "_", "-a", "a b", "ä", "en-us", "en-gb+f2", "x" * 64,
    "x" * 65, "100", "_3069X.", "_[2-5]!", "http://a", "http:///", "https://a.test:1/b?c#d", "a:80",
    "a:0", "10.0.0.0/8", "10.0.0.0/33", "a,1,1", "a,1", "registry.test/a:1@sha256:0", "a\n", "a\tb",
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
            long = ["a" * (length + step) for length in lengths for step in (-1, 0, 1)]
            return [*_ANY_TEXTS, *long, 1, True, ["a"]]
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
        case ("dialogue", "kind") if value != "scripted":
            return {}
        case ("dialogue", "person"):
            return {"dialogue": {"kind": "parcelDesk"}}
        case ("dialogue", "script", "[]", "say" | "play" | "transfer"):
            return {"dialogue": {"kind": "scripted", "script": [{}]}}
        case ("dialogue", "kind" | "script" | "atEnd", *_):
            return {"dialogue": {"kind": "scripted", "script": [{"say": "Hello."}]}}
        case ("telephony", "transfers", "[]", _):
            return {"telephony": {"transfers": [{"name": "a", "goto": "phones,601,1"}]}}
    return {}


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
    if "goto" in item.get("properties", {}):
        return [{"name": f"a{n}", "goto": "phones,601,1"} for n in range(size)]
    if "say" in item.get("properties", {}):
        return [{"say": f"Line {n}."} for n in range(size)]
    makers: tuple[Callable[[int], str], ...] = (
        lambda n: f"10.0.{n}.0/24",
        lambda n: f"pod-{n}:1650",
        lambda n: f"{100 + n}",
    )
    make = next(make for make in makers if matches(item["pattern"], make(0)))
    return [make(n) for n in range(size)]


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
