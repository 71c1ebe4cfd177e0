"""The CRD on a real API server: what it takes, what it refuses in which words, what it shows."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from cluster.cluster import Cluster
from media_pod.manifest.agent import VoiceAgent
from media_pod.manifest.crd.definition import schema
from media_pod.manifest.operation import AFTER_DRAIN_S
from media_pod.manifest.status import Condition, Status
from voiceagent_cases import CASES
from voiceagent_documents import HTTP_TOOL, Case, Json, voice_agent, with_bare_kinds, with_llm
from voiceagent_values import leaves, placed, values

CRD = "crd/voiceagents.interject.dev"
FILE = Path(__file__).parents[2] / "crds" / "voiceagents.interject.dev.yaml"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
LAST_APPLIED_LIMIT = 256 * 1024

Run = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = [pytest.mark.core, pytest.mark.usefixtures("crd")]


@pytest.fixture
def run(cluster: Cluster, namespace: str) -> Run:
    """Runs kubectl in the test's own namespace."""

    def run(*arguments: str, stdin: object = None) -> subprocess.CompletedProcess[str]:
        text = None if stdin is None else json.dumps(stdin)
        return cluster.run("--namespace", namespace, *arguments, stdin=text)

    return run


def ok(done: subprocess.CompletedProcess[str]) -> str:
    """What a command printed that succeeded."""
    assert done.returncode == 0, done.stderr
    return done.stdout


def apply(run: Run, spec: Json, name: str = "desk") -> subprocess.CompletedProcess[str]:
    return run("apply", "-f", "-", stdin=voice_agent(spec, name))


def get(run: Run, name: str = "desk") -> Any:
    return json.loads(ok(run("get", "voiceagent", name, "-o", "json")))


def taken(agent: Json) -> bool:
    """Whether the models take `agent`, nothing in it is for laptops alone, and its pods drain."""
    try:
        spec = VoiceAgent.model_validate(agent, by_alias=True, by_name=False).spec
    except ValidationError:
        return False
    server, grace_s = spec.server, spec.pod_template.spec.termination_grace_period_seconds
    if grace_s is not None and grace_s < spec.drain.timeout_seconds + AFTER_DRAIN_S:
        return False
    ports = (server.http_port, server.audio_socket_port, server.web_socket_port)
    paths_are_absolute = all(path.startswith("/") for path in file_paths(agent["spec"]))
    return 0 not in ports and not server.advertise_host and not server.peers and paths_are_absolute


def file_paths(node: object) -> Iterator[str]:
    """Every path of a file in a spec."""
    if isinstance(node, dict):
        for name, inner in node.items():
            if name in ("modelPath", "voicePath", "music", "play", "python"):
                yield inner
            yield from file_paths(inner)
    if isinstance(node, list):
        for inner in node:
            yield from file_paths(inner)


READY = Condition(
    type="Ready",
    status="True",
    last_transition_time="2026-11-26T09:30:00Z",
    reason="PodsReady",
    message="2 of 2 pods are ready.",
)
STATUS = Status(
    observed_generation=1,
    replicas=3,
    ready_replicas=2,
    active_calls=17,
    capacity=200,
    selector="app.kubernetes.io/instance=desk",
    endpoints=("desk.default.svc:1650",),
    extensions=("100", "_3069X."),
    image="localhost/interject:1",
    version="0.1.0",
    conditions=(READY,),
)


def put_status(run: Run, **changed: object) -> subprocess.CompletedProcess[str]:
    status = STATUS.model_dump(mode="json", by_alias=True, exclude_none=True) | changed
    patch = json.dumps({"status": status})
    return run("patch", "va", "desk", "--subresource=status", "--type=merge", "-p", patch)


def test_the_server_takes_the_definition_without_a_reserve(cluster: Cluster) -> None:
    crd = json.loads(ok(cluster.run("get", CRD, "-o", "json")))
    conditions = {each["type"]: each["status"] for each in crd["status"]["conditions"]}
    assert conditions["Established"] == conditions["NamesAccepted"] == "True"
    assert "NonStructuralSchema" not in conditions


def test_kubectl_apply_can_keep_a_copy_of_it(cluster: Cluster) -> None:
    crd = json.loads(ok(cluster.run("apply", "--dry-run=server", "-o", "json", "-f", str(FILE))))
    assert len(crd["metadata"]["annotations"][LAST_APPLIED]) < LAST_APPLIED_LIMIT


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.field}: {case.found[:40]}")
def test_a_rule_takes_what_keeps_it_and_refuses_what_breaks_it(run: Run, case: Case) -> None:
    for spec, name in zip(case.before or (), case.names, strict=False):
        ok(apply(run, spec, name))
    good, bad = case.names
    agents = [voice_agent(case.good, good), voice_agent(case.bad, bad)]
    both = run("apply", "-f", "-", stdin={"apiVersion": "v1", "kind": "List", "items": agents})
    (taken,) = both.stdout.splitlines()
    assert taken.startswith(f"voiceagent.interject.dev/{good} "), both.stderr
    assert f"{case.field}: " in both.stderr
    assert f": found {case.found}; allowed: {case.allowed}" in both.stderr


def test_the_way_that_a_refused_change_of_the_line_names_is_open(run: Run) -> None:
    published: Json = {"telephony": {"extensions": ["100"]}}
    other: Json = {"line": {"transport": "webSocket"}}
    ok(apply(run, published))
    assert apply(run, published | other).returncode != 0
    ok(apply(run, {"telephony": {"extensions": []}}))
    ok(apply(run, published | other))


@pytest.mark.parametrize("spec", [{}, with_llm()])
def test_every_default_is_shown(run: Run, spec: Json) -> None:
    ok(apply(run, spec))
    models = VoiceAgent.model_validate(voice_agent(spec), by_alias=True).spec
    shown = models.model_dump(mode="json", by_alias=True, exclude_none=True)
    assert get(run)["spec"] == with_bare_kinds(shown)


@pytest.mark.parametrize(
    "spec",
    [
        {"dialogue": {"kind": "scripted", "script": [{"say": "Hello."}, {"say": "Bye."}]}},
        with_llm(
            stt={"kind": "wyoming", "address": "whisper:10300"},
            tts={"kind": "openai", "model": "m", "voice": "v", "fallbacks": [{"kind": "espeak"}]},
            tools=[HTTP_TOOL, {"kind": "hangUp"}],
        ),
    ],
)
def test_what_the_server_shows_a_laptop_takes(run: Run, spec: Json) -> None:
    ok(apply(run, spec))
    agent = {**voice_agent({}), "spec": get(run)["spec"]}
    loaded = VoiceAgent.model_validate(agent, by_alias=True, by_name=False)
    assert loaded.spec == VoiceAgent.model_validate(voice_agent(spec), by_alias=True).spec


def test_another_kind_of_provider_keeps_nothing_of_the_default(run: Run) -> None:
    """kubectl apply merges into what the server shows, its defaults included."""
    ok(apply(run, {}))
    wyoming = {"kind": "wyoming", "address": "piper:10200"}
    ok(apply(run, {"tts": wyoming}))
    assert get(run)["spec"]["tts"] == wyoming
    ok(apply(run, {}))
    assert get(run)["spec"]["tts"] == {"kind": "espeak"}


def test_the_largest_lists_are_within_the_servers_limits(run: Run) -> None:
    """The cost of the rules between the fields of an object has a limit at run time."""
    transfers = [{"name": f"p{n}", "goto": "phones,601,1"} for n in range(32)]
    places = [each["name"] for each in transfers]
    header = {"name": "X-Plan", "value": "gold"}
    tools = [{"kind": "transfer", "places": places}] + [
        HTTP_TOOL | {"name": f"tool{n}", "headers": [header]} for n in range(63)
    ]
    variables = {f"variable{n}": "x" for n in range(50)}
    ok(apply(run, with_llm(tools=tools, variables=variables, telephony={"transfers": transfers})))


@pytest.mark.parametrize("part", schema()["properties"]["spec"]["properties"])
def test_every_field_takes_what_its_model_takes(run: Run, part: str) -> None:
    field = schema()["properties"]["spec"]["properties"][part]
    agents = [
        placed(path, value) for path, leaf in leaves(field, (part,)) for value in values(leaf)
    ]
    for index, agent in enumerate(agents):
        agent["metadata"]["name"] = f"a{index}"
    # Without the check that kubectl itself makes of lists: it would give up all for one.
    create = ("create", "--dry-run=server", "--validate=false", "-o", "name", "-f", "-")
    done = run(*create, stdin={"apiVersion": "v1", "kind": "List", "items": agents})
    created = {line.rpartition("/")[2] for line in done.stdout.splitlines()}
    assert created, done.stderr
    for agent in agents:
        assert (agent["metadata"]["name"] in created) == taken(agent), agent["spec"]


def test_a_misspelt_field_is_refused(run: Run) -> None:
    strict = apply(run, {"bargein": {"sensitivity": "high"}})
    assert strict.returncode != 0
    assert 'unknown field "spec.bargein"' in strict.stderr
    agent = voice_agent({"bargeIn": {"sensitivty": "high"}})
    server_side = run("apply", "--server-side", "-f", "-", stdin=agent)
    assert server_side.returncode != 0
    assert ".spec.bargeIn.sensitivty: field not declared in schema" in server_side.stderr


def test_a_pod_spec_keeps_what_the_definition_does_not_know(run: Run) -> None:
    pod = {"nodeSelector": {"disk": "ssd"}, "containers": [{"name": "media", "env": []}]}
    ok(apply(run, {"podTemplate": {"spec": pod}}))
    assert get(run)["spec"]["podTemplate"]["spec"] == pod


def test_two_people_each_keep_their_transfers(run: Run) -> None:
    """Server-side apply merges lists by their keys, and sets by their items."""
    for who, number in {"sales": "601", "support": "602"}.items():
        agent = voice_agent(
            {
                "telephony": {
                    "transfers": [{"name": who, "goto": f"phones,{number},1"}],
                    "extensions": [number],
                }
            }
        )
        ok(run("apply", "--server-side", "--field-manager", who, "-f", "-", stdin=agent))
    telephony = get(run)["spec"]["telephony"]
    assert {each["name"] for each in telephony["transfers"]} == {"sales", "support"}
    assert set(telephony["extensions"]) == {"601", "602"}


@pytest.mark.parametrize(
    ("telephony", "problem"),
    [
        ({"extensions": ["100", "100"]}, 'spec.telephony.extensions[1]: Duplicate value: "100"'),
        (
            {"transfers": [{"name": "a", "goto": "a,1,1"}, {"name": "a", "goto": "b,1,1"}]},
            'spec.telephony.transfers[1]: Duplicate value: {"name":"a"}',
        ),
    ],
)
def test_nothing_is_twice_in_a_list(run: Run, telephony: Json, problem: str) -> None:
    refused = apply(run, {"telephony": telephony})
    assert refused.returncode != 0
    assert problem in refused.stderr


def test_kubectl_explains_a_setting(cluster: Cluster) -> None:
    shown = ok(cluster.run("explain", "voiceagent.spec.bargeIn.sensitivity"))
    words = " ".join(shown.split())
    assert "How much evidence of caller speech stops the bot. high stops soonest" in words
    assert "ENUM: low normal high" in words
    shown = ok(cluster.run("explain", "va.spec.turn.endSilenceMs"))
    assert "Allowed: 200 to 5000." in " ".join(shown.split())


def test_the_columns(run: Run) -> None:
    ok(apply(run, {"telephony": {"extensions": ["100", "_3069X."]}}))
    ok(put_status(run))
    header, row = ok(run("get", "va")).splitlines()
    assert header.split() == "NAME READY PODS CALLS CAPACITY EXTENSION AGE".split()
    assert row.split()[:6] == "desk True 2 17 200 100".split()
    header, row = ok(run("get", "va", "-o", "wide")).splitlines()
    assert header.split()[7:] == "EXTENSIONS IMAGE DIALOGUE MODEL VERSION".split()
    assert row.split()[7:] == ['["100","_3069X."]', "localhost/interject:1", "parcelDesk", "0.1.0"]


def test_an_agent_that_is_not_reconciled_has_empty_columns(run: Run) -> None:
    ok(apply(run, {}))
    _, row = ok(run("get", "va")).splitlines()
    assert len(row.split()) == 2  # name and age


def test_it_has_a_short_name_and_a_category(run: Run) -> None:
    ok(apply(run, {}))
    assert ok(run("get", "va", "-o", "name")) == "voiceagent.interject.dev/desk\n"
    assert ok(run("get", "voice", "-o", "name")) == "voiceagent.interject.dev/desk\n"


def test_kubectl_scale_writes_replicas_and_reads_pods(run: Run, namespace: str) -> None:
    ok(apply(run, {}))
    ok(put_status(run))
    ok(run("scale", "va", "desk", "--replicas=5"))
    assert get(run)["spec"]["replicas"] == 5
    address = f"/apis/interject.dev/v1alpha1/namespaces/{namespace}/voiceagents/desk/scale"
    scale = json.loads(ok(run("get", "--raw", address)))
    assert scale["spec"] == {"replicas": 5}
    assert scale["status"] == {"replicas": 3, "selector": "app.kubernetes.io/instance=desk"}


def test_scaling_beyond_the_range_is_refused(run: Run) -> None:
    ok(apply(run, {}))
    refused = run("scale", "va", "desk", "--replicas=1001")
    assert refused.returncode != 0
    assert "spec.replicas" in refused.stderr


def test_status_and_spec_are_written_apart(run: Run) -> None:
    agent = voice_agent({}) | {"status": {"version": "forged"}}
    ok(run("create", "-f", "-", stdin=agent))
    assert "status" not in get(run)
    patch = json.dumps({"spec": {"replicas": 7}, "status": {"replicas": 1}})
    ok(run("patch", "va", "desk", "--subresource=status", "--type=merge", "-p", patch))
    found = get(run)
    assert found["spec"]["replicas"] == 2
    assert found["status"] == {"replicas": 1}
    assert found["metadata"]["generation"] == 1


def test_conditions_can_be_waited_for(run: Run) -> None:
    ok(apply(run, {}))
    ok(put_status(run))
    ok(run("wait", "--for=condition=Ready", "va/desk", "--timeout=10s"))
    assert get(run)["status"] == STATUS.model_dump(mode="json", by_alias=True, exclude_none=True)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"status": "Maybe"}, 'conditions[0].status: Unsupported value: "Maybe"'),
        ({"reason": "not camel case"}, "conditions[0].reason: Invalid value"),
        ({"lastTransitionTime": "yesterday"}, "conditions[0].lastTransitionTime: Invalid value"),
    ],
)
def test_a_condition_is_of_the_standard_form(run: Run, change: Json, problem: str) -> None:
    ok(apply(run, {}))
    condition = READY.model_dump(mode="json", by_alias=True, exclude_none=True) | change
    refused = put_status(run, conditions=[condition])
    assert refused.returncode != 0
    assert problem in refused.stderr
