"""`interject check` of a Realtime server."""

from typing import Literal

import pytest

from call.doubles import SOON
from dialogues.realtime.doubles import server_at
from dialogues.realtime.scripted_realtime import ScriptedRealtime
from media_pod.dialogues.realtime import corrections
from media_pod.dialogues.realtime.check import RealtimeCheck
from media_pod.providers.ports import FailureKind, ProviderError


async def checked(realtime: ScriptedRealtime, key: str | None = None) -> str:
    async with realtime.running() as url:
        part = RealtimeCheck(server_at(url, key=key))
        try:
            await part.start()
            return await part.check()
        finally:
            await part.aclose()


async def test_a_server_that_can_all_of_it() -> None:
    found = await checked(ScriptedRealtime("Hello, this is a test."))
    assert "model 'gpt-x'" in found
    assert "GA names, turn detection off, g711 accepted, 1.0 s of speech" in found
    assert found.endswith("truncation works")


@pytest.mark.parametrize(("truncation", "word"), [("silent", "unanswered"), ("refused", "refused")])
async def test_a_server_that_does_not_truncate(
    truncation: Literal["silent", "refused"], word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corrections, "TRUNCATED_S", SOON)
    found = await checked(ScriptedRealtime("Hello.", truncation=truncation, beta=True))
    assert "beta names" in found
    assert f"truncation {word}: what was heard is told as text" in found


async def test_a_server_that_says_nothing_is_a_problem() -> None:
    with pytest.raises(ProviderError, match="no audio") as raised:
        await checked(ScriptedRealtime(""))
    assert raised.value.kind is FailureKind.BAD_ANSWER
