"""Which trace a call belongs to: what a dialplan says, what a UUID says, and what says nothing."""

import uuid

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from media_pod.dialogues.ports import CallInfo
from media_pod.telemetry.trace_context import TraceContext, context_of, parse

UUID = "6ba7b810-9dad-41d1-80b4-00c04fd430c8"
OF_THE_UUID = TraceContext(0x6BA7B8109DAD41D180B400C04FD430C8, 0x80B400C04FD430C8)
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TOLD = f"00-{TRACE_ID}-00f067aa0ba902b7-01"


def test_without_a_traceparent_the_trace_is_the_calls_uuid() -> None:
    assert context_of(CallInfo(UUID)) == OF_THE_UUID
    assert OF_THE_UUID.parent is None


def test_the_dialplans_own_traceparent_says_what_the_uuid_says() -> None:
    """As failover.conf makes it; so it does not matter which of a call's pods got it."""
    digits = UUID.replace("-", "")
    made = f"00-{digits}-{digits[16:]}-01"
    assert context_of(CallInfo(UUID, traceparent=made)) == OF_THE_UUID


def test_a_trace_that_began_elsewhere_goes_on_below_its_span() -> None:
    context = context_of(CallInfo(UUID, traceparent=TOLD))
    assert context.trace_id == int(TRACE_ID, 16)
    assert context.parent is not None
    assert context.parent.span_id == 0x00F067AA0BA902B7
    assert context.parent.is_remote


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00",
        f"00-{TRACE_ID}-00f067aa0ba902b7",
        f"00-{TRACE_ID}-00f067aa0ba902b7-1",
        f"00-{TRACE_ID}-00f067aa0ba902b7-01-more",
        f"00-{TRACE_ID.upper()}-00f067aa0ba902b7-01",
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-{TRACE_ID}-{'0' * 16}-01",
        f"ff-{TRACE_ID}-00f067aa0ba902b7-01",
        f"0x-{TRACE_ID}-00f067aa0ba902b7-01",
        f"00-{TRACE_ID}-00f067aa0ba902b7-01,{TOLD}",
        f"00_{TRACE_ID}_00f067aa0ba902b7_01",
        f"00-{TRACE_ID[:-1]}\x00-00f067aa0ba902b7-01",
        "00-" + "٤" * 32 + "-00f067aa0ba902b7-01",
        "0" * 10_000,
    ],
)
def test_what_is_none_begins_the_trace_anew(text: str) -> None:
    assert parse(text) is None
    assert context_of(CallInfo(UUID, traceparent=text)) == OF_THE_UUID


def test_a_later_version_is_read_as_far_as_it_is_known() -> None:
    assert parse(f"cc-{TRACE_ID}-00f067aa0ba902b7-01-what-the-future-brings") == parse(TOLD)


@given(st.text(max_size=80) | st.from_regex(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}"))
@example(TOLD)
def test_whatever_is_said_the_ids_are_valid(text: str) -> None:
    context = context_of(CallInfo(UUID, traceparent=text))
    assert 0 < context.trace_id < 1 << 128
    assert 0 < context.parent_id < 1 << 64
    for leg in (context.leg(0), context.leg(1)):
        assert leg.is_valid
        assert leg.trace_id == context.trace_id


@given(st.integers(1, (1 << 128) - 1), st.integers(1, (1 << 64) - 1), st.integers(0, 255))
def test_what_is_written_is_read(trace_id: int, parent_id: int, flags: int) -> None:
    text = f"00-{trace_id:032x}-{parent_id:016x}-{flags:02x}"
    assert parse(text) == TraceContext(trace_id, parent_id)


@given(st.uuids(version=4), st.integers(0, 1000))
def test_two_pods_agree_on_a_legs_span_and_no_other_leg_has_it(each: uuid.UUID, leg: int) -> None:
    one, other = context_of(CallInfo(str(each))), context_of(CallInfo(str(each)))
    assert one.leg(leg) == other.leg(leg)
    assert one.leg(leg).span_id != one.leg(leg + 1).span_id
    assert one.parent is None


@pytest.mark.parametrize("odd", ["", "call-1", "00000000-0000-0000-0000-000000000000"])
def test_a_uuid_that_makes_no_ids_is_no_fault(odd: str) -> None:
    assert context_of(CallInfo(odd)).leg(0).is_valid
