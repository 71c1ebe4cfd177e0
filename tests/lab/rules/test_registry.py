import sys
from pathlib import Path

import pytest

from interject_lab.rules.registry import LISTENING_MODES, RULES, resolve
from media_pod.errors import SetupError

OWN = """
class Silent:
    def __init__(self, slots, rate):
        self.slots, self.rate = slots, rate
    def open(self, slot, phase=0): ...
    def close(self, slot): ...
    def step(self, caller, played, slipped=None): ...

class Mute:
    pass

class Needs(Silent):
    def __init__(self, slots, rate, model):
        super().__init__(slots, rate)

class Nameless(Silent):
    def __init__(self, slots, rate): ...

class Fixed(Silent):
    def __init__(self, slots, rate):
        super().__init__(slots, 16000)

LIMIT = 3
"""


@pytest.fixture
def own_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "own_rules_of_a_user.py").write_text(OWN)
    (tmp_path / "own_rules_that_fail.py").write_text('raise RuntimeError("no licence")')
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "own_rules_of_a_user", raising=False)
    return "own_rules_of_a_user"


def test_the_demo_compares_two_baselines_with_the_product() -> None:
    assert list(LISTENING_MODES) == ["half-duplex", "naive", "interject"]


def test_names_are_those_of_the_table() -> None:
    assert all(rule.name == name for name, rule in RULES.items())


def test_a_class_of_the_users_own_makes_the_bank(own_module: str) -> None:
    bank = resolve(f"{own_module}:Silent").bank(3, 16000)
    assert (bank.slots, bank.rate) == (3, 16000)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("livekitt", "no rule 'livekitt': did you mean 'livekit'\\? give one of half-duplex, .*"),
        ("zzz", "no rule 'zzz': give one of half-duplex, .* or MODULE:CLASS of your own"),
        ("no_such_module:Bank", "cannot import 'no_such_module' .*PYTHONPATH"),
        (":Bank", "cannot import ''"),
        ("own_rules_of_a_user:Gone", "'own_rules_of_a_user' has no 'Gone'; give MODULE:CLASS"),
        ("own_rules_of_a_user:Mute", "'Mute' is no bank: expected a class .* open, close, step"),
        ("own_rules_of_a_user:LIMIT", "'LIMIT' is no bank"),
        ("own_rules_of_a_user:Needs", r"Needs\(1, 8000\), .*TypeError: .*'model'"),
        ("own_rules_of_a_user:Nameless", r"Nameless\(1, 8000\), .*AttributeError: .*'slots'"),
        ("own_rules_of_a_user:Fixed", r"slots and rate \(1, 16000\), expected \(1, 8000\)"),
        ("own_rules_that_fail:Silent", "cannot import 'own_rules_that_fail' .*no licence"),
    ],
)
def test_a_name_that_leads_nowhere_says_what_would(
    name: str, message: str, own_module: str
) -> None:
    with pytest.raises(SetupError, match=message) as raised:
        resolve(name)
    assert "\n" not in str(raised.value)


def test_a_missing_package_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interject_lab.rules.registry.find_spec", lambda name: None)
    with pytest.raises(SetupError, match=r"'webrtcvad', .*: pip install 'interject\[peers\]'"):
        resolve("ict")


@pytest.mark.usefixtures("foreign_packages")
def test_a_library_that_does_not_load_says_so_before_the_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(hop: int, threshold: float) -> None:
        raise OSError("libc++.so.1: cannot open shared object file")

    monkeypatch.setattr("ten_vad.TenVad", missing)
    with pytest.raises(SetupError, match=r"libc\+\+\.so\.1.*; install the C\+\+ library"):
        resolve("ten")
