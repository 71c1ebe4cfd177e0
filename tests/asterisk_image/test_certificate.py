"""The certificate of SIP over TLS: what is wrong with it is told, a new one is read by Asterisk."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from documents import trunk, values

from asterisk_config.certificate import CertificateWatch, check
from asterisk_config.listening_values import Tls
from asterisk_config.places import Places
from media_pod.errors import SetupError
from self_signed import Pair, write_pair

RELOAD = ("-rx", "module reload res_pjsip.so")


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

    def look(self, code: int = 0) -> None:
        """A second later; a reload that is under way has ended with `code` by then."""
        self.watch.ended({len(self.commands): code})
        self._now_s += 1
        self.watch.look(self._now_s)


def other(tmp_path: Path, name: str) -> Pair:
    folder = tmp_path / name
    folder.mkdir()
    return write_pair(folder, name)


def test_asterisk_reads_a_renewed_certificate_once(pair: Pair, tmp_path: Path) -> None:
    world = World(pair, tmp_path)
    world.look()
    assert world.commands == []
    write_pair(tmp_path, "second")
    for _ in range(3):
        world.look()
    assert world.commands == [RELOAD]


def test_an_asterisk_that_did_not_listen_is_told_again(pair: Pair, tmp_path: Path) -> None:
    world = World(pair, tmp_path)
    write_pair(tmp_path, "second")
    for code in (0, 1, 0, 0):
        world.look(code)
    assert world.commands == [RELOAD] * 2


def test_half_a_renewal_is_not_read_and_is_told_once(
    pair: Pair, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(pair, tmp_path)
    renewed = other(tmp_path, "second")
    shutil.copy(renewed.certificate, pair.certificate)
    for _ in range(3):
        world.look()
    assert world.commands == []
    (said,) = [record.message for record in caplog.records if record.levelname == "ERROR"]
    assert said.startswith(f"sip.tls.key: {pair.key} does not fit the certificate in ")
    assert said.endswith("; the certificate before stays")

    shutil.copy(renewed.key, pair.key)
    world.look()
    assert world.commands == [RELOAD]


def test_a_certificate_that_is_taken_away_for_a_while_changes_nothing(
    pair: Pair, tmp_path: Path
) -> None:
    world = World(pair, tmp_path)
    text = pair.certificate.read_bytes()
    pair.certificate.unlink()
    world.look()
    pair.certificate.write_bytes(text)
    world.look()
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
    return "sip.tls.certificate: {certificate} holds no certificate in PEM"


def no_key(pair: Pair) -> str:
    shutil.copy(pair.certificate, pair.key)
    return "sip.tls.key: {key} holds no private key in PEM"


def of_another(pair: Pair) -> str:
    shutil.copy(other(pair.key.parent, "other").key, pair.key)
    return "sip.tls.key: {key} does not fit the certificate in {certificate} (KEY_VALUES_MISMATCH)"


def damaged(pair: Pair) -> str:
    lines = pair.certificate.read_text().splitlines()
    pair.certificate.write_text("\n".join([lines[0], "damaged", lines[-1], ""]))
    return "sip.tls.key: {key} does not fit the certificate in {certificate} ("


def encrypted(pair: Pair) -> str:
    write_pair(pair.key.parent, "first", encrypted=True)
    return "sip.tls.key: {key} has a passphrase, which nobody can give"


@pytest.mark.parametrize(
    "spoil", [gone, unreadable_key, swapped, no_key, of_another, damaged, encrypted]
)
def test_files_that_cannot_be_used_are_named_with_their_key(
    pair: Pair, spoil: Callable[[Pair], str]
) -> None:
    check(values(sip={"tls": pair.values}))
    expected = spoil(pair).format(**pair.values)
    with pytest.raises(SetupError) as caught:
        check(values(sip={"tls": pair.values}))
    assert str(caught.value).startswith(expected)
    assert "\n" not in str(caught.value)


def test_authorities_are_read_if_a_trunk_needs_them(pair: Pair, tmp_path: Path) -> None:
    sip = {"tls": pair.values | {"authorities": str(tmp_path / "missing")}}
    check(values(sip=sip, trunks=[trunk()]))
    with pytest.raises(SetupError, match=r"^sip\.tls\.authorities: .*missing cannot be read"):
        check(values(sip=sip, trunks=[trunk(transport="tls")]))
    check(values())
