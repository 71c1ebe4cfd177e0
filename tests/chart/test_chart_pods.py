"""Pod templates: what replaces pods, under which user they run, when they are killed."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from helm_python import Chart

from chart.cases import CASES
from chart.rendering import CHART, NAMESPACE, RELEASE, Json, objects, parsed, pods, values_with
from voiceagent_operator.render.workload import USER_ID

ASTERISK = "StatefulSet/interject-asterisk"
OPERATOR = "Deployment/interject-operator"
FEW_SECONDS = 30


def asterisk(**values: Any) -> Json:
    """Asterisk's pod template with these values."""
    return pods(objects({"crds": {"enabled": False}, "asterisk": values}))[ASTERISK]


@pytest.fixture
def bumped(tmp_path: Path) -> Iterator[Chart]:
    """The chart with a new version and a new appVersion."""
    copy = tmp_path / "interject"
    shutil.copytree(CHART, copy)
    page = yaml.safe_load((copy / "Chart.yaml").read_text())
    page |= {"version": "99.0.0", "appVersion": "99.0.0"}
    (copy / "Chart.yaml").write_text(yaml.safe_dump(page))
    with Chart.load(copy) as chart:
        yield chart


def test_a_new_version_of_the_chart_changes_no_pod_template(bumped: Chart) -> None:
    pinned = {
        "operator": {"image": {"tag": "1"}, "mediaImage": {"tag": "1"}},
        "asterisk": {"image": {"tag": "1"}},
    }
    rendered = bumped.render(values_with(pinned), name=RELEASE, namespace=NAMESPACE)
    later = {path.partition("/templates/")[2]: text for path, text in rendered.items()}
    before, after = pods(objects(pinned)), pods(parsed(later))
    for name in (ASTERISK, OPERATOR):
        assert after[name] == before[name]


PHONE = {"name": "601", "password": "a"}
OTHER = {"name": "602", "password": "b"}
TRUNK = {"name": "pbx", "host": "192.0.2.9", "user": "me", "password": "c", "register": True}


@pytest.mark.parametrize(
    "changed",
    [
        {"phones": [PHONE, OTHER]},
        {"phones": [OTHER]},
        {"phones": [PHONE | {"password": "new"}]},
        {"phones": [PHONE | {"codecs": ["alaw"]}]},
        {"trunks": [TRUNK]},
        {"queues": [{"name": "sales", "members": ["601"]}]},
        {"agents": [{"name": "desk", "extensions": ["300"]}]},
        {"codecs": ["alaw"]},
        {"fallback": {"kind": "message", "sound": "vm-goodbye"}},
        {"extraValues": {"timeouts": {"ringSeconds": 9}}},
        {"replicas": 2},
    ],
)
def test_what_a_running_asterisk_loads_changes_no_pod_template(changed: Json) -> None:
    assert asterisk(**({"phones": [PHONE]} | changed)) == asterisk(phones=[PHONE])


TLS = {"tls": {"enabled": True, "secretName": "sip"}}
SECURE = {"name": "acme", "host": "sip.example.com", "transport": "tls"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"metricsPort": 9101}),
        ({}, {"sip": {"anonymous": True}}),
        ({}, {"sip": {"port": 30062}}),
        ({}, {"sip": TLS}),
        ({}, {"calls": 16}),
        ({}, {"externalAddress": "192.0.2.1"}),
        ({"replicas": 2}, {"replicas": 2, "externalAddress": ["192.0.2.1", "192.0.2.2"]}),
        ({}, {"extraValues": {"logLevel": "debug"}}),
        ({}, {"agents": [{"name": "desk", "extensions": ["300"], "dialplan": "seed"}]}),
        ({"sip": TLS}, {"sip": TLS, "trunks": [SECURE]}),
        ({"phones": [PHONE]}, {"phones": [{"name": "601", "existingSecret": "other"}]}),
    ],
)
def test_what_asterisk_reads_at_its_start_replaces_the_pods(before: Json, after: Json) -> None:
    assert asterisk(**before) != asterisk(**after)


def test_phones_that_share_a_secret_are_added_without_a_restart() -> None:
    def shared(*names: str) -> Json:
        return asterisk(
            phones=[{"name": name, "existingSecret": "sip", "secretKey": name} for name in names]
        )

    assert shared("601") == shared("601", "602")


@pytest.mark.parametrize("case", CASES)
def test_a_hung_container_is_killed_in_seconds(case: str) -> None:
    """Not after the grace period of its pod, which is as long as a drain."""
    for name, template in pods(objects(CASES[case])).items():
        for container in template["spec"]["containers"]:
            for probe in ("livenessProbe", "startupProbe"):
                if found := container.get(probe):
                    assert found["terminationGracePeriodSeconds"] <= FEW_SECONDS, (name, probe)
    operator = pods(objects(CASES[case]))[OPERATOR]["spec"]["containers"][0]
    assert "livenessProbe" in operator


@pytest.mark.parametrize("case", CASES)
def test_pods_run_as_the_user_of_the_images(case: str) -> None:
    for name, template in pods(objects(CASES[case])).items():
        context = template["spec"]["securityContext"]
        assert (context["runAsUser"], context["runAsGroup"]) == (USER_ID, USER_ID), name


def user_ids(value: Any) -> list[str]:
    """Every setting of a user or group anywhere in `value`."""
    if isinstance(value, list):
        return [found for each in value for found in user_ids(each)]
    if not isinstance(value, dict):
        return []
    own = [key for key in value if key in ("runAsUser", "runAsGroup", "fsGroup")]
    return own + [found for each in value.values() for found in user_ids(each)]


@pytest.mark.parametrize("case", CASES)
def test_the_cluster_can_assign_users(case: str) -> None:
    templates = pods(objects(CASES[case] | {"runAsUser": None}))
    for name, template in templates.items():
        assert user_ids(template) == [], name
        assert template["spec"]["securityContext"]["runAsNonRoot"] is True
    environment = templates[OPERATOR]["spec"]["containers"][0]["env"]
    assert {"name": "INTERJECT_MEDIA_USER_ID", "value": "assigned"} in environment


def test_one_user_is_set_for_all_pods() -> None:
    templates = pods(
        objects({"runAsUser": 2000, "asterisk": {"podSecurityContext": {"fsGroup": 5}}})
    )
    for template in templates.values():
        context = template["spec"]["securityContext"]
        assert (context["runAsUser"], context["runAsGroup"]) == (2000, 2000)
    assert templates[ASTERISK]["spec"]["securityContext"]["fsGroup"] == 5
    environment = templates[OPERATOR]["spec"]["containers"][0]["env"]
    assert {"name": "INTERJECT_MEDIA_USER_ID", "value": "2000"} in environment
