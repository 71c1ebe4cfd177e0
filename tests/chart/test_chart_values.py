"""Values: documentation, validation, error messages."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helm_python import HelmError

from chart.cases import METRICS_API
from chart.rendering import ROOT, Json, as_argo_cd, loaded, refused, texts

SCRIPT = ROOT / "scripts" / "chart" / "values_doc.py"
OURS = (Path("charts/interject"), Path("crds"), Path("docs/reference/values.md"))


def values_doc(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A modifiable copy of the chart and its documentation."""
    for path in OURS:
        whole = shutil.copytree if (ROOT / path).is_dir() else shutil.copy
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        whole(ROOT / path, tmp_path / path)
    return tmp_path


def change(copy: Path, old: str, new: str) -> None:
    path = copy / "charts" / "interject" / "values.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_schema_and_tables_are_up_to_date() -> None:
    done = values_doc("--check")
    assert done.returncode == 0, done.stderr


def test_outdated_files_are_listed_and_can_be_regenerated(copy: Path) -> None:
    change(copy, "resyncSeconds: 300", "resyncSeconds: 301")
    stale = values_doc("--root", str(copy), "--check")
    assert stale.returncode == 1
    for name in ("values.schema.json", "docs/reference/values.md", "README.md"):
        assert name in stale.stderr
    assert values_doc("--root", str(copy)).returncode == 0
    assert values_doc("--root", str(copy), "--check").returncode == 0


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("  # -- Log every API request and every reconciliation.\n", "", "operator.verbose"),
        ("verbose: false", "verbose: null", "operator.verbose: found the default None"),
        ("# @schema {enum: [json, text]}", "# @schema {enum: [json", "logFormat"),
    ],
)
def test_a_value_without_comment_or_type_is_rejected(
    copy: Path, old: str, new: str, words: str
) -> None:
    change(copy, old, new)
    done = values_doc("--root", str(copy), "--check")
    assert done.returncode == 2
    assert words in done.stderr


def _properties(schema: Json, path: str = "") -> Iterator[tuple[str, Json]]:
    for key, inner in schema.get("properties", {}).items():
        yield f"{path}.{key}", inner
        yield from _properties(inner, f"{path}.{key}")
        yield from _properties(inner.get("items", {}), f"{path}.{key}[]")


def test_the_schema_is_strict_and_describes_every_property() -> None:
    schema = json.loads((ROOT / "charts/interject/values.schema.json").read_text())
    for path, each in (("", schema), *_properties(schema)):
        assert each.get("description") or path == "", path
        if "properties" in each:
            assert each["additionalProperties"] is False, path


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"nope": 1}, ("additional properties 'nope' not allowed",)),
        ({"asterisk": {"sip": {"port": "x"}}}, ("/asterisk/sip/port", "got string, want")),
        ({"logFormat": "xml"}, ("/logFormat", "'json', 'text'")),
        ({"asterisk": {"phones": [{"nam": "601"}]}}, ("/asterisk/phones/0", "'name'", "'nam'")),
        ({"operator": {"image": {"digest": "abc"}}}, ("/operator/image/digest", "sha256")),
        ({"asterisk": {"phones": [{"name": "6 1"}]}}, ("/asterisk/phones/0/name", "'6 1'")),
        ({"asterisk": {"externalAddress": "a;b"}}, ("/asterisk/externalAddress", "'a;b'")),
        ({"sample": {"name": "100"}}, ("/sample/name", "'100'")),
        ({"operator": {"replicas": 0}}, ("/operator/replicas", "got 0, want 1")),
        ({"asterisk": {"exposure": {"type": "ingress"}}}, ("/asterisk/exposure/type", "nodePort")),
    ],
)
def test_schema_errors_name_the_value_and_what_is_allowed(
    values: Json, words: tuple[str, ...]
) -> None:
    said = refused(values)
    for part in words:
        assert part in said


def asterisk(**values: Any) -> Json:
    return {"asterisk": values}


TRUNK = {"name": "t", "host": "sip.example.com"}


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            asterisk(calls=1500),
            "asterisk.rtp: found port 33099, outside the NodePort range 30000 to",
        ),
        (
            asterisk(rtp={"firstPort": 30100, "lastPort": 30110}),
            "asterisk.rtp: found ports 30100 to 30110; asterisk.calls: 32 needs 64 ports",
        ),
        (
            asterisk(sip={"port": 30120}),
            "asterisk.sip: found port 30120 (sip-udp) inside the RTP port range 30100 to 30163",
        ),
        (
            asterisk(replicas=30, sip={"port": 30060}),
            "asterisk.sip: found port 30100 (sip-udp) inside the RTP port range",
        ),
        (asterisk(sip={"port": 5060}), "asterisk.sip: found port 5060, outside the NodePort"),
        (
            asterisk(sip={"udp": False, "tcp": False}),
            "asterisk.sip: found udp, tcp and tls disabled; enable at least one",
        ),
        (
            asterisk(sip={"tls": {"enabled": True, "secretName": "s", "port": 30060}}),
            "asterisk.sip.tls.port: found 30060, the same as asterisk.sip.port",
        ),
        (asterisk(sip={"tls": {"enabled": True}}), "asterisk.sip.tls.secretName: found no name"),
        (
            asterisk(exposure={"type": "hostNetwork"}, calls=10000, rtp={"firstPort": 50000}),
            "asterisk.rtp: found ports up to 69999, but the highest port is 65535",
        ),
        (
            asterisk(phones=[{"name": "601", "extension": "100"}]),
            "sample.extension: found 100, which is already the number of phone 601",
        ),
        (asterisk(published=False), "asterisk.published: found false and no asterisk.agents"),
        (
            asterisk(exposure={"type": "loadBalancer"}, calls=2001),
            "asterisk.rtp: found 4002 ports, but a Service can expose 4000 at most",
        ),
        (asterisk(phones=[{"name": "anna"}]), "asterisk.phones: found anna without an extension"),
        (
            asterisk(phones=[{"name": "601"}], trunks=[TRUNK | {"name": "601"}]),
            "asterisk.trunks: found the name 601 twice",
        ),
        (
            asterisk(phones=[{"name": "601", "password": "a", "existingSecret": "b"}]),
            "asterisk.phones: found both password and existingSecret for 601",
        ),
        (
            asterisk(phones=[{"name": "601", "encryption": "sdes"}]),
            "asterisk.phones: found encryption sdes without transport tls for 601",
        ),
        (
            asterisk(trunks=[TRUNK | {"transport": "tls"}]),
            "found transport tls for t, but TLS is disabled; set asterisk.sip.tls.enabled",
        ),
        (asterisk(trunks=[TRUNK | {"user": "u"}]), "found user without a password for t"),
        (asterisk(trunks=[TRUNK | {"register": True}]), "found register: true without user for t"),
        (
            asterisk(replicas=2, externalAddress=["192.0.2.1"]),
            "asterisk.externalAddress: found 1 addresses for 2 pods",
        ),
        (
            asterisk(replicas=2, externalAddress="192.0.2.1", exposure={"type": "loadBalancer"}),
            "asterisk.externalAddress: found one address for 2 pods",
        ),
        (
            {"operator": {"watchNamespaces": ["sales"]}},
            "operator.watchNamespaces: found sales, which does not include voice",
        ),
        (
            {"metricsApi": METRICS_API | {"certificate": "secret"}},
            "metricsApi.certificate: found secret without secretName and caBundle",
        ),
        (
            {"metricsApi": METRICS_API | {"certificate": "certManager"}},
            "metricsApi.certManager.issuerRef: found no name",
        ),
        (
            {"metricsApi": {"enabled": True}},
            "metricsApi.enabled: found true, and no access to the cluster to check for another",
        ),
    ],
)
def test_conflicting_values_are_rejected_with_one_sentence(values: Json, sentence: str) -> None:
    assert sentence in refused(values)


@pytest.mark.parametrize(
    "values",
    [
        {"metricsApi": METRICS_API | {"certificate": "secret", "secretName": "a", "caBundle": "b"}},
        asterisk(phones=[{"name": "601", "existingSecret": "sip"}]),
        asterisk(sip={"tls": {"enabled": True, "secretName": "sip-tls"}}),
        {"crds": {"enabled": False}},
    ],
)
def test_a_renderer_that_knows_the_apis_and_reads_no_objects_is_not_told_that_they_are_missing(
    values: Json,
) -> None:
    assert as_argo_cd(values)


def test_a_password_is_not_generated_without_a_cluster_to_keep_it_in() -> None:
    """It would be another one at each render, while phones keep the first."""
    values = asterisk(phones=[{"name": "601"}, {"name": "602", "password": "given"}])
    with pytest.raises(HelmError) as error:
        loaded().render(values)
    said = str(error.value)
    assert "asterisk.phones: found no password for 601, and no access to the cluster" in said
    assert "create a Secret and set existingSecret, or set password" in said


def test_disabled_parts_are_not_checked() -> None:
    texts(asterisk(enabled=False, calls=1500) | {"sample": {"enabled": False}})
