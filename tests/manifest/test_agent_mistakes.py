"""The messages for invalid VoiceAgents."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_pod.manifest.agent import load_manifest
from media_pod.manifest.validation import MOST_SHOWN, SpecError
from voiceagent_documents import HTTP_TOOL, Json, voice_agent


def manifest(**spec: object) -> Json:
    return voice_agent(spec, "desk")


def problems(data: object) -> list[str]:
    """The messages of `load_manifest` for `data`, without the source."""
    with pytest.raises(SpecError) as caught:
        load_manifest(data, "agent.yaml")
    lines = str(caught.value).splitlines()
    assert all(line.startswith("agent.yaml: ") for line in lines)
    return [line.removeprefix("agent.yaml: ") for line in lines]


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        (
            {"bargeIn": {"sensitivty": "low"}},
            (
                "spec.bargeIn.sensitivty: unknown key; allowed here: sensitivity, backchannels, "
                "preRollMs; did you mean sensitivity?"
            ),
        ),
        (
            {"bargeIn": {"sensitivity": "hihg"}},
            (
                "spec.bargeIn.sensitivity: found 'hihg'; allowed: low, normal, high; "
                "did you mean high?"
            ),
        ),
        (
            {"bargeIn": {"backchannels": "ignore"}},
            "spec.bargeIn.backchannels: found 'ignore'; allowed: keep, stop",
        ),
        (
            {"tts": {"kind": "espeak", "words_per_minute": 170}},
            (
                "spec.tts.words_per_minute: unknown key; allowed here: kind, voice, "
                "wordsPerMinute, fallbacks; did you mean wordsPerMinute?"
            ),
        ),
        (
            {"tts": {"kind": "espeak", "wordsPerMinute": 500}},
            "spec.tts.wordsPerMinute: found 500; allowed: a whole number 80 to 400",
        ),
        (
            {"tts": {"kind": "espeak", "voice": False}},
            (
                "spec.tts.voice: found false; allowed: a name of at most 200 printable ASCII "
                "characters; put it in quotes: without them YAML does not read it as text"
            ),
        ),
        (
            {"capacity": {"calls": "100"}},
            (
                "spec.capacity.calls: found '100'; allowed: a whole number 1 to 1000; "
                "YAML reads it as text because of its quotes or letters"
            ),
        ),
        (
            {"capacity": {"calls": True}},
            "spec.capacity.calls: found true; allowed: a whole number 1 to 1000",
        ),
        (
            {"deadlines": {"providerSeconds": float("nan")}},
            "spec.deadlines.providerSeconds: found nan; allowed: a number 0.5 to 60.0",
        ),
        (
            {"tts": {"kind": "espeak", "voice": "Anna"}},
            (
                "spec.tts.voice: found Anna; allowed: the name of an espeak-ng voice, such as "
                "en-us or en-gb+f2"
            ),
        ),
        (
            {"stt": {"kind": "whisper"}},
            "spec.stt.modelPath: missing; allowed: text of 1 to 4096 characters",
        ),
        (
            {"stt": {"kind": "wisper", "modelPath": "tiny.en"}},
            (
                "spec.stt.kind: found 'wisper'; allowed: pocketsphinx, whisper, wyoming, openai; "
                "did you mean whisper?"
            ),
        ),
        (
            {"tts": {"kind": "espeak", "fallbacks": [{"kind": "wyoming", "address": "piper"}]}},
            (
                "spec.tts.fallbacks[0].address: found 'piper'; allowed: host:port, an IPv6 address "
                "in brackets"
            ),
        ),
        (
            {"llm": {"kind": "openai", "model": "m", "apiKey": "sk-1234"}},
            "spec.llm.apiKey: found text; allowed: a mapping with env, secretKeyRef",
        ),
        (
            {"recordings": [{"text": "Hello.", "play": name} for name in ("a.wav", "b.wav")]},
            "spec.recordings: found Hello. twice; allowed: each text once",
        ),
        (
            {
                "dialogue": None,
                "llm": {"kind": "openai", "model": "m"},
                "instructions": "Be brief.",
                "tools": [HTTP_TOOL | {"headers": [{"name": "X-Plan", "value": "gold"}] * 2}],
            },
            "spec.tools[0].headers: found X-Plan twice; allowed: each name once",
        ),
        (
            {"variables": {"time": "noon"}},
            (
                "spec.variables: found the name time; allowed: names of letters, digits and _, not "
                "a digit first, at most 64 characters, none of them caller, called, date, time, "
                "weekday"
            ),
        ),
        ({"line": {"rateHz": 44100}}, "spec.line.rateHz: found 44100; allowed: 8000, 16000"),
        (
            {"turn": None},
            (
                "spec.turn: found nothing; allowed: a mapping with endSilenceMs, minSilenceMs, "
                "maxSilenceMs, earlyReply, maxUtteranceMs, noInputMs, digits"
            ),
        ),
        (
            {"dialogue": {"kind": "parceldesk"}},
            (
                "spec.dialogue.kind: found 'parceldesk'; allowed: parcelDesk, scripted, pipecat; "
                "did you mean parcelDesk?"
            ),
        ),
        (
            {"dialogue": {"script": []}},
            "spec.dialogue.kind: missing; allowed: parcelDesk, scripted, pipecat",
        ),
        (
            {"dialogue": "parcelDesk"},
            (
                "spec.dialogue: found 'parcelDesk'; allowed: a mapping whose kind is parcelDesk or "
                "scripted or pipecat"
            ),
        ),
        (
            {"dialogue": {"kind": "scripted", "script": []}},
            "spec.dialogue.script: found a list of 0 items; allowed: a list of 1 to 1000 items",
        ),
        (
            {"dialogue": {"kind": "scripted", "script": [{"say": "a", "play": "b"}]}},
            (
                "spec.dialogue.script[0]: found say and play; allowed: exactly one of say, play "
                "and transfer"
            ),
        ),
        (
            {"dialogue": {"kind": "scripted", "script": [{"say": "a"}, {"pauseMs": 3}]}},
            "spec.dialogue.script[1]: found none; allowed: exactly one of say, play and transfer",
        ),
        (
            {"dialogue": {"kind": "scripted", "script": [{"say": " \n"}]}},
            (
                "spec.dialogue.script[0].say: found ' \\n'; allowed: text to speak, at most 5000 "
                "characters, not blank"
            ),
        ),
        (
            {"dialogue": {"kind": "parcelDesk", "person": "desk"}},
            (
                "spec: found transfer desk in dialogue; allowed: the name of a transfer in "
                "telephony.transfers (it is empty)"
            ),
        ),
        (
            {"telephony": {"transfers": [{"name": "a", "goto": "a,1,1"}] * 2}},
            "spec.telephony.transfers: found a twice; allowed: each name once",
        ),
        (
            {"telephony": {"extensions": ["100", "101", "100"]}},
            "spec.telephony.extensions: found 100 twice; allowed: each item once",
        ),
        (
            {"network": {"cidrs": ["192.0.2.0/24"] * 2}},
            "spec.network.cidrs: found 192.0.2.0/24 twice; allowed: each item once",
        ),
        (
            {"telemetry": {"otlpEndpoint": "http://collector\u00a0:4318"}},
            (
                "spec.telemetry.otlpEndpoint: found 'http://collector\\xa0:4318'; allowed: a URL "
                "that begins with http:// or https://, or empty"
            ),
        ),
        (
            {"dialogue": {"kind": "scripted", "script": [{"say": "\u00a0\u2003"}]}},
            (
                "spec.dialogue.script[0].say: found '\\xa0\\u2003'; allowed: text to speak, at "
                "most 5000 characters, not blank"
            ),
        ),
        (
            {"telephony": {"transfers": [{"name": "a", "goto": "phones,${X},1"}]}},
            (
                "spec.telephony.transfers[0].goto: found 'phones,${X},1'; allowed: "
                "context,extension,priority, such as interject-phones,601,1"
            ),
        ),
        (
            {"server": {"peers": ["pod-2"]}},
            (
                "spec.server.peers[0]: found 'pod-2'; allowed: host:port of another pod's HTTP "
                "API, an IPv6 address in brackets"
            ),
        ),
        (
            {"server": {"httpPort": 3000}},
            (
                "spec.server: found 3000 as both audioSocketPort and httpPort; allowed: two "
                "different ports"
            ),
        ),
        (
            {"server": {"httpPort": 3001}},
            (
                "spec.server: found 3001 as both webSocketPort and httpPort; allowed: two "
                "different ports"
            ),
        ),
        (
            {"line": {"transport": "websocket"}},
            (
                "spec.line.transport: found 'websocket'; allowed: audioSocket, webSocket; "
                "did you mean webSocket?"
            ),
        ),
        (
            {"server": {"advertiseHost": "[::1]"}},
            (
                "spec.server.advertiseHost: found '[::1]'; allowed: a host name, an IPv4 address "
                "or an IPv6 address without brackets, or empty"
            ),
        ),
        (
            {"telemetry": {"otlpEndpoint": "collector:4318"}},
            (
                "spec.telemetry.otlpEndpoint: found 'collector:4318'; allowed: a URL that begins "
                "with http:// or https://, or empty"
            ),
        ),
        (
            {3: 4},
            (
                "spec.3: unknown key; allowed here: instructions, greeting, variables, language, "
                "llm, realtime, dialogue, stt, tts, recordings, tools, limits, phrases, "
                "bargeIn, turn, line, capacity, server, deadlines, drain, telephony, telemetry, "
                "replicas, image, autoscaling, eviction, network, podTemplate"
            ),
        ),
    ],
)
def test_a_typical_mistake_gets_its_line(spec: dict[str, object], problem: str) -> None:
    assert problems(manifest() | {"spec": manifest()["spec"] | spec}) == [problem]


@pytest.mark.parametrize(
    "key",
    ["sk-1234", {"env": "sk-1234"}, {"secretKeyRef": "sk-1234"}],
)
def test_a_secret_in_the_wrong_place_is_not_repeated(key: object) -> None:
    tool = HTTP_TOOL | {"headers": [{"name": "Authorization", "valueFrom": key}]}
    lines = problems(
        manifest(
            llm={"kind": "openai", "model": "m", "apiKey": key},
            instructions="Be brief.",
            tools=[tool],
        )
    )
    assert len(lines) == 2
    for line in lines:
        assert "found text; allowed: " in line
        assert "sk-1234" not in line


@pytest.mark.parametrize("name", ["a" * 53, "3des", "a.b", "a-", "A"])
def test_a_name_that_kubernetes_could_not_give_to_a_service_is_refused(name: str) -> None:
    (problem,) = problems(manifest() | {"metadata": {"name": name}})
    assert problem == (
        f"metadata.name: found {name!r}; allowed: a DNS label: a-z first, a-z, 0-9 and - inside, "
        "at most 52 characters"
    )


def test_the_longest_name_is_taken() -> None:
    agent = load_manifest(manifest() | {"metadata": {"name": "a" * 52}}, "agent.yaml")
    assert agent.metadata.name == "a" * 52


def test_every_problem_is_reported_at_once() -> None:
    data = manifest(tts={"kind": "espeak", "voice": 1}, bargein={}, line={"maxEchoDelayMs": 99})
    data["metadata"] = {"name": "Bad_Name", "labels": {"a": 1}}
    assert [line.split(":")[0] for line in problems(data)] == [
        "metadata.name",
        "metadata.labels.a",
        "spec.tts.voice",
        "spec.line.maxEchoDelayMs",
        "spec.bargein",
    ]


def test_a_missing_part_is_named() -> None:
    assert problems({"apiVersion": "interject.dev/v1alpha1", "kind": "VoiceAgent"}) == [
        "metadata: missing; allowed: a mapping with name, namespace, labels, annotations",
        (
            "spec: missing; allowed: a mapping with instructions, greeting, variables, language, "
            "llm, realtime, dialogue, stt, tts, recordings, tools, limits, phrases, "
            "bargeIn, turn, line, capacity, server, deadlines, drain, telephony, telemetry, "
            "replicas, image, autoscaling, eviction, network, podTemplate"
        ),
    ]


def test_another_kind_of_document_is_one_problem_and_not_its_consequences() -> None:
    data = {"apiVersion": "interject.dev/v1alpha1", "kind": "Deployment", "spec": {"replicas": 1}}
    assert problems(data) == ["kind: found 'Deployment'; allowed: VoiceAgent"]


def test_a_list_is_not_a_manifest() -> None:
    assert problems([1]) == [
        (
            "the document: found a list of 1 items; allowed: a mapping with apiVersion, kind, "
            "metadata, spec"
        )
    ]


def test_long_lists_of_problems_and_long_values_are_cut() -> None:
    lines = problems(manifest(**{f"wrong{i}": 1 for i in range(MOST_SHOWN + 5)}))
    assert lines[-1] == "and 5 more"
    assert len(lines) == MOST_SHOWN + 1
    assert len(problems(manifest(tts={"kind": "espeak", "voice": "x" * 10_000}))[0]) < 250


def test_a_key_with_line_breaks_stays_on_its_line() -> None:
    assert len(problems(manifest(**{"a\nb": 1}))) == 1


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["kind", "dialogue", "script", "say", "turn", "x"]) | st.integers(),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_whatever_the_spec_holds_only_a_spec_error_comes_out(spec: object) -> None:
    data = manifest() | {"spec": spec}
    try:
        load_manifest(data, "agent.yaml")
    except SpecError as error:
        assert error.problems
