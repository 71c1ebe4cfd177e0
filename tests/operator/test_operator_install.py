"""What installs the operator."""

import pytest
import yaml
from click.testing import CliRunner

from voiceagent_operator import names
from voiceagent_operator.cli import cli
from voiceagent_operator.install.installation import Installation, objects
from voiceagent_operator.install.rules import agent_rules, election_rules
from voiceagent_operator.kube.kinds import Json

EVERYWHERE = Installation("interject", "example.com/operator:1", "example.com/media:1")
IN_TWO = Installation("interject", "operator", "media", watched=("sales", "support"))


def kinds(wanted: Installation) -> list[str]:
    return [each["kind"] for each in objects(wanted)]


def pod(wanted: Installation) -> Json:
    (deployment,) = (each for each in objects(wanted) if each["kind"] == "Deployment")
    template: Json = deployment["spec"]["template"]
    return template


def test_no_rule_has_a_wildcard_or_reads_secrets() -> None:
    for rule in (*agent_rules(), *election_rules("lease")):
        assert "*" not in (*rule["verbs"], *rule["resources"], *rule["apiGroups"])
        assert "secrets" not in rule["resources"]


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
def test_what_is_printed_is_what_is_rendered(watched: tuple[str, ...]) -> None:
    options = [option for each in watched for option in ("--watch", each)]
    done = CliRunner().invoke(
        cli, ["manifests", "--image", "operator", "--media-image", "media", *options]
    )
    assert done.exit_code == 0
    wanted = Installation("interject", "operator", "media", watched=watched)
    assert list(yaml.safe_load_all(done.output)) == objects(wanted)
