"""Rules that span fields of a VoiceAgent: for each, a valid and an invalid spec.

Unit tests run them against the models, cluster tests against a real API server.
"""

from voiceagent_conversation_cases import CONVERSATION_CASES
from voiceagent_documents import Case, Json
from voiceagent_kind_cases import KIND_CASES

_HELLO: Json = {"say": "Hello."}
_OPERATOR: Json = {"transfers": [{"name": "operator", "goto": "phones,601,1"}]}
_PUBLISHED: Json = {"telephony": {"extensions": ["100"]}}
_WIDEBAND: Json = {"line": {"transport": "webSocket", "rateHz": 16000}}


def _script(*lines: Json, **more: object) -> Json:
    return {"dialogue": {"kind": "scripted", "script": list(lines), **more}}


def _desk(**more: object) -> Json:
    return {"dialogue": {"kind": "parcelDesk", **more}}


_NAME = "a DNS label: a-z first, a-z, 0-9 and - inside, at most 52 characters"
_TRANSFER = "the name of a transfer in telephony.transfers"
_ONE_ACT = "exactly one of say, play and transfer"
_PORTS = "two different ports"
_GRACE = "terminationGracePeriodSeconds"
_FIXED = "in a cluster a port from 1 to 65535; omit it for the default"
_LINE = (
    "the same transport and rateHz while telephony.extensions is not empty; to change them, remove "
    "the extensions, wait until the last call has ended, change the line and add the extensions "
    "again; or create a second VoiceAgent and move the extensions to it"
)

CASES = (
    Case("", _NAME, {}, {}, "a" * 53, "metadata.name", names=("a" * 52, "a" * 53)),
    Case("", _NAME, {}, {}, "3-desk", "metadata.name", names=("desk-3", "3-desk")),
    Case("", _NAME, {}, {}, "desk.example", "metadata.name", names=("desk", "desk.example")),
    Case(
        "spec",
        _TRANSFER,
        good=_desk(person="operator") | {"telephony": _OPERATOR},
        bad=_desk(person="boss") | {"telephony": _OPERATOR},
        found='transfer boss in dialogue; telephony.transfers has ["operator"]',
        field="spec.dialogue.person",
    ),
    Case(
        "spec",
        _TRANSFER,
        good=_script(_HELLO, {"transfer": "operator"}) | {"telephony": _OPERATOR},
        bad=_script(_HELLO, {"transfer": "operator"}, {"transfer": "boss"})
        | {"telephony": _OPERATOR},
        found='transfer boss in dialogue; telephony.transfers has ["operator"]',
        field="spec.dialogue.script",
    ),
    Case(
        "spec",
        _LINE,
        before=({}, _PUBLISHED),
        good=_WIDEBAND | _PUBLISHED,
        bad=_WIDEBAND,
        laptop=False,
        found="line changed from audioSocket at 8000 Hz to webSocket at 16000 Hz while the agent "
        "has extensions",
        field="spec.line",
    ),
    Case(
        "spec",
        _LINE,
        before=(_PUBLISHED, _PUBLISHED),
        good=_PUBLISHED | {"line": {"maxEchoDelayMs": 500}},
        bad=_PUBLISHED | {"line": {"rateHz": 16000}},
        laptop=False,
        found="line changed from audioSocket at 8000 Hz to audioSocket at 16000 Hz while the agent "
        "has extensions",
        field="spec.line",
    ),
    *CONVERSATION_CASES,
    *KIND_CASES,
    *(
        Case(
            "spec",
            "in a cluster drain.timeoutSeconds + 30 at least, so that calls and goodbyes end while "
            "their pod drains; omit it, or set drain.timeoutSeconds",
            good={"podTemplate": {"spec": {_GRACE: drain_s + 30}}, **drain},
            bad={"podTemplate": {"spec": {_GRACE: drain_s + 29}}, **drain},
            laptop=False,
            found=f"podTemplate.spec.terminationGracePeriodSeconds {drain_s + 29} with "
            f"drain.timeoutSeconds {drain_s}",
            field="spec.podTemplate",
        )
        for drain_s, drain in ((900, {}), (0, {"drain": {"timeoutSeconds": 0}}))
    ),
    *(
        Case(
            "spec.dialogue.script[]",
            _ONE_ACT,
            good=_script(_HELLO, {"play": "/srv/a.wav"}, {"transfer": "operator", "pauseMs": 0})
            | {"telephony": _OPERATOR},
            bad=_script(_HELLO, line) | {"telephony": _OPERATOR},
            found=found,
            field="spec.dialogue.script[1]",
        )
        for line, found in (
            ({"pauseMs": 100}, "none"),
            ({"say": "a", "play": "b"}, "say and play"),
            ({"say": "a", "transfer": "operator"}, "say and transfer"),
            ({"play": "a", "transfer": "operator"}, "play and transfer"),
            ({"say": "a", "play": "b", "transfer": "operator"}, "say and play and transfer"),
        )
    ),
    *(
        Case(
            "spec.server",
            _PORTS,
            good={"server": {name: 1651}},
            bad={"server": {name: 1650}},
            found=f"1650 as both {name} and httpPort",
            field="spec.server.httpPort",
        )
        for name in ("audioSocketPort", "webSocketPort")
    ),
    *(
        Case(
            "spec.server",
            _FIXED,
            good={"server": {name: 65535}},
            bad={"server": {name: 0}},
            laptop=False,
            found=f"0 as {name}",
            field="spec.server",
        )
        for name in ("httpPort", "audioSocketPort", "webSocketPort")
    ),
    Case(
        "spec.server",
        "in a cluster none, because each pod advertises its own address; omit it",
        good={"server": {"advertiseHost": ""}},
        bad={"server": {"advertiseHost": "192.0.2.7"}},
        laptop=False,
        found="advertiseHost 192.0.2.7",
        field="spec.server.advertiseHost",
    ),
    Case(
        "spec.server",
        "in a cluster none, because the operator lists the agent's pods; omit it",
        good={"server": {"peers": []}},
        bad={"server": {"peers": ["pod-2:1650", "pod-3:1650"]}},
        laptop=False,
        found="2 peers",
        field="spec.server.peers",
    ),
    Case(
        "spec.turn.digits",
        "least at most most",
        good={"turn": {"digits": {"least": 4, "most": 4}}},
        bad={"turn": {"digits": {"least": 5, "most": 4}}},
        found="least 5 and most 4",
        field="spec.turn.digits.least",
    ),
    Case(
        "spec.autoscaling",
        "minReplicas at most maxReplicas",
        good={"autoscaling": {"minReplicas": 10}},
        bad={"autoscaling": {"minReplicas": 11}},
        found="minReplicas 11 and maxReplicas 10",
        field="spec.autoscaling.minReplicas",
    ),
    Case(
        "spec.autoscaling",
        "metricSource keda with a prometheusUrl",
        good={
            "autoscaling": {"metricSource": "keda", "prometheusUrl": "http://prometheus.test:9090"}
        },
        bad={"autoscaling": {"metricSource": "keda"}},
        found="metricSource keda without prometheusUrl",
        field="spec.autoscaling.prometheusUrl",
    ),
)
