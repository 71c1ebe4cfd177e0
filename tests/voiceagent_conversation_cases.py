"""Rules of an agent with a language model, of its providers, tools and paths."""

from collections.abc import Callable
from functools import partial

from voiceagent_documents import (
    BUILT_IN,
    HTTP_TOOL,
    LLM,
    REALTIME,
    TOOLS,
    Case,
    Json,
    with_llm,
    with_realtime,
)

_OPERATOR: Json = {"transfers": [{"name": "operator", "goto": "phones,601,1"}]}
_TRANSFER = "the name of a transfer in telephony.transfers"
_ONE_MIND = "exactly one of llm, realtime and dialogue"
_WITH_MODEL = "instructions with llm or realtime, and only then"
_VARIABLES = (
    "names of letters, digits and _, not a digit first, at most 64 characters, none of them caller,"
    " called, date, time, weekday"
)
_NAMES = "each name once, none of transfer, hang_up, collect_digits, send_digits, hold"
_ONE_VALUE = "exactly one of value and valueFrom"
_FROM_ENV: Json = {"env": "TOKEN"}
_CALL_TOOLS = {kind: tool for kind, tool in TOOLS.items() if kind not in ("http", "mcp")}


def _tools(*tools: Json) -> Json:
    return with_llm(tools=list(tools))


def _header(**header: object) -> Json:
    return _tools(HTTP_TOOL | {"headers": [header]})


def _script(*lines: Json) -> Json:
    return {"dialogue": {"kind": "scripted", "script": list(lines)}}


def _pipecat(python: str) -> Json:
    return {"dialogue": {"kind": "pipecat", "pipeline": "pipelines:make", "python": python}}


def _provided(path: str, provider: Json) -> Json:
    """A spec with `provider` at `path`: the first one, or a fallback."""
    part = path.split(".")[1]
    first = BUILT_IN[part] | {"fallbacks": [provider]}
    return {part: first if path.endswith("[]") else provider}


def _keyed(path: str, more: Json, key: Json) -> Json:
    return _provided(path, {"kind": "openai", "model": "m", "apiKey": key, **more})


def _with_path(path: str, kind: str, name: str, file: str) -> Json:
    return _provided(path, {"kind": kind, name: file})


def _first(path: str) -> str:
    """The field of an error at the first item of each list."""
    return path.replace("[]", "[0]")


def _source(path: str, place: Callable[[Json], Json]) -> Case:
    return Case(
        path,
        "env, secretKeyRef or both",
        good=place({"secretKeyRef": {"name": "keys", "key": ".api-key"}}),
        bad=place({}),
        found="neither env nor secretKeyRef",
        field=_first(path),
    )


def _absolute(path: str, place: Callable[[str], Json]) -> Case:
    return Case(
        path.rpartition(".")[0],
        "in a cluster an absolute path, of a file in the image or in a volume of podTemplate",
        good=place("/srv/file"),
        bad=place("file"),
        laptop=False,
        found="file",
        field=_first(path),
    )


CONVERSATION_CASES = (
    Case(
        "spec",
        _TRANSFER,
        good=_tools({"kind": "transfer", "places": ["operator"]}) | {"telephony": _OPERATOR},
        bad=_tools({"kind": "hangUp"}, {"kind": "transfer", "places": ["operator", "boss"]})
        | {"telephony": _OPERATOR},
        found='transfers ["operator", "boss"] in tools; telephony.transfers has ["operator"]',
        field="spec.tools",
    ),
    *(
        Case("spec", _ONE_MIND, good=with_llm(), bad=bad, found=found, field="spec")
        for bad, found in (
            (with_llm(dialogue={"kind": "parcelDesk"}), '["llm", "dialogue"]'),
            (with_llm(realtime=REALTIME), '["llm", "realtime"]'),
            ({"dialogue": None}, "[]"),
        )
    ),
    *(
        Case("spec", _WITH_MODEL, good=good, bad=bad, found=found, field="spec.instructions")
        for good, bad, found in (
            (with_llm(), {"llm": LLM}, "a model without instructions"),
            (with_realtime(), {"realtime": REALTIME}, "a model without instructions"),
            (with_llm(), {"instructions": "Be brief."}, "instructions without a model"),
        )
    ),
    Case(
        "spec",
        "greeting.text with llm or realtime; what a dialogue says first is its own",
        good=with_llm(greeting={"text": "Hello."}),
        bad={"greeting": {"text": "Hello."}},
        found="greeting.text without a model",
        field="spec.greeting.text",
    ),
    *(
        Case(
            "spec",
            _VARIABLES,
            good=with_llm(variables={"account": "", "_2": "", "n" * 64: ""}),
            bad=with_llm(variables={"account": "", name: "1"}),
            found=f"the name {name}",
            field="spec.variables",
        )
        for name in ("2nd", "a-b", "", "n" * 65, "caller", "weekday")
    ),
    Case(
        "spec",
        "tools with llm or realtime",
        good=_tools({"kind": "hangUp"}),
        bad={"tools": [{"kind": "hangUp"}]},
        found="1 tools without a model",
        field="spec.tools",
    ),
    *(
        Case(
            "spec",
            _NAMES,
            good=_tools(HTTP_TOOL, HTTP_TOOL | {"name": "cancel"}, {"kind": "hold"}),
            bad=_tools(*tools),
            found=f"the name {name}",
            field="spec.tools",
        )
        for name, tools in (
            ("book", (HTTP_TOOL, {"kind": "mcp", "name": "book", "url": "http://mcp.test"})),
            ("hang_up", (HTTP_TOOL, HTTP_TOOL | {"name": "hang_up"})),
        )
    ),
    *(
        Case(
            "spec",
            "each of transfer, hangUp, collectDigits, sendDigits, hold once",
            good=_tools(*_CALL_TOOLS.values()) | {"telephony": _OPERATOR},
            bad=_tools(*_CALL_TOOLS.values(), tool) | {"telephony": _OPERATOR},
            found=f"kind {kind} twice",
            field="spec.tools",
        )
        for kind, tool in _CALL_TOOLS.items()
    ),
    Case(
        "spec.tools[]",
        "a url without an argument in its host, or a list allowedHosts",
        good=_tools(
            HTTP_TOOL | {"url": "https://{site}.test/", "allowedHosts": ["a.test", "b.test"]}
        ),
        bad=_tools(HTTP_TOOL | {"url": "https://{site}.test/"}),
        found="an argument in the host of https://{site}.test/",
        field="spec.tools[0].url",
    ),
    *(
        Case(
            "spec.tools[]",
            "exactly one of url and command",
            good=_tools({"kind": "mcp", "name": "files", "command": ["files", "--stdio"]}),
            bad=_tools({"kind": "mcp", "name": "files", **more}),
            found=found,
            field="spec.tools[0]",
        )
        for more, found in (
            ({}, "neither"),
            ({"command": ["files"], "url": "http://mcp.test"}, "url and command"),
        )
    ),
    *(
        Case(
            "spec.tools[].headers[]",
            _ONE_VALUE,
            good=_header(name="X-Plan", value="gold"),
            bad=_header(name="X-Plan", **more),
            found=found,
            field="spec.tools[0].headers[0]",
        )
        for more, found in (
            ({}, "neither"),
            ({"value": "gold", "valueFrom": _FROM_ENV}, "value and valueFrom"),
        )
    ),
    *(
        Case(
            "spec.tools[].headers[]",
            "valueFrom for credentials, because a document holds no secret",
            good=_header(name=name, valueFrom=_FROM_ENV),
            bad=_header(name=name, value="abc"),
            found=f"the value of {name}",
            field="spec.tools[0].headers[0].value",
        )
        for name in ("Authorization", "X-API-Key", "Cookie", "GITHUB_TOKEN", "DB_PASSWORD")
    ),
    _source("spec.server.controlToken", lambda key: {"server": {"controlToken": key}}),
    _source("spec.realtime.apiKey", lambda key: with_realtime(REALTIME | {"apiKey": key})),
    _source("spec.llm.apiKey", lambda key: with_llm(llm=LLM | {"apiKey": key})),
    _source(
        "spec.llm.fallbacks[].apiKey",
        lambda key: with_llm(llm=LLM | {"fallbacks": [LLM | {"apiKey": key}]}),
    ),
    *(
        _source(f"{path}.apiKey", partial(_keyed, path, more))
        for path, more in (
            ("spec.stt", {}),
            ("spec.stt.fallbacks[]", {}),
            ("spec.tts", {"voice": "v"}),
            ("spec.tts.fallbacks[]", {"voice": "v"}),
        )
    ),
    _source("spec.tools[].headers[].valueFrom", lambda key: _header(name="X-Plan", valueFrom=key)),
    _absolute("spec.dialogue.script[].play", lambda file: _script({"play": file})),
    _absolute("spec.dialogue.python", _pipecat),
    _absolute(
        "spec.recordings[].play", lambda file: {"recordings": [{"text": "Hello.", "play": file}]}
    ),
    _absolute("spec.tools[].music", lambda file: _tools({"kind": "hold", "music": file})),
    *(
        _absolute(f"{path}.{name}", partial(_with_path, path, kind, name))
        for path, kind, name in (
            ("spec.stt", "whisper", "modelPath"),
            ("spec.stt.fallbacks[]", "whisper", "modelPath"),
            ("spec.tts", "piper", "voicePath"),
            ("spec.tts.fallbacks[]", "piper", "voicePath"),
        )
    ),
    *(
        Case(
            path,
            "the name of an espeak-ng voice, such as en-us or en-gb+f2",
            good=_provided(path, {"kind": "espeak", "voice": "en-gb+f2"}),
            bad=_provided(path, {"kind": "espeak", "voice": "Anna"}),
            found="Anna",
            field=f"{_first(path)}.voice",
        )
        for path in ("spec.tts", "spec.tts.fallbacks[]")
    ),
)
