"""modules.conf: a module is loaded if and only if a value needs it."""

import re
from typing import Any

import pytest
from asterisk_parser import section
from documents import account, phone, trunk, values

from asterisk_config.dialplan import extensions
from asterisk_config.modules import all_modules, files


def modules(**document: Any) -> set[str]:
    found = section(files(values(**document))["modules.conf"], "modules")
    assert found["autoload"] == "no"
    required = found.all("require")
    assert len(required) == len(set(required))
    return {name.removesuffix(".so") for name in required}


BUILT_IN = {"Answer", "GotoIf", "Goto", "Hangup", "NoOp", "Set", "Wait"}
MODULE_OF = {
    "AudioSocket": "app_audiosocket",
    "Dial": "app_dial",
    "ExecIf": "app_exec",
    "Gosub": "app_stack",
    "Log": "app_verbose",
    "Playback": "app_playback",
    "Queue": "app_queue",
    "Return": "app_stack",
    "StackPop": "app_stack",
    "System": "app_system",
    "TryExec": "app_exec",
}
"""Of each application in a dialplan."""

TLS = {"tls": {"certificate": "/tls.crt", "key": "/tls.key"}}


def agent(**more: Any) -> dict[str, Any]:
    return {"agents": [{"name": "desk", **more}]}


@pytest.mark.parametrize(
    ("module", "without", "with_it"),
    [
        ("chan_websocket", agent(), agent(transport="webSocket")),
        ("res_websocket_client", agent(), agent(transport="webSocket")),
        ("chan_audiosocket", agent(), agent(rateHz=16000)),
        ("app_audiosocket", agent(rateHz=16000), agent()),
        ("app_audiosocket", agent(transport="webSocket"), agent(dialplan="seed")),
        ("app_system", agent(), agent(dialplan="seed")),
        ("func_curl", agent(dialplan="seed"), agent()),
        ("func_jitterbuffer", agent(), agent(jitterBuffer="fixed")),
        ("app_playback", agent(), agent(fallback={"kind": "message", "sound": "vm-goodbye"})),
        ("app_playback", {}, {"fallback": {"kind": "message", "sound": "vm-goodbye"}}),
        (
            "app_queue",
            {"phones": [phone()]},
            {"phones": [phone()], "queues": [{"name": "sales", "members": ["601"]}]},
        ),
        ("codec_g722", {"codecs": ["ulaw"]}, {"codecs": ["ulaw", "g722"]}),
        (
            "codec_g722",
            {"codecs": ["ulaw"]},
            {"codecs": ["ulaw"], "trunks": [trunk(codecs=["g722"])]},
        ),
        ("codec_resample", {"codecs": ["ulaw"]}, {"codecs": ["ulaw"], **agent(rateHz=16000)}),
        ("codec_resample", {"codecs": ["ulaw"]}, {"codecs": ["g722"]}),
        ("res_prometheus", {}, {"metricsPort": 9100}),
        (
            "res_srtp",
            {"sip": TLS, "phones": [phone(transport="tls")]},
            {"sip": TLS, "phones": [phone(transport="tls", encryption="sdes")]},
        ),
        ("res_srtp", {}, {"sip": TLS, "trunks": [trunk(transport="tls", encryption="sdes")]}),
        ("res_pjsip_registrar", {}, {"phones": [phone()]}),
        ("res_pjsip_outbound_authenticator_digest", {"trunks": [trunk()]}, {"trunks": [account()]}),
        (
            "res_pjsip_outbound_registration",
            {"trunks": [account()]},
            {"trunks": [account(register=True)]},
        ),
        ("res_pjsip_outbound_registration", {}, {"metricsPort": 9100}),
        ("res_pjsip_endpoint_identifier_anonymous", {}, {"sip": {"anonymous": True}}),
        *(
            (module, {"codecs": ["ulaw"]}, {"codecs": ["ulaw"], "published": True, "agents": []})
            for module in ("chan_audiosocket", "chan_websocket", "app_playback", "codec_resample")
        ),
    ],
)
def test_a_module_is_loaded_if_and_only_if_it_is_needed(
    module: str, without: dict[str, Any], with_it: dict[str, Any]
) -> None:
    assert module not in modules(**without)
    assert module in modules(**with_it)


@pytest.mark.parametrize(
    "document",
    [
        agent(),
        agent(rateHz=16000),
        agent(transport="webSocket"),
        agent(dialplan="seed"),
        agent(fallback={"kind": "message", "sound": "vm-goodbye"}),
        {"phones": [phone()], "queues": [{"name": "sales", "members": ["601"]}]},
    ],
)
def test_each_application_of_the_dialplan_has_its_module(document: dict[str, Any]) -> None:
    text = extensions(values(**document))
    used = set(re.findall(r"^[^;\n]*?,([A-Z][A-Za-z]+)\(", text, re.MULTILINE))
    used |= set(re.findall(r"(?:TryExec\(|\?)([A-Z][A-Za-z]+)\(", text))
    assert "Answer" in used
    assert {MODULE_OF[each] for each in used - BUILT_IN} <= modules(**document)


def test_all_modules_are_those_that_some_values_need() -> None:
    secret = {"transport": "tls", "encryption": "sdes"}
    most = modules(
        published=True,
        agents=[{"name": "desk", "dialplan": "seed"}],
        phones=[phone(**secret)],
        queues=[{"name": "sales", "members": ["601"]}],
        trunks=[account(register=True)],
        sip={**TLS, "anonymous": True},
        metricsPort=9100,
    )
    assert most == all_modules()


def test_published_agents_have_all_modules_of_configured_agents() -> None:
    kinds = ({"transport": "webSocket"}, {"rateHz": 16000}, {"jitterBuffer": "adaptive"})
    sounds = {"kind": "message", "sound": "vm-goodbye"}
    needed = {
        name
        for kind in kinds
        for name in modules(**agent(**kind, fallback=sounds), codecs=["ulaw"])
    }
    assert needed <= modules(agents=[], published=True, codecs=["ulaw"])
