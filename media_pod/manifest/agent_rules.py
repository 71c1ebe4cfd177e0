"""Rules that span the parts of a spec: in CEL for the API server, as checks for documents."""

from typing import TYPE_CHECKING, Final

from pydantic_core import PydanticCustomError

from media_pod.manifest.conversation import (
    CALL_VARIABLES,
    MAX_VARIABLE_NAME,
    VARIABLE_PATTERN,
    VARIABLE_WORDS,
)
from media_pod.manifest.dialogue import transfers_used
from media_pod.manifest.operation import AFTER_DRAIN_S
from media_pod.manifest.rules import Rule
from media_pod.manifest.tools import (
    CALL_TOOL_NAMES,
    CALL_TOOLS,
    ONCE_PER_KIND,
    UNIQUE_NAMES,
    places_used,
)

if TYPE_CHECKING:
    from media_pod.manifest.agent import AgentSpec

_ONE_MIND: Final = "exactly one of llm, realtime and dialogue"
_WITH_MODEL: Final = "instructions with llm or realtime, and only then"
_GREETING: Final = "greeting.text with llm or realtime; what a dialogue says first is its own"
_TOOLS: Final = "tools with llm or realtime"
_A_TRANSFER: Final = "the name of a transfer in telephony.transfers"

_BAD_VARIABLE: Final = (
    f"!name.matches('{VARIABLE_PATTERN}') || name.size() > {MAX_VARIABLE_NAME}"
    f" || name in {list(CALL_VARIABLES)}"
)
_GOOD_NAME: Final = (
    f"!(tool.name in {list(CALL_TOOL_NAMES)})"
    " && self.tools.exists_one(other, has(other.name) && other.name == tool.name)"
)
_HAS_PLACE: Final = "self.telephony.transfers.exists(t, t.name == {})"
_TRANSFERS: Final = "telephony.transfers has {self.telephony.transfers.map(t, t.name)}"

_MINDS: Final = (
    "(has(self.llm) ? ['llm'] : []) + (has(self.realtime) ? ['realtime'] : [])"
    " + (has(self.dialogue) ? ['dialogue'] : [])"
)
_HAS_MODEL: Final = "(has(self.llm) || has(self.realtime))"

MIND_RULES: Final = (
    Rule(
        f"({_MINDS}).size() == 1",
        found=f"{{{_MINDS}}}",
        allowed=_ONE_MIND,
    ),
    Rule(
        f"{_HAS_MODEL} == has(self.instructions)",
        found="{has(self.instructions) ? 'instructions without a model'"
        " : 'a model without instructions'}",
        allowed=_WITH_MODEL,
        field=".instructions",
    ),
    Rule(
        f"{_HAS_MODEL} || !has(self.greeting.text)",
        found="greeting.text without a model",
        allowed=_GREETING,
        field=".greeting.text",
        reason="FieldValueForbidden",
    ),
    Rule(
        f"self.variables.all(name, !({_BAD_VARIABLE}))",
        found=f"the name {{self.variables.filter(name, {_BAD_VARIABLE})[0]}}",
        allowed=VARIABLE_WORDS,
        field=".variables",
    ),
)

TOOL_RULES: Final = (
    Rule(
        f"self.tools.size() == 0 || {_HAS_MODEL}",
        found="{self.tools.size()} tools without a model",
        allowed=_TOOLS,
        field=".tools",
        reason="FieldValueForbidden",
    ),
    Rule(
        f"self.tools.all(tool, !has(tool.name) || {_GOOD_NAME})",
        found=f"the name {{self.tools.filter(tool, has(tool.name) && !({_GOOD_NAME}))[0].name}}",
        allowed=UNIQUE_NAMES,
        field=".tools",
    ),
    Rule(
        f"{list(CALL_TOOLS)}.all(kind, self.tools.filter(tool, tool.kind == kind).size() < 2)",
        found=f"kind {{{list(CALL_TOOLS)}.filter(kind,"
        " self.tools.filter(tool, tool.kind == kind).size() > 1)[0]} twice",
        allowed=ONCE_PER_KIND,
        field=".tools",
    ),
    Rule(
        "self.tools.all(tool, !has(tool.places) || tool.places.all(place,"
        f" {_HAS_PLACE.format('place')}))",
        # All of its places: to find the wrong one costs more than the API server allows.
        found="transfers {self.tools.filter(tool, has(tool.places))[0].places} in tools;"
        f" {_TRANSFERS}",
        allowed=_A_TRANSFER,
        field=".tools",
    ),
)

DIALOGUE_RULES: Final = (
    Rule(
        "!has(self.dialogue) || !has(self.dialogue.person)"
        f" || {_HAS_PLACE.format('self.dialogue.person')}",
        found=f"transfer {{self.dialogue.person}} in dialogue; {_TRANSFERS}",
        allowed=_A_TRANSFER,
        field=".dialogue.person",
    ),
    Rule(
        "!has(self.dialogue) || !has(self.dialogue.script)"
        " || self.dialogue.script.all(line, !has(line.transfer)"
        f" || {_HAS_PLACE.format('line.transfer')})",
        found="transfer {self.dialogue.script.filter(line, has(line.transfer)"
        f" && !{_HAS_PLACE.format('line.transfer')})[0].transfer}} in dialogue; {_TRANSFERS}",
        allowed=_A_TRANSFER,
        field=".dialogue.script",
    ),
)

LINE_RULES: Final = (
    # The dialplan of an extension names the audio protocol and the rate. During a rolling update it
    # would be wrong for either the old or the new pods: their new calls, and calls that fail over,
    # would not connect.
    Rule(
        "oldSelf.telephony.extensions.size() == 0"
        " || (self.line.transport == oldSelf.line.transport"
        " && self.line.rateHz == oldSelf.line.rateHz)",
        found="line changed from {oldSelf.line.transport} at {oldSelf.line.rateHz} Hz"
        " to {self.line.transport} at {self.line.rateHz} Hz while the agent has"
        " extensions",
        allowed="the same transport and rateHz while telephony.extensions is not empty; to "
        "change them, remove the extensions, wait until the last call has ended, change the "
        "line and add the extensions again; or create a second VoiceAgent and move the "
        "extensions to it",
        field=".line",
    ),
)

_GRACE: Final = "self.podTemplate.spec.terminationGracePeriodSeconds"

DRAIN_RULES: Final = (
    Rule(
        f"!has({_GRACE}) || {_GRACE} >= self.drain.timeoutSeconds + {AFTER_DRAIN_S}",
        found=f"{_GRACE.removeprefix('self.')} {{{_GRACE}}} with drain.timeoutSeconds "
        "{self.drain.timeoutSeconds}",
        allowed=f"in a cluster drain.timeoutSeconds + {AFTER_DRAIN_S} at least, so that calls and "
        "goodbyes end while their pod drains; omit it, or set drain.timeoutSeconds",
        field=".podTemplate",
    ),
)

SPEC_RULES: Final = (*MIND_RULES, *TOOL_RULES, *DIALOGUE_RULES, *LINE_RULES, *DRAIN_RULES)


def check_mind(spec: "AgentSpec") -> None:
    """Check that `spec` has one model or dialogue, and nothing that only another has.

    Raises:
        PydanticCustomError: it has not.
    """
    minds = [name for name in ("llm", "realtime", "dialogue") if getattr(spec, name) is not None]
    if len(minds) != 1:
        raise _clash(f"[{', '.join(minds)}]", _ONE_MIND)
    model = spec.dialogue is None
    if model != (spec.instructions is not None):
        found = "a model without instructions" if model else "instructions without a model"
        raise _clash(found, _WITH_MODEL)
    if not model and spec.greeting.text is not None:
        raise _clash("greeting.text without a model", _GREETING)
    if not model and spec.tools:
        raise _clash(f"{len(spec.tools)} tools without a model", _TOOLS)


def check_transfers(spec: "AgentSpec") -> None:
    """Check that the transfers which dialogue and tools of `spec` name exist.

    Raises:
        PydanticCustomError: one does not.
    """
    names = [transfer.name for transfer in spec.telephony.transfers]
    used = [(name, "dialogue") for name in transfers_used(spec.dialogue)]
    used += [(name, "tools") for name in places_used(spec.tools)]
    for name, where in used:
        if name not in names:
            there = ", ".join(names) or "it is empty"
            raise _clash(f"transfer {name} in {where}", f"{_A_TRANSFER} ({there})")


def _clash(found: str, allowed: str) -> PydanticCustomError:
    return PydanticCustomError(
        "clash", "found {found}; allowed: {allowed}", {"found": found, "allowed": allowed}
    )
