"""A pod's log as JSON: every line can be read, and those about a call lead to its trace."""

import asyncio
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
import yaml
from pod_on_sockets import LONG, ONE, Asterisk, manifest

from otlp_collector import Collector

PROGRAM = (sys.executable, "-c", "from media_pod.cli import main; main()", "serve")
READY = re.compile(r"AudioSocket on port (\d+), HTTP on port (\d+)")
DEADLINE_S = 40.0


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.close()


async def test_a_line_about_a_call_leads_to_its_trace(tmp_path: Path, collector: Collector) -> None:
    file = tmp_path / "agent.yaml"
    agent = manifest(LONG, telemetry={"otlpEndpoint": collector.url})
    file.write_text(yaml.safe_dump(agent.model_dump(mode="json", exclude_none=True)))
    process = await asyncio.create_subprocess_exec(
        *PROGRAM,
        str(file),
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"INTERJECT_LOG_FORMAT": "json"},
    )
    assert process.stderr is not None
    lines: list[bytes] = []
    async with asyncio.timeout(DEADLINE_S):
        while not (ready := READY.search(b"".join(lines).decode())):
            lines.append(await process.stderr.readline())
            assert lines[-1], lines
        audio, http = map(int, ready.groups())
        url = f"http://127.0.0.1:{http}/api/call-start?uuid={ONE}"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            assert answer.status == 200
        line = await Asterisk.connect(audio, ONE)
        await line.hears_the_bot()
        line.sock.close()
        while b"ended by" not in lines[-1]:
            lines.append(await process.stderr.readline())
        process.terminate()
        _, rest = await process.communicate()

    records = [json.loads(each) for each in (*lines, *rest.splitlines())]
    about = [each for each in records if each.get("call") == str(ONE)]
    assert any("connected from" in each["message"] for each in about)
    assert any("ended by the caller" in each["message"] for each in about)
    call = collector.span("call")
    assert {each["trace_id"] for each in about if "trace_id" in each} == {call.trace_id.hex()}
    assert about[-1]["span_id"] == call.span_id.hex()
