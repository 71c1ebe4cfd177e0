"""No valid text changes the structure of a file: its sections and their keys."""

import re
from typing import Any

import pytest
from asterisk_parser import parse
from documents import phone, values
from hypothesis import assume, example, given
from hypothesis import strategies as st

from asterisk_config.places import Places
from asterisk_config.render import render, snippet
from asterisk_config.values import load_values
from media_pod.manifest.validation import SpecError

PLACES = Places.installed()
HOSTILE = st.text(st.sampled_from("aZ09_-.,:;+*#/\\[](){}$&|!?=<>\"'%@~` \t\r\n\x00é"), min_size=1)
TEXTS = st.one_of(HOSTILE, st.from_regex(re.compile(r"[!-~]{1,12}", re.ASCII), fullmatch=True))

PLAIN = {
    "agent": "desk",
    "extension": "100",
    "api": "10.0.0.5:1650",
    "transfers": "interject-agents,900,1",
    "sound": "vm-goodbye",
    "phone": "bob",
    "number": "601",
    "password": "secret",
    "queue": "sales",
    "trunk": "acme",
    "host": "sip.example.com",
    "user": "me",
    "match": "192.0.2.0/24",
    "address": "198.51.100.7",
    "network": "10.0.0.0/8",
}
"""One text for each kind that the models know."""


def document(texts: dict[str, str]) -> dict[str, Any]:
    secret = {"value": texts["password"]}
    return {
        "api": [texts["api"]],
        "agents": [
            {
                "name": texts["agent"],
                "extensions": [texts["extension"]],
                "transfers": [texts["transfers"]],
                "fallback": {"kind": "message", "sound": texts["sound"]},
            },
            {"name": "web", "extensions": ["900"], "transport": "webSocket"},
            {"name": "old", "dialplan": "seed"},
        ],
        "phones": [{"name": texts["phone"], "extension": texts["number"], "password": secret}],
        "queues": [{"name": texts["queue"], "members": [texts["phone"]]}],
        "trunks": [
            {
                "name": texts["trunk"],
                "host": texts["host"],
                "user": texts["user"],
                "password": secret,
                "match": [texts["match"]],
                "register": True,
                "agent": texts["agent"],
            }
        ],
        "sip": {"externalAddress": texts["address"], "localNetworks": [texts["network"]]},
        "fallback": {"kind": "queue", "queue": texts["queue"]},
    }


def shape(texts: dict[str, str]) -> dict[str, list[list[str]]]:
    """Sections of every rendered file, as lists of keys."""
    taken = load_values(document(texts), "test")
    files = {**render(taken, PLACES), "snippet": snippet(taken)}
    return {
        name: [[key for key, _ in section.lines] for section in parse(text)]
        for name, text in files.items()
    }


PLAIN_SHAPE = shape(PLAIN)


@given(st.sampled_from(sorted(PLAIN)), TEXTS)
@example("password", ";")
@example("password", "a;--")
@example("password", "\\;")
@example("password", "[global]")
@example("password", "#include")
@example("extension", "_[0-9]X.")
def test_no_accepted_text_changes_the_shape_of_a_file(kind: str, text: str) -> None:
    try:
        found = shape(PLAIN | {kind: text})
    except SpecError:
        assume(False)
    assert found == PLAIN_SHAPE


@given(st.sampled_from(sorted(set(PLAIN) - {"password"})), HOSTILE)
def test_dialplan_syntax_is_rejected(kind: str, text: str) -> None:
    """Except for passwords, which are only in pjsip.conf, no value contains these characters."""
    pattern = text.startswith("_") and kind == "extension"
    if not re.search(r"[;(){}$&|?=<>\"'%`\s\\]" if pattern else r"[][;(){}$&|?=<>\"'%`\s\\]", text):
        return
    with pytest.raises(SpecError):
        load_values(document(PLAIN | {kind: text}), "test")


@given(TEXTS)
def test_a_password_reaches_asterisk_unchanged(password: str) -> None:
    try:
        taken = values(phones=[phone(password={"value": password})])
    except SpecError:
        assume(False)
    auth = next(
        section
        for section in parse(render(taken, PLACES)["pjsip.conf"])
        if ("type", "auth") in section.lines
    )
    assert auth["password"] == password
