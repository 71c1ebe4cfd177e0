"""What installs the operator."""

from dataclasses import replace

import pytest
import yaml
from click.testing import CliRunner

from voiceagent_operator import names
from voiceagent_operator.cli import cli
from voiceagent_operator.install.installation import Installation, objects
from voiceagent_operator.install.rules import (
    agent_rules,
    api_service_rules,
    certificate_rules,
    election_rules,
)
from voiceagent_operator.kube.kinds import Json

EVERYWHERE = Installation("interject", "example.com/operator:1", "example.com/media:1")
IN_TWO = Installation("interject", "operator", "media", watched=("sales", "support"))


def kinds(wanted: Installation) -> list[str]:
    return [each["kind"] for each in objects(wanted)]


def pod(wanted: Installation) -> Json:
    (deployment,) = (each for each in objects(wanted) if each["kind"] == "Deployment")
    template: Json = deployment["spec"]["template"]
    return template


def test_no_rule_has_a_wildcard_or_reads_a_secret_but_its_own() -> None:
    rules = [
        *(*agent_rules(), *election_rules("lease")),
        *(*certificate_rules("own"), *api_service_rules()),
    ]
    for rule in rules:
        assert "*" not in (*rule["verbs"], *rule["resources"], *rule["apiGroups"])
        if "secrets" in rule["resources"] and rule["verbs"] != ["create"]:
            assert rule["resourceNames"] == ["own"]


def test_the_metrics_api_has_rights_a_service_and_comes_after_its_servers() -> None:
    wanted = replace(EVERYWHERE, metrics_api=True)
    made = objects(wanted)
    (service,) = (each for each in made if each["kind"] == "Service")
    container = pod(wanted)["spec"]["containers"][0]
    (port,) = (each for each in container["ports"] if each["name"] == "metrics-api")
    assert service["spec"]["ports"][0]["targetPort"] == "metrics-api"
    assert port["containerPort"] == 8443
    env = {each["name"]: each.get("value") for each in container["env"]}
    assert env["INTERJECT_METRICS_API_SERVICE"] == service["metadata"]["name"]
    (role,) = (
        each
        for each in made
        if each["kind"] == "Role" and each["metadata"]["name"].endswith("-certificate")
    )
    assert certificate_rules(env["INTERJECT_METRICS_API_SECRET"]) == role["rules"]
    assert kinds(wanted)[-2:] == ["APIService", "APIService"]
    for each in made[-2:]:
        spec = each["spec"]
        assert each["metadata"]["name"] == f"{spec['version']}.custom.metrics.k8s.io"
        assert spec["service"]["name"] == service["metadata"]["name"]
        assert not {"caBundle", "insecureSkipTLSVerify"} & spec.keys()
    assert made[-2]["spec"]["versionPriority"] != made[-1]["spec"]["versionPriority"]
    assert {each["kind"] for each in objects(EVERYWHERE)}.isdisjoint({"APIService", "Service"})


def test_watched_namespaces_have_a_role_each_and_no_cluster_role_is_needed() -> None:
    assert "ClusterRole" not in kinds(IN_TWO)
    roles = [each["metadata"] for each in objects(IN_TWO) if each["kind"] == "Role"]
    assert {role["namespace"] for role in roles} == {"interject", "sales", "support"}
    assert kinds(EVERYWHERE).count("ClusterRole") == 1


def test_bindings_name_roles_that_are_there_and_the_operators_account() -> None:
    for wanted in (EVERYWHERE, IN_TWO):
        there = {
            (each["kind"], each["metadata"]["name"], each["metadata"].get("namespace"))
            for each in objects(wanted)
        }
        for each in objects(wanted):
            if each["kind"].endswith("Binding"):
                role = each["roleRef"]
                assert (role["kind"], role["name"], each["metadata"].get("namespace")) in there
                (subject,) = each["subjects"]
                assert (subject["kind"], subject["name"], subject["namespace"]) in there


def test_its_pods_are_restricted_and_those_that_media_pods_let_in() -> None:
    template = pod(EVERYWHERE)
    assert names.OPERATOR_PODS.items() <= template["metadata"]["labels"].items()
    assert template["spec"]["securityContext"]["runAsNonRoot"] is True
    security = template["spec"]["containers"][0]["securityContext"]
    assert security["readOnlyRootFilesystem"] is True
    assert security["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.parametrize("watched", [(), ("sales", "support")])
@pytest.mark.parametrize("metrics_api", [False, True])
def test_what_is_printed_is_what_is_rendered(watched: tuple[str, ...], metrics_api: bool) -> None:
    options = [option for each in watched for option in ("--watch", each)]
    options += ["--metrics-api"] if metrics_api else []
    done = CliRunner().invoke(
        cli, ["manifests", "--image", "operator", "--media-image", "media", *options]
    )
    assert done.exit_code == 0
    wanted = Installation(
        "interject", "operator", "media", watched=watched, metrics_api=metrics_api
    )
    assert list(yaml.safe_load_all(done.output)) == objects(wanted)


RUN = ["run", "--media-image", "media"]


SECRET = ["--metrics-api-secret", "own"]
SERVICE = ["--metrics-api-service", "operator"]
KEY = ["--metrics-api-key", "pyproject.toml"]
CERTIFICATE = ["--metrics-api-certificate", "pyproject.toml"]


@pytest.mark.parametrize(
    "options", [SECRET, SERVICE, KEY, CERTIFICATE, SECRET + SERVICE + KEY + CERTIFICATE]
)
def test_half_a_certificate_and_two_of_them_are_refused(options: list[str]) -> None:
    done = CliRunner().invoke(cli, [*RUN, *options])
    assert done.exit_code == 2
    assert "the metrics API's certificate is either given by" in done.output
