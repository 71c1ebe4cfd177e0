"""The rules by name, and rules of the user's own.

Foreign packages are imported when a bank is made, and `resolve` finds out before any work whether
they are there: the extra `peers` has them.
"""

import difflib
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Final, Literal

from interject_lab.rules import aec3, ten, webrtc_voice
from interject_lab.rules.ava import AvaFallbackBank, AvaPipelineBank, AvaTalkDetectBank
from interject_lab.rules.cancellation import AlignedBank, NaiveBank
from interject_lab.rules.energy import EnergyBank
from interject_lab.rules.half_duplex import HalfDuplexBank
from interject_lab.rules.ict import IctBank
from interject_lab.rules.livekit import LiveKitBank
from interject_lab.rules.pipecat import PipecatBank
from media_pod.duplex.bank import Bank
from media_pod.duplex.canceller.webrtc import WebRtcCanceller
from media_pod.duplex.contract import DuplexBank
from media_pod.duplex.decision.default import rule_detector
from media_pod.duplex.decision.detector import SENSITIVITY_BIAS
from media_pod.errors import SetupError

_EXTRA: Final = "peers"
_METHODS: Final = ("open", "close", "step")
_FAULTS: Final = (
    ArithmeticError, AssertionError, AttributeError, ImportError, LookupError, NameError, OSError,
    RuntimeError, SyntaxError, TypeError, ValueError,
)  # fmt: skip
"""What the module and the class of a user may raise."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One way to decide when the caller speaks."""

    name: str
    title: str
    """For tables and headlines."""
    bank: Callable[[int, int], DuplexBank]
    """Called with the number of slots and the rate in Hz."""
    needs: tuple[str, ...] = ()
    """Modules of foreign packages that the bank imports."""
    extra: str | None = None
    """The extra of `interject` that has these packages."""


def _peer(name: str, title: str, bank: Callable[[int, int], DuplexBank], module: str) -> Rule:
    return Rule(name, title, bank, needs=(module,), extra=_EXTRA)


_WEBRTC: Final = partial(Bank, canceller=WebRtcCanceller)


def _with_sensitivity(sensitivity: Literal["low", "high"]) -> Rule:
    bank = partial(Bank, threshold_bias=SENSITIVITY_BIAS[sensitivity])
    return Rule(f"interject-{sensitivity}", f"Interject, sensitivity: {sensitivity}", bank)


RULES: Final[dict[str, Rule]] = {
    rule.name: rule
    for rule in (
        Rule("half-duplex", "Half-duplex: ignores the caller while the bot speaks", HalfDuplexBank),
        Rule(
            "naive", "Naive: WebRTC echo canceller without delay alignment, then Silero", NaiveBank
        ),
        Rule("interject", "Interject: aligned echo canceller, learned judge", Bank),
        _with_sensitivity("low"),
        _with_sensitivity("high"),
        Rule(
            "interject-rule", "Interject with its rule judge", partial(Bank, detector=rule_detector)
        ),
        Rule("interject-webrtc", "Interject with WebRTC's echo canceller", _WEBRTC),
        Rule(
            "interject-webrtc-rule",
            "Interject with WebRTC's echo canceller and its rule judge",
            partial(_WEBRTC, detector=rule_detector),
        ),
        Rule("energy", "Energy gate: -35 dBFS for 100 ms", EnergyBank),
        Rule("aligned", "Aligned WebRTC echo canceller, then Silero", AlignedBank),
        _peer("aec3", "AEC3, then Silero for 0.2 s", aec3.Aec3Bank, aec3.PACKAGE),
        _peer(
            "aec3-aligned",
            "AEC3 aligned to the measured delay, then Silero for 0.2 s",
            aec3.AlignedAec3Bank,
            aec3.PACKAGE,
        ),
        Rule("ava-pipeline", "AVA, pipeline: RMS 300 for 120 ms", AvaPipelineBank),
        _peer(
            "ava-fallback",
            "AVA, provider fallback: RMS 1000 and votes for 250 ms",
            AvaFallbackBank,
            webrtc_voice.PACKAGE,
        ),
        Rule("ava-talk-detect", "AVA with Asterisk's TALK_DETECT", AvaTalkDetectBank),
        _peer("ict", "ICT: WebRTC VAD for 240 ms", IctBank, webrtc_voice.PACKAGE),
        Rule("pipecat", "pipecat's default: Silero and loudness for 0.2 s", PipecatBank),
        Rule("livekit", "LiveKit's VAD mode: 0.5 s of speech after a warm-up of 3 s", LiveKitBank),
        _peer("ten", "TEN VAD for 0.2 s", ten.TenBank, ten.PACKAGE),
    )
}


LISTENING_MODES: Final = {name: RULES[name] for name in ("half-duplex", "naive", "interject")}
"""Those that the demo compares: two baselines of the same parts as other voice agents have, and
Interject. The baselines are no settings of the product."""


def resolve(name: str) -> Rule:
    """The rule of a name in `RULES`, or of a class as `module:Class`, ready to make its bank.

    Raises:
        SetupError: an unknown name, a package that is missing or cannot be loaded, a module that
            cannot be imported, or a class that is no bank.
    """
    if ":" in name:
        return _own(name)
    rule = RULES.get(name)
    if rule is None:
        near = difflib.get_close_matches(name, RULES, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise SetupError(
            f"no rule {name!r}: {hint}give one of {', '.join(RULES)}, or MODULE:CLASS of your own"
        )
    for module in rule.needs:
        if find_spec(module) is None:
            raise SetupError(
                f"rule {name!r} needs the module {module!r}, which is not installed: "
                f"pip install 'interject[{rule.extra}]'"
            )
    if rule.needs:
        _load(rule)
    return rule


def _load(rule: Rule) -> None:
    """Make a small bank: a native library that does not load says so now."""
    try:
        rule.bank(1, 8000)
    except ImportError as error:
        raise SetupError(
            f"rule {rule.name!r}: {error}; reinstall it: pip install 'interject[{rule.extra}]'"
        ) from error


def _own(name: str) -> Rule:
    """The rule of the user's own class, `module:Class`."""
    module_name, _, class_name = name.partition(":")
    try:
        module = importlib.import_module(module_name)
    except _FAULTS as error:
        raise SetupError(
            f"rule {name!r}: cannot import {module_name!r} ({error}); "
            "give MODULE:CLASS with a module on PYTHONPATH"
        ) from error
    found = getattr(module, class_name, None)
    if found is None:
        raise SetupError(
            f"rule {name!r}: {module_name!r} has no {class_name!r}; give MODULE:CLASS of a bank"
        )
    if not isinstance(found, type) or not all(
        callable(getattr(found, method, None)) for method in _METHODS
    ):
        raise SetupError(
            f"rule {name!r}: {class_name!r} is no bank: expected a class with the methods "
            f"{', '.join(_METHODS)} of media_pod.duplex.contract.DuplexBank; add them"
        )
    try:
        bank = found(1, 8000)
        of = (bank.slots, bank.rate)
    except _FAULTS as error:
        raise SetupError(
            f"rule {name!r}: {class_name}(1, 8000), a bank of one slot at 8000 Hz, failed: "
            f"{type(error).__name__}: {error}"
        ) from error
    if of != (1, 8000):
        raise SetupError(
            f"rule {name!r}: {class_name}(1, 8000) has slots and rate {of}, expected (1, 8000)"
        )
    return Rule(name, name, found)
