"""The CRD: equivalent to the models, and a valid structural schema."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from manifest.structural_schema import filled, problems
from media_pod.manifest.agent import VoiceAgent
from media_pod.manifest.crd.definition import as_text, definition, file_name
from media_pod.manifest.crd.reference import FILE_NAME, as_markdown
from media_pod.manifest.crd.structural import KEYWORDS
from media_pod.manifest.validation import ALLOWED_KEY
from voiceagent_cases import CASES
from voiceagent_documents import Case, Json, voice_agent, with_bare_kinds, with_llm
from voiceagent_values import leaves, placed, values

ROOT = Path(__file__).parents[2]
LAST_APPLIED_LIMIT = 256 * 1024
"""Bytes of all annotations together; kubectl apply keeps the object in one of them."""
RULES = "x-kubernetes-validations"

CRD = definition()
SCHEMA: Json = CRD["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
SPEC: Json = SCHEMA["properties"]["spec"]


def nodes(schema: Json, path: str = "") -> Iterator[tuple[str, Json]]:
    """Every schema below `schema`, with its path."""
    yield path, schema
    for name, inner in schema.get("properties", {}).items():
        yield from nodes(inner, f"{path}.{name}".lstrip("."))
    if "items" in schema:
        yield from nodes(schema["items"], f"{path}[]")
    if "additionalProperties" in schema:
        yield from nodes(schema["additionalProperties"], f"{path}.*")


def faults(agent: Json) -> set[str]:
    """Types of the models' errors for `agent`."""
    try:
        VoiceAgent.model_validate(agent, by_alias=True, by_name=False)
    except ValidationError as error:
        return {each["type"] for each in error.errors()}
    return set()


def test_the_file_is_what_the_models_give() -> None:
    file = ROOT / "crds" / file_name(CRD)
    assert file.read_text() == as_text(CRD), "run: interject crd --out crds"


def test_the_reference_is_what_the_models_give() -> None:
    file = ROOT / "docs" / "reference" / FILE_NAME
    assert file.read_text() == as_markdown(), "run: interject crd --docs --out docs"


def test_the_text_is_the_crd() -> None:
    assert yaml.safe_load(as_text(CRD)) == CRD


def test_kubectl_apply_has_room_for_it() -> None:
    assert len(as_text(CRD)) < LAST_APPLIED_LIMIT


@pytest.mark.parametrize(
    "path", [path for path, _ in nodes(SCHEMA) if path and not path.startswith("metadata")]
)
def test_every_field_has_a_description(path: str) -> None:
    node = dict(nodes(SCHEMA))[path]
    if path.endswith(("[]", ".*")) and "properties" not in node:
        return  # a text in a list is explained with the list
    assert node["description"]
    assert "\n" not in node["description"]


@pytest.mark.parametrize(("path", "node"), list(nodes(SCHEMA)))
def test_only_keywords_of_structural_schemas_are_used(path: str, node: Json) -> None:
    assert node.keys() <= set(KEYWORDS) - {ALLOWED_KEY}
    assert "type" in node
    assert not {"properties", "additionalProperties"} <= node.keys()


@pytest.mark.parametrize(
    "pattern", sorted({node["pattern"] for _, node in nodes(SCHEMA) if "pattern" in node})
)
def test_patterns_mean_the_same_to_every_engine(pattern: str) -> None:
    """Texts, classes, groups and repeats: no look-around, no references, nothing above RE2's 1000.

    \\s counts as ASCII's spaces in one engine and as Unicode's in another, unless these are there
    beside it.
    """
    safe = pattern.replace(r"[^\s\x0b\x85\p{Z}]", "")
    token = r"[\w:/,-]|\\[].+[]|\[[^][\\&]+\]|[()|^$*+?]|\{\d+(?:,\d+)?\}"
    assert re.fullmatch(f"(?:{token})*", safe)
    assert "(?" not in safe
    assert all(int(number) <= 1000 for number in re.findall(r"(?<=[{,])\d+(?=[,}])", safe))


@pytest.mark.parametrize("spec", [{}, with_llm()])
def test_the_smallest_manifest_gets_every_default_of_the_models(spec: Json) -> None:
    agent = voice_agent(spec)
    models = VoiceAgent.model_validate(agent, by_alias=True).spec
    shown = filled(SPEC, agent["spec"])
    assert shown == with_bare_kinds(
        models.model_dump(mode="json", by_alias=True, exclude_none=True)
    )
    assert VoiceAgent.model_validate(agent | {"spec": shown}, by_alias=True).spec == models


def test_defaults_of_parts_appear_in_an_empty_part_too() -> None:
    whole = filled(SPEC, voice_agent({})["spec"])
    parts = {
        name: inner
        for name, inner in SPEC["properties"].items()
        if "default" in inner and "kind" not in inner.get("properties", {})
    }
    empty = {name: {} if "properties" in inner else whole[name] for name, inner in parts.items()}
    assert filled(SPEC, voice_agent(empty)["spec"]) == whole


def test_a_kind_gets_no_default_of_another() -> None:
    shown = filled(
        SPEC, voice_agent({"tts": {"kind": "wyoming", "address": "piper:10200"}})["spec"]
    )
    assert shown["dialogue"] == {"kind": "parcelDesk"}
    assert shown["tts"] == {"kind": "wyoming", "address": "piper:10200"}


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.yaml")), ids=lambda p: p.stem)
def test_the_examples_are_taken(path: Path) -> None:
    agent = yaml.safe_load(path.read_text())
    assert problems(SPEC, agent["spec"]) == []


@pytest.mark.parametrize(
    ("path", "leaf"), [pytest.param(*each, id=".".join(each[0])) for each in leaves(SPEC)]
)
def test_a_field_takes_what_its_model_takes(path: tuple[str, ...], leaf: Json) -> None:
    for value in values(leaf):
        agent = placed(path, value)
        # What crosses fields is for the rules, which only a real API server can judge.
        by_models = faults(agent) - {"clash", "one_of"}
        assert bool(problems(SPEC, agent["spec"])) == bool(by_models), value


@pytest.mark.parametrize("path", [path for path, node in nodes(SCHEMA) if node["type"] == "array"])
def test_every_list_says_how_it_is_merged(path: str) -> None:
    keys = {
        # An order that counts, or items without a name.
        "spec.dialogue.script": ("atomic", None),
        "spec.llm.fallbacks": ("atomic", None),
        "spec.stt.fallbacks": ("atomic", None),
        "spec.tts.fallbacks": ("atomic", None),
        "spec.tools": ("atomic", None),
        "spec.tools[].command": ("atomic", None),
        "spec.tools[].headers": ("map", ["name"]),
        "spec.recordings": ("map", ["text"]),
        "spec.telephony.transfers": ("map", ["name"]),
        "status.conditions": ("map", ["type"]),
    }
    node = dict(nodes(SCHEMA))[path]
    found = (node["x-kubernetes-list-type"], node.get("x-kubernetes-list-map-keys"))
    assert found == keys.get(path, ("set", None))


def test_every_rule_has_a_case() -> None:
    rules = {
        (path, rule["message"]) for path, node in nodes(SCHEMA) for rule in node.get(RULES, ())
    }
    assert rules == {(case.path, f"allowed: {case.allowed}") for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.field}: {case.found[:40]}")
def test_the_models_agree_with_the_rules(case: Case) -> None:
    good, bad = case.names
    assert faults(voice_agent(case.good, good)) == set()
    assert bool(faults(voice_agent(case.bad, bad))) == case.laptop


@pytest.mark.parametrize(("path", "node"), [each for each in nodes(SCHEMA) if RULES in each[1]])
def test_a_rule_says_what_it_found_and_what_is_allowed(path: str, node: Json) -> None:
    for rule in node[RULES]:
        assert rule["messageExpression"].startswith("'found ")
        assert "; allowed: " in rule["messageExpression"]


def test_status_has_no_defaults_and_needs_nothing() -> None:
    status = SCHEMA["properties"]["status"]
    assert filled(status, {}) == {}
    assert problems(status, {}) == []


def test_a_field_may_say_where_a_secret_is_but_never_hold_it() -> None:
    about_secrets = re.compile("secret|password|token|credential|apikey|valuefrom", re.I)
    places = {"env", "name", "key"}
    found = [
        (path, node)
        for path, node in nodes(SCHEMA["properties"]["spec"], "spec")
        if about_secrets.search(path.rsplit(".", 1)[-1])
    ]
    assert {"spec.llm.apiKey", "spec.tools[].headers[].valueFrom"} <= {path for path, _ in found}
    for path, node in found:
        held = {inner[-1] for inner, leaf in leaves(node) if leaf["type"] != "integer"}
        assert held <= places, path


@pytest.mark.parametrize("path", ["llm.baseUrl", "stt.baseUrl", "tts.baseUrl", "tools.[].url"])
def test_a_url_holds_no_password(path: str) -> None:
    place = tuple(path.split("."))
    assert faults(placed(place, "https://server.test:8443/v1?to=a@b")) == set()
    assert faults(placed(place, "https://anna:secret@server.test/v1")) != set()
