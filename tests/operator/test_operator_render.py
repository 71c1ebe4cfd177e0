"""What a VoiceAgent becomes."""

from dataclasses import replace
from typing import Any

import pytest
import yaml
from voice_agents import SETTING, agent

from media_pod.manifest.agent import load_manifest
from media_pod.manifest.secrets import MOUNT_PATH
from voiceagent_operator.agents import names
from voiceagent_operator.agents.agent import Agent
from voiceagent_operator.kube.kinds import (
    AUTOSCALER,
    CONFIG_MAP,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    NETWORK_POLICY,
    POD_MONITOR,
    SCALED_OBJECT,
    SERVICE,
    Json,
    Kind,
)
from voiceagent_operator.render.children import OPTIONAL, RenderSettings, children

EVERYTHING = replace(SETTING, kinds=OPTIONAL)


def rendered(each: Agent, kind: Kind, setting: RenderSettings = SETTING) -> list[Json]:
    return [child.body for child in children(each, setting) if child.kind is kind]


def pod(each: Agent) -> Json:
    (found,) = rendered(each, DEPLOYMENT)
    template: Json = found["spec"]["template"]
    return template


def media(each: Agent) -> Json:
    container: Json = pod(each)["spec"]["containers"][0]
    return container


def test_every_child_is_owned_labelled_and_marked_with_what_was_applied() -> None:
    each = agent()
    for child in children(each, EVERYTHING):
        metadata = child.body["metadata"]
        (owner,) = metadata["ownerReferences"]
        assert (owner["uid"], owner["controller"]) == (each.uid, True)
        assert metadata["namespace"] == "calls"
        assert metadata["labels"][names.AGENT] == "reception"
        assert metadata["labels"]["app.kubernetes.io/managed-by"] == "interject-operator"
        assert metadata["annotations"][names.APPLIED] == child.applied


def test_rendering_is_stable() -> None:
    again = agent()
    assert children(agent(), SETTING) == children(again, SETTING)


def test_the_pods_manifest_is_one_that_interject_serve_takes() -> None:
    (found,) = rendered(agent(server={"httpPort": 1700}, replicas=5), CONFIG_MAP)
    manifest = load_manifest(yaml.safe_load(found["data"]["agent.yaml"]), "agent.yaml")
    assert manifest.metadata.name == "reception"
    assert manifest.spec.server.peers == ("reception-pods:1700",)
    assert "replicas" not in yaml.safe_load(found["data"]["agent.yaml"])["spec"]


def test_a_changed_greeting_changes_the_manifest_and_rolls_no_pod() -> None:
    before = agent(dialogue={"kind": "scripted", "script": [{"say": "Hello."}]})
    after = agent(dialogue={"kind": "scripted", "script": [{"say": "Good morning."}]})
    assert pod(before) == pod(after)
    assert rendered(before, CONFIG_MAP) != rendered(after, CONFIG_MAP)


@pytest.mark.parametrize(
    "changed",
    [
        {"capacity": {"calls": 7}},
        {"line": {"rateHz": 16000}},
        {"bargeIn": {"sensitivity": "high"}},
        {"image": "example.com/other:2"},
        {"podTemplate": {"metadata": {"labels": {"team": "voice"}}}},
    ],
)
def test_a_changed_configuration_rolls_the_pods(changed: dict[str, Any]) -> None:
    assert pod(agent(**changed)) != pod(agent())


@pytest.mark.parametrize(
    "changed",
    [
        {"replicas": 7},
        {"telephony": {"extensions": ["100"]}},
        {"network": {"policy": False}},
        {"eviction": "never"},
    ],
)
def test_what_running_pods_need_not_know_rolls_none(changed: dict[str, Any]) -> None:
    assert pod(agent(**changed)) == pod(agent())


def test_calls_outlive_a_pods_end_by_as_long_as_the_drain_allows() -> None:
    each = agent(drain={"timeoutSeconds": 600})
    assert pod(each)["spec"]["terminationGracePeriodSeconds"] > 600 + 10
    assert "lifecycle" not in media(each), "SIGTERM drains, and a hook would need a token"
    strategy = rendered(each, DEPLOYMENT)[0]["spec"]["strategy"]["rollingUpdate"]
    assert strategy["maxUnavailable"] == 0


def test_a_pod_that_hangs_is_killed_soon_although_its_drain_may_last_long() -> None:
    """It does not act on SIGTERM either, and would have all of the pod's grace period for it."""
    each = agent(drain={"timeoutSeconds": 86_400})
    for probe in ("livenessProbe", "startupProbe"):
        assert 3 <= media(each)[probe]["terminationGracePeriodSeconds"] <= 10
    # The API server refuses it there: a pod that is not ready is not killed.
    assert "terminationGracePeriodSeconds" not in media(each)["readinessProbe"]


def test_pods_satisfy_the_restricted_pod_security_standard() -> None:
    spec, container = pod(agent())["spec"], media(agent())
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert spec["automountServiceAccountToken"] is False


def test_the_cluster_can_assign_the_user_of_the_pods() -> None:
    setting = replace(SETTING, user_id=None)
    (found,) = rendered(agent(), DEPLOYMENT, setting)
    assert found["spec"]["template"]["spec"]["securityContext"] == {
        "runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"},
    }  # fmt: skip


def test_the_pod_template_adds_without_a_fork() -> None:
    overlay = {
        "metadata": {"annotations": {"note": "x"}, "labels": {"interject.dev/agent": "other"}},
        "spec": {
            "nodeSelector": {"disk": "ssd"},
            "tolerations": [{"key": "voice", "operator": "Exists"}],
            "containers": [
                {"name": "media", "env": [{"name": "MORE", "value": "1"}]},
                {"name": "sidecar", "image": "example.com/sidecar:1"},
            ],
        },
    }
    template = pod(agent(podTemplate=overlay))
    assert template["metadata"]["annotations"]["note"] == "x"
    assert template["metadata"]["labels"][names.AGENT] == "reception"
    assert template["spec"]["nodeSelector"] == {"disk": "ssd"}
    by_name = {each["name"]: each for each in template["spec"]["containers"]}
    assert by_name.keys() == {"media", "sidecar"}
    assert {"POD_NAME", "MORE"} <= {env["name"] for env in by_name["media"]["env"]}
    assert by_name["media"]["image"] == SETTING.image


@pytest.mark.parametrize("replicas", [0, 1, 2, 9])
def test_pods_may_be_evicted_one_at_a_time_unless_eviction_is_never(replicas: int) -> None:
    """Of a single pod too: it drains, and the drain of its node ends when its calls have ended."""

    def most(eviction: str) -> int:
        (budget,) = rendered(agent(replicas=replicas, eviction=eviction), DISRUPTION_BUDGET)
        missing: int = budget["spec"]["maxUnavailable"]
        return missing

    assert (most("afterCalls"), most("always"), most("never")) == (1, 1, 0)


def test_the_autoscaler_scales_the_voice_agent_by_its_calls() -> None:
    each = agent(
        capacity={"calls": 20},
        autoscaling={"metricSource": "operator", "minReplicas": 2, "maxReplicas": 6},
    )
    (found,) = rendered(each, AUTOSCALER)
    assert found["spec"]["scaleTargetRef"]["kind"] == "VoiceAgent"
    assert found["spec"]["metrics"][0]["pods"]["target"]["averageValue"] == "14"
    assert found["spec"]["behavior"]["scaleUp"]["stabilizationWindowSeconds"] == 0


@pytest.mark.parametrize(
    ("source", "autoscalers", "scaled_objects"),
    [("none", 0, 0), ("operator", 1, 0), ("prometheus-adapter", 1, 0), ("keda", 0, 1)],
)
def test_one_autoscaler_at_most(source: str, autoscalers: int, scaled_objects: int) -> None:
    each = agent(autoscaling={"metricSource": source, "prometheusUrl": "http://prometheus:9090"})
    setting = EVERYTHING
    assert len(rendered(each, AUTOSCALER, setting)) == autoscalers
    assert len(rendered(each, SCALED_OBJECT, setting)) == scaled_objects


def test_kinds_that_the_cluster_does_not_have_are_left_out() -> None:
    assert rendered(agent(), POD_MONITOR) == []
    assert len(rendered(agent(), POD_MONITOR, EVERYTHING)) == 1


def test_pod_monitors_have_the_labels_that_prometheus_selects_by() -> None:
    labels = {"release": "prometheus", names.AGENT: "another"}
    setting = replace(EVERYTHING, pod_monitor_labels=labels)
    (monitor,) = rendered(agent(), POD_MONITOR, setting)
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    assert monitor["metadata"]["labels"][names.AGENT] == "reception"


def test_the_network_policy_lets_in_asterisk_peers_and_the_listed() -> None:
    each = agent(
        telephony={"asterisk": "front"},
        network={"cidrs": ["192.0.2.0/24", "2001:db8::/64"], "namespaces": ["monitoring"]},
    )
    (policy,) = rendered(each, NETWORK_POLICY)
    callers, operator = policy["spec"]["ingress"]
    for cidr in ("192.0.2.0/24", "2001:db8::/64"):
        assert {"ipBlock": {"cidr": cidr}} in callers["from"]
    assert any(
        peer.get("podSelector") == {"matchLabels": {"interject.dev/asterisk": "front"}}
        for peer in callers["from"]
    )
    assert {port["port"] for port in callers["ports"]} == {1650, 3000}
    assert {port["port"] for port in operator["ports"]} == {1650}
    assert rendered(agent(network={"policy": False}), NETWORK_POLICY) == []


def test_a_label_alone_opens_no_pod() -> None:
    """Anybody may put a label on a pod in a namespace of his own."""
    (policy,) = rendered(agent(), NETWORK_POLICY)
    callers, operator = policy["spec"]["ingress"]

    def namespaces(peers: list[Json], label: str) -> Any:
        (found,) = [
            peer["namespaceSelector"]
            for peer in peers
            if label in peer.get("podSelector", {}).get("matchLabels", {})
            and "namespaceSelector" in peer
        ]
        (expression,) = found["matchExpressions"]
        assert expression["key"] == "kubernetes.io/metadata.name"
        assert expression["operator"] == "In"
        return expression["values"]

    assert namespaces(callers["from"], names.ASTERISK) == ["pbx", "system"]
    assert namespaces(operator["from"], "app.kubernetes.io/name") == ["system"]


def test_no_policy_limits_what_the_pods_connect_to() -> None:
    """Models, voices and tools are anywhere."""
    (policy,) = rendered(agent(), NETWORK_POLICY)
    assert policy["spec"]["policyTypes"] == ["Ingress"]
    assert "egress" not in policy["spec"]


def ref(name: str, key: str, **more: str) -> Json:
    return {"secretKeyRef": {"name": name, "key": key}, **more}


def agent_with_keys(llm: Json, stt: Json, **spec: Any) -> Agent:
    """An agent with a language model, which has the API keys."""
    openai = {"kind": "openai", "model": "m"}
    return agent(
        **spec,
        dialogue=None,
        instructions="Be brief.",
        llm=openai | {"apiKey": llm},
        stt=openai | {"apiKey": stt},
    )


def test_pods_have_the_keys_that_their_agent_refers_to_as_files_and_no_others() -> None:
    each = agent_with_keys(llm=ref("openai", "key"), stt=ref("deepgram", "stt.key"))
    (volume,) = [each for each in pod(each)["spec"]["volumes"] if "projected" in each]
    assert [source["secret"] for source in volume["projected"]["sources"]] == [
        {
            "name": "deepgram",
            "optional": False,
            "items": [{"key": "stt.key", "path": "deepgram/stt.key"}],
        },
        {"name": "openai", "optional": False, "items": [{"key": "key", "path": "openai/key"}]},
    ]
    assert volume["projected"]["defaultMode"] == 0o440
    assert pod(each)["spec"]["securityContext"]["fsGroup"] > 0, "the files' group"
    (mount,) = [at for at in media(each)["volumeMounts"] if at["name"] == volume["name"]]
    assert (mount["mountPath"], mount["readOnly"]) == (MOUNT_PATH, True)


def test_pods_start_without_a_key_only_where_a_variable_can_replace_it() -> None:
    variables = {"name": "media", "env": [{"name": "LLM_KEY", "value": "x"}]}
    each = agent_with_keys(
        llm=ref("keys", "llm", env="LLM_KEY"),
        stt=ref("keys", "stt", env="STT_KEY"),
        podTemplate={"spec": {"containers": [variables]}},
    )
    (volume,) = [each for each in pod(each)["spec"]["volumes"] if "projected" in each]
    found = [source["secret"] for source in volume["projected"]["sources"]]
    assert {(key["path"], secret["optional"]) for secret in found for key in secret["items"]} == {
        ("keys/llm", True),
        ("keys/stt", False),
    }


def test_an_agent_without_references_has_no_such_volume() -> None:
    names_of_volumes = [volume["name"] for volume in pod(agent())["spec"]["volumes"]]
    assert names_of_volumes == ["manifest", "tmp"]
    assert [at["name"] for at in media(agent())["volumeMounts"]] == ["manifest", "tmp"]


def test_another_reference_rolls_the_pods() -> None:
    before = agent_with_keys(llm=ref("keys", "llm"), stt=ref("keys", "stt"))
    after = agent_with_keys(llm=ref("keys", "llm"), stt=ref("keys", "other"))
    assert pod(before) != pod(after)


def test_processes_that_recognize_and_speak_have_memory_of_their_own() -> None:
    whisper = {"kind": "whisper", "modelPath": "/srv/whisper", "processes": 2}
    piper = {"kind": "piper", "voicePath": "/srv/voice.onnx"}
    local = agent(stt=whisper, tts={"kind": "espeak", "fallbacks": [piper]})

    def memory_mi(each: Agent) -> int:
        return int(media(each)["resources"]["requests"]["memory"].removesuffix("Mi"))

    tiny_en_mi, medium_voice_mi = 233, 290
    assert memory_mi(local) - memory_mi(agent()) > 2 * tiny_en_mi + medium_voice_mi


def test_the_built_in_recognizer_has_memory_for_each_25_calls() -> None:
    def memory_mi(kind: str, calls: int) -> int:
        stt = {"kind": kind, **({"address": "stt:10300"} if kind == "wyoming" else {})}
        each = agent(stt=stt, capacity={"calls": calls})
        return int(media(each)["resources"]["requests"]["memory"].removesuffix("Mi"))

    used_mi = 36
    for calls, processes in ((1, 1), (25, 1), (26, 2), (100, 4)):
        more_mi = memory_mi("pocketsphinx", calls) - memory_mi("wyoming", calls)
        assert processes * used_mi < more_mi < 2 * processes * used_mi


def test_web_socket_agents_have_their_port() -> None:
    each = agent(line={"transport": "webSocket"}, server={"webSocketPort": 3500})
    ports = {port["name"]: port["containerPort"] for port in media(each)["ports"]}
    assert ports["audio"] == 3500
    _, headless = rendered(each, SERVICE)
    assert {port["name"]: port["port"] for port in headless["spec"]["ports"]}["audio"] == 3500
    assert headless["spec"]["publishNotReadyAddresses"] is True


def environment(setting: RenderSettings, **spec: Any) -> dict[str, str]:
    """The variables of the pods that have a plain value."""
    (made,) = rendered(agent(**spec), DEPLOYMENT, setting)
    env = made["spec"]["template"]["spec"]["containers"][0]["env"]
    return {each["name"]: each["value"] for each in env if "value" in each}


def test_pods_send_traces_where_the_operator_says_unless_their_agent_knows_better() -> None:
    setting = replace(SETTING, otlp_endpoint="http://collector:4318")
    assert environment(setting)["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://collector:4318"
    own = {"otlpEndpoint": "http://own:4318"}
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" not in environment(setting, telemetry=own)
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" not in environment(SETTING)


def test_pods_log_as_the_operator_does() -> None:
    assert environment(replace(SETTING, log_format="json"))["INTERJECT_LOG_FORMAT"] == "json"
    assert "INTERJECT_LOG_FORMAT" not in environment(SETTING)
