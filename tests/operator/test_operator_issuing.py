"""The operator's own serving certificates: who believes them, for how long, and when one is due."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError
from handshakes import why_refused
from hypothesis import given, settings
from hypothesis import strategies as st

from voiceagent_operator.metrics_api.issuing import (
    CHANGEOVER,
    CLOCKS_DIFFER_BY,
    LIFETIME,
    MOST_AUTHORITIES,
    RENEW_BEFORE,
    Serving,
    issue,
    trusted_authorities,
    why_due,
)

NOW = datetime(2026, 11, 26, 5, tzinfo=UTC)
NAMES = ("operator.voice.svc", "operator.voice.svc.cluster.local")
SECOND = timedelta(seconds=1)


@pytest.fixture(scope="module")
def serving() -> Serving:
    return issue(NAMES, NOW)


def valid(serving: Serving, at: datetime, name: str = NAMES[0]) -> bool:
    """As a strict verifier finds at some time."""
    store = Store(x509.load_pem_x509_certificates(serving.authorities))
    verifier = PolicyBuilder().store(store).time(at).build_server_verifier(x509.DNSName(name))
    try:
        verifier.verify(x509.load_pem_x509_certificate(serving.certificate), [])
    except VerificationError:
        return False
    return True


def test_whoever_knows_its_ca_believes_it_for_its_names_alone(serving: Serving) -> None:
    for name in NAMES:
        assert why_refused(serving, serving.authorities, name) is None
    assert "Hostname mismatch" in (why_refused(serving, serving.authorities, "other.svc") or "")
    stranger = issue(NAMES, NOW)
    assert why_refused(serving, stranger.authorities, NAMES[0]) is not None


def test_it_holds_for_its_lifetime_and_an_hour_before_for_late_clocks(serving: Serving) -> None:
    assert valid(serving, NOW - CLOCKS_DIFFER_BY)
    assert valid(serving, NOW)
    assert valid(serving, NOW + LIFETIME)
    assert not valid(serving, NOW - CLOCKS_DIFFER_BY - SECOND)
    assert not valid(serving, NOW + LIFETIME + SECOND)


def test_the_certificate_signs_nothing_and_its_ca_signs_no_ca(serving: Serving) -> None:
    certificate = x509.load_pem_x509_certificate(serving.certificate)
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    authority = x509.load_pem_x509_certificate(serving.authorities)
    constraints = authority.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (constraints.ca, constraints.path_length) == (True, 0)


def test_the_key_of_the_ca_is_not_the_one_that_is_kept(serving: Serving) -> None:
    certificate = x509.load_pem_x509_certificate(serving.certificate)
    authority = x509.load_pem_x509_certificate(serving.authorities)
    assert certificate.public_key() != authority.public_key()
    assert serving.key.count(b"PRIVATE KEY") == 2


def test_it_is_due_when_a_third_of_its_time_is_left(serving: Serving) -> None:
    due_at = NOW + LIFETIME - RENEW_BEFORE
    assert why_due(serving, NAMES, NOW) is None
    assert why_due(serving, NAMES, due_at - SECOND) is None
    assert why_due(serving, NAMES, due_at) == "it is valid until 2027-02-24 05:00 UTC"
    assert why_due(serving, NAMES, NOW + 2 * LIFETIME) is not None


def test_it_is_due_while_it_does_not_hold_yet(serving: Serving) -> None:
    early = NOW - CLOCKS_DIFFER_BY - SECOND
    assert why_due(serving, NAMES, early) == "it is valid from 2026-11-26 04:00 UTC"


def test_what_is_not_there_or_for_another_name_is_due(serving: Serving) -> None:
    assert why_due(None, NAMES, NOW) == "there is no certificate"
    assert why_due(serving, ("new.voice.svc",), NOW) == (
        "it is for operator.voice.svc, operator.voice.svc.cluster.local, not for new.voice.svc"
    )


def test_what_does_not_belong_together_is_due(serving: Serving) -> None:
    other = issue(NAMES, NOW)
    swapped = {
        "the key is not the certificate's": replace(serving, key=other.key),
        "its CA is not the first in ca.crt": replace(serving, authorities=other.authorities),
    }
    for why, each in swapped.items():
        assert why_due(each, NAMES, NOW) == why


@settings(deadline=None, max_examples=200)
@given(
    part=st.sampled_from(["certificate", "key", "authorities"]),
    place=st.floats(0, 1, exclude_max=True),
    damage=st.binary(max_size=3),
)
def test_what_is_damaged_is_due_or_still_works(
    serving: Serving, part: str, place: float, damage: bytes
) -> None:
    whole: bytes = getattr(serving, part)
    at = int(place * len(whole))
    damaged = replace(serving, **{part: whole[:at] + damage + whole[at + 1 :]})
    if why_due(damaged, NAMES, NOW) is None:
        assert why_refused(damaged, damaged.authorities, NAMES[0]) is None


@settings(deadline=None, max_examples=20)
@given(st.lists(st.timedeltas(SECOND, 2 * LIFETIME), min_size=1, max_size=10))
def test_in_a_changeover_the_certificates_before_are_trusted_and_after_it_no_more(
    pauses: list[timedelta],
) -> None:
    now, all_of_them = NOW, [issue(NAMES, NOW)]
    for pause in pauses:
        now += pause
        last = all_of_them[-1]
        trusted = trusted_authorities(last, now)
        all_of_them.append(issue(NAMES, now, [trusted]))
        new = all_of_them[-1]
        assert new.authorities.count(b"BEGIN") <= MOST_AUTHORITIES
        assert why_refused(new, trusted_authorities(new, now), NAMES[0]) is None
        expired = pause >= LIFETIME
        assert (why_refused(last, trusted_authorities(new, now), NAMES[0]) is None) is not expired
        over = now + CHANGEOVER
        assert why_refused(new, trusted_authorities(new, over), NAMES[0]) is None
        assert why_refused(last, trusted_authorities(new, over), NAMES[0]) is not None
    assert why_due(all_of_them[-1], NAMES, now) is None


def test_what_is_no_ca_is_left_out_and_the_rest_is_kept() -> None:
    old = issue(NAMES, NOW)
    broken = old.authorities.replace(b"MII", b"MIJ")
    new = issue(NAMES, NOW, [b"", b"no PEM", broken, old.authorities, old.authorities])
    assert why_refused(old, new.authorities, NAMES[0]) is None
    assert new.authorities.count(b"BEGIN") == 2
