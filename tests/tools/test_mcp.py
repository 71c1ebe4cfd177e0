"""MCP servers as sources of tools, against real ones: results, failures, what comes after."""

import asyncio
import json
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from media_pod.manifest.tools import McpToolSettings
from media_pod.providers.chat import JsonObject
from media_pod.providers.ports import FailureKind, ProviderError
from media_pod.tools.mcp import McpServer
from media_pod.tools.ports import MAX_RESULT_CHARACTERS, ToolResult
from tools.mcp_servers import ON_START, Desk, paged, served

SECRET = "sk-0a1b2c3d4e"
SOON_S = 0.01
"""Pause before a connection is made again."""


@asynccontextmanager
async def connected(
    url: str | None = None, values: dict[str, str] | None = None, **others: Any
) -> AsyncIterator[McpServer]:
    refresh_s = others.pop("refresh_s", 60.0)
    where = {"url": url} if url else {}
    document = {"kind": "mcp", "name": "desk", "timeoutSeconds": 20} | where | others
    settings = McpToolSettings.model_validate(document)
    server = McpServer(settings, values or {}, refresh_s=refresh_s, first_pause_s=SOON_S)
    await server.start()
    try:
        yield server
    finally:
        await server.aclose()


async def call(server: McpServer, name: str, arguments: JsonObject | None = None) -> ToolResult:
    tool = next(tool for tool in server.tools if tool.spec.name == name)
    return await tool.call(arguments or {})


async def back(server: McpServer) -> None:
    """Wait until the server is connected."""
    while True:
        try:
            await server.check()
        except ProviderError:
            await asyncio.sleep(SOON_S)
        else:
            return


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_a_result_is_text_and_names_are_those_that_a_model_takes(desk: Desk) -> None:
    async with served(desk) as url, connected(url, filler="Wait.") as server:
        specs = {tool.spec.name: tool.spec for tool in server.tools}
        assert {"orders_find", "orders_find_2", "fail"} <= specs.keys()
        assert specs["orders_find"].description == "Finds an order."
        assert specs["orders_find"].parameters["required"] == ["order"]
        assert {tool.filler for tool in server.tools} == {"Wait."}
        for name in ("orders_find", "orders_find_2"):
            result = await call(server, name, {"order": "A-1"})
            assert not result.is_error
            assert json.loads(result.text) == {"order": "A-1", "state": "sent"}
        assert (await server.check()).startswith("mcp desk: 9 tools (MCP 2026")


async def test_three_calls_run_at_once(desk: Desk) -> None:
    async with served(desk) as url, connected(url) as server:
        results = await asyncio.gather(*(call(server, "meet", {"number": n}) for n in range(3)))
        assert [result.text for result in results] == ["0", "1", "2"]


async def test_what_a_tool_raises_is_told_to_the_model(desk: Desk) -> None:
    async with served(desk) as url, connected(url) as server:
        result = await call(server, "fail")
        assert result.is_error
        assert "the order desk is closed" in result.text


async def test_arguments_are_checked_before_they_are_sent(desk: Desk) -> None:
    async with served(desk) as url, connected(url) as server:
        before = desk.requests
        result = await call(server, "orders_find", {"order": 1})
        assert result == ToolResult("order: found 1; expected string", True)
        assert desk.requests == before


async def test_parts_that_are_no_text_are_named(desk: Desk) -> None:
    async with served(desk) as url, connected(url) as server:
        result = await call(server, "picture")
        assert result.text == (
            "A map:\n[image, image/png: cannot be spoken]\n[audio, audio/wav: cannot be spoken]"
        )


@pytest.mark.parametrize("legacy", [False, True])
async def test_a_late_result_is_an_error_and_the_session_is_usable_after(
    desk: Desk, legacy: bool
) -> None:
    async with served(desk, legacy=legacy) as url, connected(url, timeoutSeconds=0.5) as server:
        result = await call(server, "hang")
        assert result.is_error
        assert "no result within 0.5 s" in result.text
        await desk.cancelled.wait()
        assert not (await call(server, "orders_find", {"order": "A-1"})).is_error


@pytest.mark.parametrize("legacy", [False, True])
async def test_a_cancelled_call_is_cancelled_at_the_server(desk: Desk, legacy: bool) -> None:
    async with served(desk, legacy=legacy) as url, connected(url) as server:
        task = asyncio.create_task(call(server, "hang"))
        await desk.hanging.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await desk.cancelled.wait()
        assert not (await call(server, "orders_find", {"order": "A-1"})).is_error


@pytest.mark.parametrize("in_events", [False, True])
async def test_a_large_result_is_cut_and_a_huge_one_refused(desk: Desk, in_events: bool) -> None:
    # The server of today answers in JSON whenever it can.
    async with (
        served(desk, legacy=in_events, in_events=in_events) as url,
        connected(url) as server,
    ):
        result = await call(server, "text", {"characters": 200_000})
        assert not result.is_error
        assert len(result.text) == MAX_RESULT_CHARACTERS
        assert "cut: 200000 characters" in result.text
        result = await call(server, "text", {"characters": 3_000_000})
        assert result.is_error
        assert "524288 byte" in result.text
        assert not (await call(server, "orders_find", {"order": "A-1"})).is_error


@pytest.mark.parametrize("legacy", [False, True])
async def test_a_server_that_is_killed_and_started_again_is_used_again(
    desk: Desk, legacy: bool
) -> None:
    async with served(desk, legacy=legacy) as url:
        port = int(url.split(":")[2].partition("/")[0])
        source = connected(url)
        server = await source.__aenter__()
        running = asyncio.create_task(call(server, "hang"))
        await desk.hanging.wait()
    try:
        assert (await running).is_error
        assert (await call(server, "orders_find", {"order": "A-1"})).is_error
        assert server.tools
        async with served(Desk(), port, legacy=legacy):
            while (await call(server, "orders_find", {"order": "A-1"})).is_error:
                await asyncio.sleep(SOON_S)
            await server.aclose()
    finally:
        await source.__aexit__(None, None, None)


async def test_a_session_that_the_server_has_forgotten_is_made_again(desk: Desk) -> None:
    async with served(desk, legacy=True) as url, connected(url) as server:
        assert not (await call(server, "orders_find", {"order": "A-1"})).is_error
        # As behind a load balancer, whose next request reaches a process without the session.
        desk.forgotten = set(desk.sessions)
        assert (await call(server, "orders_find", {"order": "A-1"})).is_error
        while (await call(server, "orders_find", {"order": "A-1"})).is_error:
            await asyncio.sleep(SOON_S)


async def test_a_server_that_comes_later_is_found(desk: Desk, unused_tcp_port: int) -> None:
    async with connected(f"http://127.0.0.1:{unused_tcp_port}/mcp") as server:
        assert not list(server.tools)
        with pytest.raises(ProviderError, match="mcp desk: connection refused") as failed:
            await server.check()
        assert failed.value.kind is FailureKind.UNREACHABLE
        async with served(desk, unused_tcp_port):
            await back(server)
            assert server.tools
            await server.aclose()


async def test_the_key_is_sent_and_a_wrong_one_is_explained(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    secret = [{"name": "Authorization", "valueFrom": {"env": "KEY"}}]
    async with served(desk, key=f"Bearer {SECRET}") as url:
        async with connected(url, {"Authorization": f"Bearer {SECRET}"}, headers=secret) as server:
            assert not (await call(server, "orders_find", {"order": "A-1"})).is_error
        with caplog.at_level(logging.DEBUG, logger="media_pod"):
            wrong = {"Authorization": "Bearer wrong-key"}
            async with connected(url, wrong, headers=secret) as server:
                with pytest.raises(ProviderError, match="HTTP status 401") as failed:
                    await server.check()
        assert failed.value.kind is FailureKind.UNAUTHORIZED
        assert "wrong-key" not in caplog.text + str(failed.value)


async def test_all_pages_are_read_and_a_tool_that_cannot_be_used_is_left_out(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    pages = [["a", "b"], ["c"], ["bad"]]
    async with served(desk, server=paged(pages)) as url, connected(url) as server:
        assert [tool.spec.name for tool in server.tools] == ["a", "b", "c"]
        assert "tool bad left out: parameters.properties.a.type" in caplog.text
        result = await call(server, "a")
        assert result.is_error
        assert "the server answers: " in result.text


async def test_a_list_that_changes_is_read_again(desk: Desk) -> None:
    pages = [["a"]]
    async with served(desk, server=paged(pages)) as url:
        async with connected(url, refresh_s=SOON_S) as server:
            pages[0].append("b")
            while [tool.spec.name for tool in server.tools] != ["a", "b"]:
                await asyncio.sleep(SOON_S)


async def test_only_allowed_tools_are_offered(desk: Desk) -> None:
    async with served(desk) as url:
        async with connected(url, allowedTools=["orders.find", "text"]) as server:
            assert [tool.spec.name for tool in server.tools] == ["orders_find", "text"]
        async with connected(url, allowedTools=["orders_find"]) as server:
            with pytest.raises(ProviderError, match=r"'orders_find'; the server has: .*fail"):
                await server.check()


PROGRAM = [sys.executable, str(Path(__file__).with_name("mcp_servers.py"))]


async def test_a_process_gets_its_environment_and_is_started_again(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THE_POD", "not for others")
    secret = [{"name": "API_KEY", "valueFrom": {"env": "KEY"}}]
    with caplog.at_level(logging.DEBUG, logger="media_pod"):
        async with connected(None, {"API_KEY": SECRET}, headers=secret, command=PROGRAM) as server:
            result = await call(server, "environment")
            assert '"API_KEY": "[secret]"' in result.text
            assert "OF_THE_POD" not in result.text
            assert "cut: 3000000" in (await call(server, "text", {"characters": 3_000_000})).text
            result = await call(server, "stop")
            assert result.is_error
            assert "connection lost" in result.text
            assert (await call(server, "fail")).is_error
            await back(server)
            assert not (await call(server, "orders_find", {"order": "A-1"})).is_error
    assert f"mcp desk: {ON_START} [secret]" in caplog.text
    assert SECRET not in caplog.text


async def test_a_program_that_is_not_there_is_explained() -> None:
    async with connected(None, command=["/no/such/program"]) as server:
        with pytest.raises(ProviderError, match="found no program '/no/such/program'"):
            await server.check()


@pytest.mark.parametrize("end", ["", "\\n"], ids=["unfinished line", "whole line"])
async def test_a_program_that_ends_at_once_is_explained_by_its_last_line(end: str) -> None:
    script = (
        f"import sys; sys.stderr.write('no module named tables, key {SECRET}{end}'); sys.exit(1)"
    )
    secret = [{"name": "API_KEY", "valueFrom": {"env": "KEY"}}]
    command = [sys.executable, "-c", script]
    async with connected(None, {"API_KEY": SECRET}, headers=secret, command=command) as server:
        with pytest.raises(
            ProviderError, match=r"its stderr: no module named tables, key \[secret"
        ):
            await server.check()


async def test_a_server_that_never_answers_does_not_outlive_its_source() -> None:
    asked, left = asyncio.Event(), asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await reader.read()
        writer.close()
        left.set()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as silent:
        url = f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}/mcp"
        settings = McpToolSettings.model_validate({"kind": "mcp", "name": "desk", "url": url})
        server = McpServer(settings, {})
        starting = asyncio.create_task(server.start())
        await asked.wait()
        with pytest.raises(ProviderError, match="not connected yet"):
            await server.check()
        await server.aclose()
        await left.wait()
        starting.cancel()
        await asyncio.wait([starting])
