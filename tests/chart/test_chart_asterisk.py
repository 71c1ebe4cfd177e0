"""Asterisk in a release: values, ports, exposure."""

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from asterisk_config.environment import read_values
from asterisk_config.number_plan import NumberPlan, parse_plans
from asterisk_config.places import Places
from asterisk_config.values import load_values
from chart.cases import CASES
from chart.rendering import Json, objects, one, pods
from voiceagent_operator.agents import names

NAME = "interject-asterisk"


def asterisk(**values: Any) -> list[Json]:
    """A release with these values of Asterisk, without the CRD, which is slow to parse."""
    return objects({"crds": {"enabled": False}, "asterisk": values})


def container(found: list[Json]) -> Json:
    only: Json = pods(found)[f"StatefulSet/{NAME}"]["spec"]["containers"][0]
    return only


def documents(found: list[Json]) -> dict[str, Json]:
    """Content of each pod's values file, by name."""
    data = one(found, "ConfigMap", NAME)["data"]
    return {name: yaml.safe_load(text) for name, text in data.items()}


@pytest.mark.parametrize("case", [case for case in CASES if case != "nothing"])
def test_every_pod_has_valid_asterisk_values(case: str) -> None:
    found = objects(CASES[case])
    replicas = one(found, "StatefulSet")["spec"]["replicas"]
    pages = documents(found)
    assert list(pages) == [f"{NAME}-{ordinal}.yaml" for ordinal in range(replicas)]
    for name, document in pages.items():
        load_values(document, name)


def test_a_pod_reads_the_file_with_its_name() -> None:
    variables = {each["name"]: each for each in container(objects())["env"]}
    assert variables["INTERJECT_VALUES"]["value"] == "/etc/interject/values/$(POD_NAME).yaml"
    assert list(variables).index("POD_NAME") < list(variables).index("INTERJECT_VALUES")


def mounted(found: list[Json], root: Path) -> str:
    """Write what the pod mounts, values and Secrets, below `root`; the path of the values."""
    existing = {"anna": {"sip": base64.b64encode(b"of-the-existing-secret").decode()}}
    volumes = {each["name"]: each for each in pods(found)[f"StatefulSet/{NAME}"]["spec"]["volumes"]}
    for mount in container(found)["volumeMounts"]:
        if secret := volumes[mount["name"]].get("secret", {}).get("secretName"):
            ours = [each for each in found if each["kind"] == "Secret"]
            keys = existing.get(secret) or one(ours, "Secret", secret)["data"]
            folder = root / mount["mountPath"].lstrip("/")
            folder.mkdir(parents=True)
            for key, content in keys.items():
                (folder / key).write_bytes(base64.b64decode(content))
    page = yaml.safe_dump(documents(found)[f"{NAME}-0.yaml"])
    values = root / "asterisk.yaml"
    values.write_text(page.replace("/etc/interject/passwords", f"{root}/etc/interject/passwords"))
    return str(values)


def test_passwords_are_only_in_secrets_that_are_mounted(tmp_path: Path) -> None:
    case = CASES["everything"] | {"asterisk": dict(CASES["everything"]["asterisk"])}
    del case["asterisk"]["extraVolumes"], case["asterisk"]["extraVolumeMounts"]
    case["asterisk"]["sip"] = {}
    case["asterisk"]["trunks"] = [
        {"name": "provider", "host": "sip.example.com", "user": "me", "password": "hidden"}
    ]
    found = objects(case)
    values = read_values({"INTERJECT_VALUES": mounted(found, tmp_path)})
    passwords = {phone.name: phone.password.value for phone in values.phones}
    assert passwords["anna"] == "of-the-existing-secret"
    assert passwords["603"] == "correct-horse"
    assert values.trunks[0].password and values.trunks[0].password.value == "hidden"
    assert "correct-horse" not in yaml.safe_dump([e for e in found if e["kind"] != "Secret"])


def test_the_published_dialplan_is_mounted_as_optional() -> None:
    pod = pods(asterisk(name="east"))[f"StatefulSet/{NAME}"]
    (published,) = (each for each in pod["spec"]["volumes"] if each["name"] == "published")
    assert published["configMap"] == {"name": names.dialplan_name("east"), "optional": True}
    assert pod["metadata"]["labels"][names.ASTERISK] == "east"


def plan(found: list[Json], name: str = "asterisk") -> NumberPlan:
    """The number plan that the operator gets for an Asterisk."""
    only = pods(found)["Deployment/interject-operator"]["spec"]["containers"][0]
    variables = {each["name"]: each.get("value") for each in only["env"]}
    return parse_plans(variables["INTERJECT_NUMBER_PLANS"], "the chart")[name]


def test_probes_ask_asterisk_itself_without_an_interpreter() -> None:
    command = list(Places.installed().command("-rx", "core waitfullybooted"))
    only = container(objects())
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert only[probe]["exec"]["command"] == command


def test_calls_are_limited() -> None:
    assert documents(asterisk(calls=200))[f"{NAME}-0.yaml"]["maxCalls"] == 200


def test_the_operator_learns_which_numbers_are_taken() -> None:
    found = asterisk(
        phones=[{"name": "anna", "extension": "601"}, {"name": "602"}],
        queues=[
            {"name": "help", "extension": "700", "members": ["602"]},
            {"name": "701", "members": ["602"]},
        ],
        agents=[{"name": "own", "extensions": ["_2XX"], "api": ["a:1"]}],
        numbers={
            "reserved": ["_9."],
            "claims": [{"namespace": "sales", "numbers": ["_3069X."]}],
        },
        transferPlaces=["ivr,s,1"],
    )
    here = plan(found)
    assert (here.phones, here.queues, here.agents) == (("601", "602"), ("700", "701"), ("_2XX",))
    assert {"112", "911"} <= set(here.emergency)
    assert (here.reserved, here.transfer_places) == (("_9.",), ("ivr,s,1",))
    assert [(each.namespace, each.numbers) for each in here.claims] == [("sales", ("_3069X.",))]
    page = documents(found)[f"{NAME}-0.yaml"]
    assert page["transferPlaces"] == ["ivr,s,1"]


def test_the_numbers_of_an_asterisk_of_your_own_are_planned_too() -> None:
    found = asterisk(enabled=False, name="own", numbers={"reserved": ["600"]})
    assert (plan(found, "own").phones, plan(found, "own").reserved) == ((), ("600",))


def test_calls_can_drain_when_a_pod_terminates() -> None:
    spec = pods(asterisk(drainSeconds=600))[f"StatefulSet/{NAME}"]["spec"]
    assert spec["terminationGracePeriodSeconds"] == 630


def test_extra_values_take_precedence() -> None:
    page = documents(asterisk(extraValues={"sip": {"bindHost": "192.0.2.1"}, "drainSeconds": 5}))
    assert page[f"{NAME}-0.yaml"]["sip"]["bindHost"] == "192.0.2.1"
    assert page[f"{NAME}-0.yaml"]["sip"]["port"] == 30060
    assert page[f"{NAME}-0.yaml"]["drainSeconds"] == 5


def test_node_ports_are_the_same_inside_and_outside_and_unique_per_pod() -> None:
    found = asterisk(replicas=2, calls=4)
    taken: list[tuple[str, int]] = []
    for ordinal, page in enumerate(documents(found).values()):
        service = one(found, "Service", f"{NAME}-{ordinal}")["spec"]
        assert service["type"] == "NodePort" and service["externalTrafficPolicy"] == "Local"
        ports = {(each["protocol"], each["port"]) for each in service["ports"]}
        rtp = range(page["rtp"]["firstPort"], page["rtp"]["lastPort"] + 1)
        sip = page["sip"]["port"]
        assert len(rtp) == 8
        assert ports == {("UDP", sip), ("TCP", sip), *(("UDP", port) for port in rtp)}
        for each in service["ports"]:
            assert each["port"] == each["targetPort"] == each["nodePort"]
        taken += sorted(ports)
    assert len(set(taken)) == len(taken)


def test_behind_node_ports_asterisk_advertises_the_nodes_address() -> None:
    variables = {each["name"]: each for each in container(asterisk())["env"]}
    external = variables["INTERJECT_EXTERNAL_ADDRESS"]["valueFrom"]
    assert external == {"fieldRef": {"fieldPath": "status.hostIP"}}
    given = asterisk(externalAddress="192.0.2.7")
    assert "INTERJECT_EXTERNAL_ADDRESS" not in {each["name"] for each in container(given)["env"]}
    assert documents(given)[f"{NAME}-0.yaml"]["sip"]["externalAddress"] == "192.0.2.7"


@pytest.mark.parametrize(
    ("exposure", "kind"), [("loadBalancer", "LoadBalancer"), ("clusterIP", "ClusterIP")]
)
def test_other_services_have_their_own_ports(exposure: str, kind: str) -> None:
    found = asterisk(exposure={"type": exposure}, replicas=2)
    for ordinal in range(2):
        service = one(found, "Service", f"{NAME}-{ordinal}")["spec"]
        assert service["type"] == kind
        assert service["selector"]["statefulset.kubernetes.io/pod-name"] == f"{NAME}-{ordinal}"
        assert {each["port"] for each in service["ports"]} >= {5060, 10000, 10063}
        assert not any("nodePort" in each for each in service["ports"])


def test_with_host_network_there_is_no_service_and_dns_still_works() -> None:
    found = asterisk(exposure={"type": "hostNetwork"})
    services = {each["metadata"]["name"] for each in found if each["kind"] == "Service"}
    assert services == {NAME}
    spec = pods(found)[f"StatefulSet/{NAME}"]["spec"]
    assert spec["hostNetwork"] is True and spec["dnsPolicy"] == "ClusterFirstWithHostNet"


@settings(max_examples=15, deadline=None)
@given(
    replicas=st.integers(1, 4),
    calls=st.integers(1, 60),
    tls=st.booleans(),
    exposure=st.sampled_from(["nodePort", "loadBalancer", "hostNetwork", "clusterIP"]),
)
def test_the_policy_allows_all_ports_of_asterisk(
    replicas: int, calls: int, tls: bool, exposure: str
) -> None:
    found = asterisk(
        replicas=replicas,
        calls=calls,
        exposure={"type": exposure},
        sip={"tls": {"enabled": tls, "secretName": "tls"}},
    )
    (rule, *_) = one(found, "NetworkPolicy", NAME)["spec"]["ingress"]
    open_ports = {
        (each["protocol"], port)
        for each in rule["ports"]
        for port in range(each["port"], each.get("endPort", each["port"]) + 1)
    }
    for page in documents(found).values():
        rtp = range(page["rtp"]["firstPort"], page["rtp"]["lastPort"] + 1)
        assert len(rtp) == 2 * calls
        listening = {("UDP", port) for port in rtp}
        listening |= {(kind, page["sip"]["port"]) for kind in ("UDP", "TCP")}
        listening |= {("TCP", page["sip"]["tls"]["port"])} if tls else set()
        assert listening <= open_ports
        assert page["sip"]["port"] not in rtp
