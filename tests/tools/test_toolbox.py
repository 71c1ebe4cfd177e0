"""Names of tools: as models take them, unique, with the way back."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_pod.providers.chat import JsonObject, ToolSpec
from media_pod.tools.names import model_names, prefixed
from media_pod.tools.ports import Tool, ToolResult, shortened
from media_pod.tools.toolbox import Toolbox

NAMES = st.lists(st.text("aZ0_-./ é", max_size=70), max_size=20)


@dataclass
class OwnedTool:
    """A tool that answers with whose it is."""

    spec: ToolSpec
    owner: str
    filler: str = "Wait."

    async def call(self, arguments: JsonObject) -> ToolResult:
        return ToolResult(self.owner)


class NamedSource:
    """A source of tools with these names."""

    def __init__(self, name: str, *names: str) -> None:
        self.name = name
        self.tools: Sequence[Tool] = [OwnedTool(ToolSpec(each, "", {}), name) for each in names]
        self.states: list[str] = []

    async def start(self) -> None:
        self.states.append("started")

    async def check(self) -> str:
        return f"{self.name} works"

    async def aclose(self) -> None:
        self.states.append("closed")


@given(NAMES)
def test_every_name_becomes_one_that_a_model_takes_and_leads_back(names: list[str]) -> None:
    mapped = model_names(names)
    assert list(mapped.values()) == list(dict.fromkeys(names))
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in mapped)
    for name, original in mapped.items():
        if re.fullmatch(r"[a-zA-Z0-9-]{1,64}", original) and original != "tool":
            assert name == original


@given(st.text(max_size=100), NAMES)
def test_a_prefixed_name_is_new(name: str, taken: list[str]) -> None:
    made = prefixed("crm", name, taken)
    assert made not in taken
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", made)


async def test_names_that_clash_get_the_name_of_their_server() -> None:
    own = NamedSource("http", "search", "crm_find")
    crm, wiki = NamedSource("crm", "search", "find"), NamedSource("wiki", "find", "read")
    toolbox = Toolbox(own, [crm, wiki])
    owners = {tool.spec.name: (await tool.call({})).text for tool in toolbox.tools}
    assert owners == {
        "search": "http",
        "crm_find": "http",
        "crm_search": "crm",
        "crm_find_2": "crm",
        "wiki_find": "wiki",
        "read": "wiki",
    }
    assert {tool.filler for tool in toolbox.tools} == {"Wait."}
    wiki.tools = []
    assert "find" in [tool.spec.name for tool in toolbox.tools]


async def test_all_sources_are_started_checked_and_closed() -> None:
    sources = [NamedSource("http"), NamedSource("crm")]
    toolbox = Toolbox(sources[0], sources[1:])
    await toolbox.start()
    assert await toolbox.check() == "http works\ncrm works"
    await toolbox.aclose()
    assert [source.states for source in sources] == [["started", "closed"]] * 2


@pytest.mark.parametrize("length", [0, 3999, 4000, 4001, 1_000_000])
def test_a_result_is_bounded_and_says_so(length: int) -> None:
    text = ToolResult("x" * length).text
    assert len(text) == min(length, 4000)
    assert ("cut" in text) == (length > 4000)
    assert str(length) in text or length <= 4000


@given(st.text(), st.integers(100, 200))
def test_a_shortened_text_begins_as_the_whole(text: str, limit: int) -> None:
    short = shortened(text * 20, limit)
    assert len(short) <= limit
    assert (text * 20).startswith(short.rpartition(" [cut: ")[0] if "[cut: " in short else short)
