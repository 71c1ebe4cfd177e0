"""CRD, sample and operator in a release."""

import pytest
import yaml

from chart.cases import CASES, METRICS_API
from chart.rendering import CHART, ROOT, Json, objects, one, pods
from media_pod import logs
from media_pod.manifest.agent import load_manifest
from voiceagent_operator.cli import run
from voiceagent_operator.jobs import KEY

CRD = "voiceagents.interject.dev"


def variables(values: Json) -> dict[str, str]:
    pod = pods(objects(values))["Deployment/interject-operator"]["spec"]
    return {each["name"]: each.get("value", "") for each in pod["containers"][0]["env"]}


def test_the_charts_crd_is_that_of_the_project() -> None:
    ours = (ROOT / "crds" / f"{CRD}.yaml").read_bytes()
    assert (CHART / "files" / "crds" / f"{CRD}.yaml").read_bytes() == ours
    rendered = one(objects(), "CustomResourceDefinition")
    assert rendered["spec"] == yaml.safe_load(ours)["spec"]


@pytest.mark.parametrize("keep", [True, False])
def test_the_crd_is_kept_unless_disabled(keep: bool) -> None:
    found = one(objects({"crds": {"keep": keep}}), "CustomResourceDefinition")
    policy = found["metadata"].get("annotations", {}).get("helm.sh/resource-policy")
    assert policy == ("keep" if keep else None)


def sample(values: Json) -> Json:
    data = one(objects(values), "ConfigMap", "interject-sample")["data"]
    agent: Json = yaml.safe_load(data[KEY])
    return agent


@pytest.mark.parametrize("case", [case for case in CASES if case != "nothing"])
def test_the_sample_is_a_valid_voice_agent(case: str) -> None:
    agent = load_manifest(sample(CASES[case]), "sample")
    assert agent.spec.telephony.extensions == ("100",)
    asterisk = CASES[case].get("asterisk", {}).get("name", "asterisk")
    assert agent.spec.telephony.asterisk == asterisk


def test_the_sample_is_the_example_and_can_be_extended() -> None:
    example = yaml.safe_load((ROOT / "examples" / "parcel-desk.yaml").read_text())
    agent = sample({})
    assert agent["metadata"]["name"] == example["metadata"]["name"]
    assert example["spec"].items() <= agent["spec"].items()
    scaled = sample({"sample": {"replicas": None, "spec": {"capacity": {"calls": 3}}}})
    assert "replicas" not in scaled["spec"]
    assert scaled["spec"]["capacity"] == {"calls": 3}


def test_the_samples_pods_pull_with_the_secrets_of_the_release() -> None:
    agent = load_manifest(sample({"imagePullSecrets": [{"name": "registry"}]}), "sample")
    assert agent.spec.pod_template.spec.model_extra == {"imagePullSecrets": [{"name": "registry"}]}


def test_a_changed_job_has_another_name() -> None:
    def job(values: Json) -> str:
        name: str = one(objects(values), "Job")["metadata"]["name"]
        return name

    assert job({}) == job({"asterisk": {"drainSeconds": 5}})
    assert job({"sample": {"extension": "200"}}) != job({})
    assert job({"operator": {"nodeSelector": {"a": "b"}}}) != job({})


def test_helm_test_waits_for_the_sample_with_an_account_that_can_read_it() -> None:
    found = objects({"sample": {"name": "desk"}})
    pod = one(found, "Pod")
    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    assert pod["spec"]["containers"][0]["args"] == ["ready", "desk"]
    (_, agents) = one(found, "Role", pod["spec"]["serviceAccountName"])["rules"]
    assert agents["resourceNames"] == ["desk"] and "get" in agents["verbs"]


@pytest.mark.parametrize("case", CASES)
def test_the_operators_variables_are_known_settings(case: str) -> None:
    known = {option.envvar for option in run.params if hasattr(option, "envvar")}
    known.add(logs.VARIABLE)
    used = {name for name in variables(CASES[case]) if name.startswith("INTERJECT_")}
    assert used <= known


def test_the_operator_learns_where_an_asterisk_may_be() -> None:
    where = {"operator": {"asteriskNamespaces": ["pbx", "east"]}}
    assert variables(where)["INTERJECT_ASTERISK_NAMESPACES"] == "pbx east"
    assert "INTERJECT_ASTERISK_NAMESPACES" not in variables({}), "the Lease's namespace alone"


def test_the_metrics_api_service_selects_the_operators_pods() -> None:
    found = objects(CASES["metrics API"])
    service = one(found, "Service", "interject-metrics-api")["spec"]
    for version in ("v1beta1", "v1beta2"):
        spec = one(found, "APIService", f"{version}.custom.metrics.k8s.io")["spec"]
        assert spec["service"] == {
            "name": "interject-metrics-api", "namespace": "voice", "port": 443,
        }  # fmt: skip
    (port,) = service["ports"]
    (container,) = pods(found)["Deployment/interject-operator"]["spec"]["containers"]
    assert port["targetPort"] in {each["name"] for each in container["ports"]}


def test_the_operator_gets_the_source_of_the_certificate() -> None:
    own = variables(CASES["metrics API"])
    assert own["INTERJECT_METRICS_API_SECRET"] == "interject-metrics-api-tls"
    assert own["INTERJECT_METRICS_API_SERVICE"] == "interject-metrics-api"
    issued = variables(CASES["cert-manager"])
    assert issued["INTERJECT_METRICS_API_CERTIFICATE"] == "/etc/interject/metrics-api/tls.crt"
    assert "INTERJECT_METRICS_API_SECRET" not in issued
    assert not [name for name in variables({}) if "METRICS_API" in name]


def test_the_metrics_api_is_not_registered_by_default() -> None:
    """An APIService without a backend keeps the cluster from deleting namespaces."""
    assert not [each for each in objects() if each["kind"] == "APIService"]
    (operator,) = pods(objects())["Deployment/interject-operator"]["spec"]["containers"]
    assert [port["name"] for port in operator["ports"]] == ["probes"]


def test_the_port_of_the_metrics_api_is_one_that_the_control_plane_reaches() -> None:
    found = objects({"metricsApi": METRICS_API | {"port": 10250}})
    (operator,) = pods(found)["Deployment/interject-operator"]["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in operator["ports"]}
    assert ports["metrics-api"] == 10250
    environment = {each["name"]: each.get("value") for each in operator["env"]}
    assert environment["INTERJECT_METRICS_API_PORT"] == "10250"


def test_prometheus_selects_the_pod_monitors_of_media_pods_by_the_same_labels() -> None:
    labels = {"release": "prometheus", "team": "voice"}
    found = variables({"monitoring": {"podMonitor": {"labels": labels}}})
    pairs = found["INTERJECT_POD_MONITOR_LABELS"].split()
    assert dict(pair.split("=") for pair in pairs) == labels
    assert "INTERJECT_POD_MONITOR_LABELS" not in variables({})


def test_traces_go_to_the_configured_endpoint() -> None:
    found = variables(CASES["everything"])
    endpoint = "http://jaeger-collector.tracing:4318"
    assert found["OTEL_EXPORTER_OTLP_ENDPOINT"] == endpoint
    assert found["INTERJECT_MEDIA_OTLP_ENDPOINT"] == endpoint
    rules = one(objects(CASES["everything"]), "NetworkPolicy", "interject-operator")["spec"]
    ports = {port["port"] for rule in rules["egress"] for port in rule.get("ports", [])}
    assert 4318 in ports
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" not in variables({})
