"""The certificate of SIP over TLS: problems are logged, a renewal is loaded by Asterisk."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from documents import trunk, values

from asterisk_config.certificate import CertificateWatch, check
from asterisk_config.places import Places
from asterisk_config.sip_values import Tls
from media_pod.errors import SetupError
from self_signed import Pair, write_pair

RELOAD = ("-rx", "module reload res_pjsip.so")
MISMATCH = "sip.tls.key: {key} does not match the certificate in {certificate} ("


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return write_pair(tmp_path, "first")


class World:
    """A watch over a pair of files, and the commands that it starts."""

    def __init__(self, pair: Pair, folder: Path) -> None:
        self.commands: list[tuple[str, ...]] = []
        self.watch = CertificateWatch(
            Tls.model_validate(pair.values), Places.unpacked(folder / "tree", folder), self.spawn
        )
        self._now_s = 0.0

    def spawn(self, command: tuple[str, ...]) -> int:
        self.commands.append(command[-2:])
        return len(self.commands)

    def poll(self, code: int = 0) -> None:
        """Poll one second later; a running reload has exited with `code` by then."""
        self.watch.ended({len(self.commands): code})
        self._now_s += 1
        self.watch.poll(self._now_s)


def other(tmp_path: Path, name: str) -> Pair:
    folder = tmp_path / name
    folder.mkdir()
    return write_pair(folder, name)


def test_a_renewed_certificate_is_loaded_once(pair: Pair, tmp_path: Path) -> None:
    world = World(pair, tmp_path)
    world.poll()
    assert world.commands == []
    write_pair(tmp_path, "second")
    for _ in range(3):
        world.poll()
    assert world.commands == [RELOAD]


def test_a_failed_reload_is_retried(pair: Pair, tmp_path: Path) -> None:
    world = World(pair, tmp_path)
    write_pair(tmp_path, "second")
    for code in (0, 1, 0, 0):
        world.poll(code)
    assert world.commands == [RELOAD] * 2


def test_an_incomplete_renewal_is_not_loaded_and_is_logged_once(
    pair: Pair, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(pair, tmp_path)
    renewed = other(tmp_path, "second")
    shutil.copy(renewed.certificate, pair.certificate)
    for _ in range(3):
        world.poll()
    assert world.commands == []
    (said,) = [record.message for record in caplog.records if record.levelname == "ERROR"]
    assert said.startswith(f"sip.tls.key: {pair.key} does not match the certificate in ")
    assert said.endswith("; the previous certificate stays in use")

    shutil.copy(renewed.key, pair.key)
    world.poll()
    assert world.commands == [RELOAD]


def test_a_temporarily_missing_certificate_changes_nothing(pair: Pair, tmp_path: Path) -> None:
    world = World(pair, tmp_path)
    text = pair.certificate.read_bytes()
    pair.certificate.unlink()
    world.poll()
    pair.certificate.write_bytes(text)
    world.poll()
    assert world.commands == []


def gone(pair: Pair) -> str:
    pair.certificate.unlink()
    return "sip.tls.certificate: {certificate} cannot be read (No such file or directory)"


def unreadable_key(pair: Pair) -> str:
    pair.key.unlink()
    pair.key.mkdir()
    return "sip.tls.key: {key} cannot be read (Is a directory)"


def swapped(pair: Pair) -> str:
    shutil.copy(pair.key, pair.certificate)
    return "sip.tls.certificate: {certificate} contains no certificate in PEM format"


def no_key(pair: Pair) -> str:
    shutil.copy(pair.certificate, pair.key)
    return "sip.tls.key: {key} contains no private key in PEM format"


def of_another(pair: Pair) -> str:
    shutil.copy(other(pair.key.parent, "other").key, pair.key)
    return (
        "sip.tls.key: {key} does not match the certificate in {certificate} (KEY_VALUES_MISMATCH)"
    )


def damaged(pair: Pair) -> str:
    lines = pair.certificate.read_text().splitlines()
    pair.certificate.write_text("\n".join([lines[0], "damaged", lines[-1], ""]))
    return MISMATCH


def encrypted(pair: Pair) -> str:
    write_pair(pair.key.parent, "first", encrypted=True)
    return "sip.tls.key: {key} is encrypted with a passphrase; store it without one"


@pytest.mark.parametrize(
    "spoil", [gone, unreadable_key, swapped, no_key, of_another, damaged, encrypted]
)
def test_invalid_files_are_reported_with_their_key(
    pair: Pair, spoil: Callable[[Pair], str]
) -> None:
    check(values(sip={"tls": pair.values}))
    expected = spoil(pair).format(**pair.values)
    with pytest.raises(SetupError) as caught:
        check(values(sip={"tls": pair.values}))
    assert str(caught.value).startswith(expected)
    assert "\n" not in str(caught.value)


def test_ca_certificates_are_read_if_a_trunk_needs_them(pair: Pair, tmp_path: Path) -> None:
    sip = {"tls": pair.values | {"authorities": str(tmp_path / "missing")}}
    check(values(sip=sip, trunks=[trunk()]))
    with pytest.raises(SetupError, match=r"^sip\.tls\.authorities: .*missing cannot be read"):
        check(values(sip=sip, trunks=[trunk(transport="tls")]))
    check(values())
