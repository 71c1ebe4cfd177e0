"""Where a dialplan is written, and where not, on a cluster in memory."""

from collections.abc import Iterable

import pytest
from memory_cluster import MemoryApi, MemoryCluster
from voice_agents import agent

from voiceagent_operator.agents import names
from voiceagent_operator.agents.agent import Agent, Key
from voiceagent_operator.agents.directory import Directory
from voiceagent_operator.kube.kinds import CONFIG_MAP, POD, Json
from voiceagent_operator.reconcile.dialplan import FILE, DialplanPublisher

NAME = names.dialplan_name("asterisk")
THEIRS = {"theirs.conf": "[theirs]"}


class Rig:
    """A publisher of one agent's extension, for Asterisks in the namespace `calls`."""

    def __init__(self) -> None:
        self.cluster = MemoryCluster()
        self.agent: Agent = agent(telephony={"extensions": ["100"]})
        self.changed: list[Key] = []
        directory = Directory()
        directory.put(self.agent)
        api = MemoryApi(self.cluster)
        self.publisher = DialplanPublisher(api, directory, None, ("calls",), self._note)

    def _note(self, keys: Iterable[Key]) -> None:
        self.changed += keys

    def asterisk(self, namespace: str = "calls") -> None:
        """A pod that calls itself an Asterisk."""
        body = POD.head(namespace, "asterisk-0")
        body["metadata"]["labels"] = {names.ASTERISK: "asterisk"}
        self.cluster.create(POD, body | {"spec": {}, "status": {}})

    def config_map(self, data: dict[str, str], name: str = NAME, **labels: str) -> None:
        body: Json = CONFIG_MAP.head("calls", name) | {"data": data}
        body["metadata"]["labels"] = labels
        self.cluster.create(CONFIG_MAP, body)

    def data(self, namespace: str = "calls") -> dict[str, str] | None:
        found = self.cluster.find(CONFIG_MAP, namespace, NAME)
        return None if found is None else found["data"]

    async def publish(self) -> None:
        await self.publisher.publish("asterisk")


@pytest.fixture
def rig() -> Rig:
    return Rig()


async def test_a_config_map_of_somebody_else_is_left_alone_and_named(rig: Rig) -> None:
    rig.asterisk()
    rig.config_map(THEIRS)
    await rig.publish()
    assert rig.data() == THEIRS
    state = rig.publisher.publication(rig.agent)
    assert (state.published, state.name_taken) == ((), ("calls",))
    assert rig.changed == [rig.agent.key]

    rig.cluster.delete(CONFIG_MAP, "calls", NAME)
    await rig.publish()
    assert "exten => 100,1," in (rig.data() or {})[FILE]
    state = rig.publisher.publication(rig.agent)
    assert (state.published, state.name_taken) == (("100",), ())


async def test_our_own_is_ours_also_if_somebody_took_its_labels(rig: Rig) -> None:
    rig.asterisk()
    await rig.publish()
    labels = dict.fromkeys(names.dialplan_labels("asterisk"))
    rig.cluster.edit(
        CONFIG_MAP, "calls", NAME, {"data": {FILE: ""}, "metadata": {"labels": labels}}
    )
    await rig.publish()
    assert "exten => 100,1," in (rig.data() or {})[FILE]
    found = rig.cluster.get(CONFIG_MAP, "calls", NAME)
    assert found["metadata"]["labels"] == names.dialplan_labels("asterisk")


async def test_a_copy_under_another_name_is_not_taken_for_the_dialplan(rig: Rig) -> None:
    rig.asterisk()
    await rig.publish()
    published = rig.data()
    assert published is not None
    rig.cluster.delete(CONFIG_MAP, "calls", NAME)
    rig.config_map(published, "copy", **names.dialplan_labels("asterisk"))
    await rig.publish()
    assert rig.data() == published


async def test_only_pods_in_the_namespaces_of_asterisks_get_the_dialplan(rig: Rig) -> None:
    rig.asterisk("mallory")
    await rig.publish()
    assert rig.data("mallory") is None
    assert "annotations" not in rig.cluster.get(POD, "mallory", "asterisk-0")["metadata"]
    state = rig.publisher.publication(rig.agent)
    assert not state.asterisk_found
    assert state.asterisk_elsewhere == ("mallory",)

    rig.asterisk()
    await rig.publish()
    assert rig.data() is not None
    assert rig.data("mallory") is None
    assert rig.publisher.publication(rig.agent).published == ("100",)


async def test_a_dialplan_in_a_namespace_that_is_none_of_asterisks_any_more_goes(rig: Rig) -> None:
    rig.asterisk("mallory")
    body = CONFIG_MAP.head("mallory", NAME) | {"data": {FILE: "[old]"}}
    body["metadata"]["labels"] = names.dialplan_labels("asterisk")
    rig.cluster.create(CONFIG_MAP, body)
    await rig.publish()
    assert rig.data("mallory") is None
