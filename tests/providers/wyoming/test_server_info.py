"""What a server says about itself."""

import pytest

from media_pod.providers.ports import FailureKind, ProviderError
from media_pod.providers.wyoming.connection import WyomingConnection
from media_pod.providers.wyoming.server_info import Offer, ServerInfo, describe
from providers.wyoming.faulty_server import FaultyServer, Peer

INFO = ServerInfo(
    ("piper",),
    (
        Offer("en_US-joe-medium", ("en_US",)),
        Offer("pt_BR-faber-medium", ("pt_BR",)),
        Offer("pt_PT-tugão-medium", ("pt_PT", "pt")),
    ),
)


@pytest.mark.parametrize(
    ("wanted", "name", "found"),
    [
        ("en", None, "en_US"),
        ("en-US", None, "en_US"),
        ("EN-gb", None, "en_US"),
        ("pt-PT", None, "pt_PT"),
        ("pt-AO", None, "pt"),
        ("pt", "pt_BR-faber-medium", "pt_BR"),
        ("de", None, None),
        ("en", "pt_BR-faber-medium", None),
    ],
)
def test_languages_are_written_as_the_server_writes_them(
    wanted: str, name: str | None, found: str | None
) -> None:
    assert INFO.language(wanted, name) == found


def test_an_unknown_voice_is_refused_with_the_nearest_names() -> None:
    INFO.require("server", "voice", None)
    INFO.require("server", "voice", "en_US-joe-medium")
    with pytest.raises(
        ProviderError, match=r"no voice 'joe-medium'; nearest of 3: en_US-joe-"
    ) as c:
        INFO.require("server", "voice", "joe-medium")
    assert c.value.kind is FailureKind.NOT_FOUND


def test_a_server_of_another_sort_is_refused() -> None:
    with pytest.raises(ProviderError, match="describes itself, and has no voice"):
        ServerInfo((), ()).require("server", "voice", None)


@pytest.mark.parametrize(
    ("programs", "expected"),
    [
        (None, ServerInfo((), ())),
        ("x", ServerInfo((), ())),
        ([5, {"name": "a"}], ServerInfo(("a",), ())),
        (
            [{"name": "a", "models": [{"name": "m", "languages": 7}, None]}],
            ServerInfo(("a",), (Offer("m", ()),)),
        ),
    ],
)
async def test_a_strange_description_is_no_failure(programs: object, expected: ServerInfo) -> None:
    async def script(peer: Peer) -> None:
        await peer.read()
        await peer.write("info", asr=programs)

    async with FaultyServer(script).running() as server:
        connection = await WyomingConnection.open(server.address, 10)
        assert await describe(connection, "asr", 10) == expected
        await connection.aclose()
