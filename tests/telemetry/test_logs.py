"""Log output for collectors: one line of JSON per record, with ids."""

import asyncio
import json
import logging
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.trace import SpanContext

from media_pod.call.work import current_call
from media_pod.errors import SetupError
from media_pod.logs import JsonFormatter, TextFormatter, log_format, pass_lines
from media_pod.telemetry.log_ids import CallIds, with_call_ids

UUID = "6ba7b810-9dad-41d1-80b4-00c04fd430c8"
SPAN = SpanContext(0x6BA7B8109DAD41D180B400C04FD430C8, 0x2A, is_remote=False)


def record(message: Any, *arguments: Any) -> logging.LogRecord:
    made = logging.LogRecord("pod", logging.WARNING, "pod.py", 7, message, arguments, None)
    made.created = 1_700_000_000.25
    return made


def line(made: logging.LogRecord) -> dict[str, Any]:
    text = JsonFormatter().format(made)
    assert text.isascii()
    assert len(text.splitlines()) == 1
    read: dict[str, Any] = json.loads(text)
    return read


def test_a_record_is_one_line() -> None:
    assert line(record("two\nlines, %d %%, \u2028 \ud800", 3)) == {
        "time": "2023-11-14T22:13:20.250Z",
        "level": "WARNING",
        "logger": "pod",
        "message": "two\nlines, 3 %, \u2028 \ud800",
    }


def test_an_exception_is_part_of_the_line() -> None:
    try:
        raise ValueError("no\nsuch thing")
    except ValueError:
        made = record("failed")
        made.exc_info = sys.exc_info()
    assert line(made)["exception"].endswith("ValueError: no\nsuch thing")


def test_attributes_of_other_libraries_are_left_out() -> None:
    made = record("done")
    made.settings, made.call = object(), ""
    assert line(made).keys() == {"time", "level", "logger", "message"}


@given(st.text())
def test_whatever_is_said_is_read_back(text: str) -> None:
    assert line(record("%s", text))["message"] == text


def test_a_line_about_a_call_has_its_ids() -> None:
    ids = CallIds({UUID: SPAN}.get)
    about, of_another, of_none = (
        record("connected from %s", "10.0.0.1"),
        record("who?"),
        record("calls: %s", UUID),
    )
    about.call, of_another.call = UUID, "other"
    for each in (about, of_another, of_none):
        assert ids.filter(each)
    assert line(about) | {"time": ""} == {
        "time": "",
        "level": "WARNING",
        "logger": "pod",
        "message": "connected from 10.0.0.1",
        "call": UUID,
        "trace_id": "6ba7b8109dad41d180b400c04fd430c8",
        "span_id": "000000000000002a",
    }
    assert line(of_another)["call"] == "other"
    assert "trace_id" not in line(of_another)
    assert "call" not in line(of_none)


def test_text_about_a_call_begins_with_its_uuid() -> None:
    formatter = TextFormatter("%(levelname)s %(message)s")
    made = record("connected from %s", "10.0.0.1")
    assert formatter.format(made) == "WARNING connected from 10.0.0.1"
    made.call = UUID
    assert formatter.format(made) == f"WARNING call {UUID}: connected from 10.0.0.1"


async def test_a_line_from_a_calls_own_task_is_about_the_call() -> None:
    made = record("the provider mumbles")

    async def turn() -> None:
        current_call.set(UUID)
        CallIds(lambda uuid: SPAN).filter(made)

    await asyncio.create_task(turn())
    assert line(made)["call"] == UUID
    assert current_call.get() == ""


def test_the_ids_are_there_as_long_as_they_are_wanted() -> None:
    handlers = logging.getLogger().handlers
    before = [list(handler.filters) for handler in handlers]
    with with_call_ids({UUID: SPAN}.get):
        made = record("here")
        made.call = UUID
        assert handlers, "pytest has some"
        for handler in handlers:
            handler.filter(made)
        assert line(made)["call"] == UUID
    assert [list(handler.filters) for handler in handlers] == before


@pytest.mark.parametrize(
    ("environ", "expected"), [({}, "text"), ({"INTERJECT_LOG_FORMAT": ""}, "text"),
                              ({"INTERJECT_LOG_FORMAT": "json"}, "json")]
)  # fmt: skip
def test_the_environment_decides(environ: dict[str, str], expected: str) -> None:
    assert log_format(environ) == expected


def test_a_format_that_does_not_exist_is_named() -> None:
    with pytest.raises(
        SetupError, match="INTERJECT_LOG_FORMAT: found 'yaml'; expected text or json"
    ):
        log_format({"INTERJECT_LOG_FORMAT": "yaml"})


@pytest.mark.parametrize(("form", "first"), [("json", "{"), ("text", "2")])
def test_a_process_logs_to_standard_error(form: str, first: str) -> None:
    program = (
        "import logging\n"
        "from media_pod import logs\n"
        f"logs.set_up(logging.INFO, {{'INTERJECT_LOG_FORMAT': '{form}'}})\n"
        "logging.getLogger('desk').info('ready')\n"
        "logging.getLogger('desk').debug('not this')\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True
    )
    assert run.stdout == ""
    (written,) = run.stderr.splitlines()
    assert written.startswith(first)
    assert "ready" in written


async def test_lines_of_another_process_are_read_however_long_they_are() -> None:
    reader = asyncio.StreamReader()
    for data in (b"first\n", b"x" * 200_000, b"\nlast, ", b"not finished"):
        reader.feed_data(data)
    reader.feed_eof()
    lines: list[str] = []

    await pass_lines(reader, lines.append)

    assert lines[0] == "first"
    assert set("".join(lines[1:-1])) == {"x"}
    assert max(map(len, lines)) == 500
    assert lines[-1] == "last, not finished"
