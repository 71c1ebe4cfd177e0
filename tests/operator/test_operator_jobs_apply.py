"""A VoiceAgent that a ConfigMap holds is applied as its property."""

import pytest
import yaml

from voiceagent_operator.jobs import KEY, ForeignAgentError, NoAgentError, apply_owned
from voiceagent_operator.kube.errors import ApiError, NotFoundError
from voiceagent_operator.kube.kinds import CONFIG_MAP, VOICE_AGENT, Json

AGENT: Json = {
    "apiVersion": "interject.dev/v1alpha1",
    "kind": "VoiceAgent",
    "metadata": {"name": "parcel-desk", "labels": {"a": "b"}},
    "spec": {"dialogue": {"kind": "parcelDesk"}},
}


class Cluster:
    """Has one ConfigMap, and serves VoiceAgents after so many refusals."""

    def __init__(self, text: str, refusals: int = 0, status: int = 404) -> None:
        self.text, self.refusals, self.status = text, refusals, status
        self.applied: dict[str, Json] = {}
        self.there: Json | None = None
        """The VoiceAgent that is there already."""
        self.paused_s = 0.0

    async def get(self, path: str) -> Json:
        if path == VOICE_AGENT.path("voice", "parcel-desk"):
            if self.there is None:
                raise NotFoundError(f"GET {path}", 404, "NotFound", "not found")
            return self.there
        assert path == CONFIG_MAP.path("voice", "sample")
        return {"metadata": {"name": "sample", "uid": "1-2-3"}, "data": {KEY: self.text}}

    async def apply(self, path: str, body: Json) -> Json:
        if self.refusals:
            self.refusals -= 1
            kind = NotFoundError if self.status == 404 else ApiError
            raise kind(f"PATCH {path}", self.status, "No", "not now")
        self.applied[path] = body
        return body

    async def pause(self, seconds: float) -> None:
        self.paused_s += seconds


async def applied(cluster: Cluster, tries: int = 5) -> str:
    return await apply_owned(cluster, "voice", "sample", tries=tries, pause=cluster.pause)


async def test_it_goes_with_the_config_map_and_is_otherwise_what_is_written() -> None:
    cluster = Cluster(yaml.safe_dump(AGENT))
    assert await applied(cluster) == "parcel-desk"
    body = cluster.applied[VOICE_AGENT.path("voice", "parcel-desk")]
    (owner,) = body["metadata"].pop("ownerReferences")
    assert owner == {"apiVersion": "v1", "kind": "ConfigMap", "name": "sample", "uid": "1-2-3"}
    assert body["metadata"].pop("namespace") == "voice"
    assert body == AGENT


@pytest.mark.parametrize(
    "owners",
    [
        [],
        [{"kind": "ConfigMap", "name": "other", "uid": "4"}],
        [{"kind": "Release", "name": "sample", "uid": "5"}],
    ],
)
async def test_a_voice_agent_of_somebody_else_is_left_alone(owners: list[Json]) -> None:
    """It would otherwise be deleted with the ConfigMap."""
    cluster = Cluster(yaml.safe_dump(AGENT))
    cluster.there = {"metadata": {"name": "parcel-desk", "ownerReferences": owners}}
    with pytest.raises(ForeignAgentError) as error:
        await applied(cluster)
    assert cluster.applied == {}
    assert "VoiceAgent voice/parcel-desk exists" in str(error.value)
    assert "ConfigMap sample" in str(error.value)


async def test_its_own_is_applied_again_also_after_a_new_installation() -> None:
    cluster = Cluster(yaml.safe_dump(AGENT))
    before = {"kind": "ConfigMap", "name": "sample", "uid": "of the last one"}
    cluster.there = {"metadata": {"name": "parcel-desk", "ownerReferences": [before]}}
    await applied(cluster)
    assert cluster.applied


async def test_a_resource_that_is_not_served_yet_is_waited_for() -> None:
    cluster = Cluster(yaml.safe_dump(AGENT), refusals=3)
    await applied(cluster)
    assert cluster.applied
    assert cluster.paused_s == 1.5


async def test_it_gives_up_after_its_tries_and_at_once_if_it_may_not() -> None:
    missing = Cluster(yaml.safe_dump(AGENT), refusals=9)
    with pytest.raises(NotFoundError):
        await applied(missing)
    assert missing.refusals == 4
    forbidden = Cluster(yaml.safe_dump(AGENT), refusals=9, status=403)
    with pytest.raises(ApiError, match="403"):
        await applied(forbidden)
    assert forbidden.refusals == 8


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "found kind None; allowed: VoiceAgent"),
        ("a: [", "invalid YAML"),
        ("[1, 2]", "found kind None"),
        (yaml.safe_dump({"kind": "Pod", "metadata": {"name": "p"}}), "found kind Pod"),
        (yaml.safe_dump({"kind": "VoiceAgent"}), "found no metadata.name"),
    ],
)
async def test_anything_else_is_refused_by_name(text: str, words: str) -> None:
    with pytest.raises(NoAgentError) as error:
        await applied(Cluster(text))
    assert f"ConfigMap sample, {KEY}: " in str(error.value)
    assert words in str(error.value)
