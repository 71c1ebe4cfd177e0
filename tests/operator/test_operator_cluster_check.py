"""A CRD that is older than the operator: what it lacks, and how that is reported."""

import logging
from copy import deepcopy
from typing import Any

import pytest
from aiohttp import web
from scripted_api import refusal, serving

from media_pod.manifest.crd.definition import schema
from voiceagent_operator.decide.causes import Cause
from voiceagent_operator.kube.kinds import GROUP, VERSION, Json
from voiceagent_operator.leader.cluster_check import CrdCheck, missing_settings


def published(*without: str, **more: Any) -> Json:
    """As an API server publishes the CRD of this version, without some settings."""
    whole = deepcopy(schema())
    for path in without:
        *parents, name = path.split(".")
        node = whole
        for parent in parents:
            node = node["properties"][parent]
        del node["properties"][name]
    kind = {"group": GROUP, "version": VERSION, "kind": "VoiceAgent"}
    served = {**whole, "x-kubernetes-group-version-kind": [kind], **more}
    served["properties"]["metadata"] = {"allOf": [{"$ref": "#/components/schemas/ObjectMeta"}]}
    return {"components": {"schemas": {"VoiceAgent": served, "Patch": {"type": "object"}}}}


def test_the_crd_of_this_version_lacks_nothing() -> None:
    assert missing_settings(published()) == []


def test_a_newer_crd_lacks_nothing() -> None:
    newer = published()
    served = newer["components"]["schemas"]["VoiceAgent"]["properties"]
    served["spec"]["properties"]["tomorrow"] = {"type": "string"}
    served["spec"]["properties"]["dialogue"]["properties"]["kind"]["enum"].append("tomorrow")
    assert missing_settings(newer) == []


def test_what_it_lacks_is_named_once_at_its_highest_place() -> None:
    older = published("spec.drain", "spec.capacity.calls", "status.version")
    assert missing_settings(older) == ["spec.capacity.calls", "spec.drain", "status.version"]


def test_a_choice_that_it_does_not_know_is_named() -> None:
    older = published()
    served = older["components"]["schemas"]["VoiceAgent"]["properties"]
    served["spec"]["properties"]["dialogue"]["properties"]["kind"]["enum"].remove("parcelDesk")
    assert missing_settings(older) == ["spec.dialogue.kind=parcelDesk"]


@pytest.mark.parametrize("nothing", [{}, {"components": {"schemas": {"Other": {}}}}])
def test_where_nothing_is_said_of_voice_agents_nothing_is_missing(nothing: Json) -> None:
    assert missing_settings(nothing) == []


async def test_it_is_reported_once_with_what_to_do_and_its_end_too(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)

    async def old(request: web.Request) -> web.Response:
        return web.json_response(published("spec.drain", "status.version"))

    async def new(request: web.Request) -> web.Response:
        return web.json_response(published())

    sentence = (
        "the CRD of VoiceAgents is older than this operator, 1.2.3, and lacks spec.drain, "
        "status.version; apply the CRD of this version: kubectl apply --server-side -f crds/"
    )
    async with serving(old, old, refusal(403), new, new) as (scripted, api):
        check = CrdCheck(api, "1.2.3")
        results = [
            (await check.check(), check.trouble(), check.refuses("version")) for _ in range(5)
        ]
    outdated = Cause("CrdOutdated", sentence)
    assert results == [
        (True, outdated, True),
        (False, outdated, True),
        (False, outdated, True),
        (True, None, False),
        (False, None, False),
    ]
    assert not check.refuses("drain")
    assert scripted.asked[0].path == "/openapi/v3/apis/interject.dev/v1alpha1"
    assert [each.message for each in caplog.records if each.name != "aiohttp.access"] == [
        sentence,
        "the CRD of VoiceAgents is up to date",
    ]
