"""Serving certificates that the operator issues for itself, and when to renew them.

Each has a CA of its own, whose key is discarded after signing. So no second certificate can be
issued that the API server trusts, and no CA key has to be kept secret. CA and certificate change
together, so both CAs have to be trusted for a while: replicas poll for a new certificate every
minute.

Pure but for the randomness of keys; the time comes from outside.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFETIME: Final = timedelta(days=90)
"""Limits the use of a stolen key, and still outlasts an operator that is stopped for weeks."""
RENEW_BEFORE: Final = LIFETIME / 3
"""A month in which renewal may fail and be noticed in the log."""
CLOCKS_DIFFER_BY: Final = timedelta(hours=1)
"""Certificates are valid from this long before they are issued: other clocks may be behind."""
CHANGEOVER: Final = timedelta(minutes=10)
"""How long the previous CA is trusted too. Replicas poll every minute, and may have to retry."""
MOST_AUTHORITIES: Final = 8
"""More cannot be in use: a replica lags by a minute, and a renewal takes ten seconds."""

_KEY_USAGES: Final = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
    *("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)

_UNREADABLE: Final = (
    *(ValueError, TypeError, UnsupportedAlgorithm),
    *(x509.ExtensionNotFound, x509.DuplicateExtension, x509.InvalidVersion),
)
"""What reading may raise: much of a certificate is read only when it is asked for."""


@dataclass(frozen=True, slots=True)
class Serving:
    """A serving certificate and what belongs to it, each as PEM."""

    certificate: bytes
    key: bytes
    authorities: bytes
    """The certificate of its CA, then those of the CAs before, the latest first."""


def issue(names: Sequence[str], now: datetime, before: Iterable[bytes] = ()) -> Serving:
    """A new certificate for servers.

    Args:
        names: DNS names that it is for; at least one.
        now: with a time zone.
        before: bundles of CAs that were trusted until now, PEM, the latest first; a text that is
            not PEM, and a CA that has expired, is left out.
    """
    authority_key, key = _new_key(), _new_key()
    serial = x509.random_serial_number()
    # A name that no other has: a client that knows several CAs finds the right one by it.
    issuer = _name(f"interject metrics API {serial:x}"[:64])
    authority = (
        _builder(issuer, issuer, authority_key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage("key_cert_sign", "crl_sign"), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    certificate = (
        _builder(_name(names[0][:64]), issuer, key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage("digital_signature"), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(map(x509.DNSName, names)), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()),
            critical=False,
        )
        .sign(authority_key, hashes.SHA256())
    )
    known = [each for pem in before for each in _certificates(pem)]
    known = [each for each in dict.fromkeys(known) if each.not_valid_after_utc > now]
    return Serving(
        _pem([certificate]),
        _pem_of_key(key),
        _pem([authority, *known][:MOST_AUTHORITIES]),
    )


def why_due(serving: Serving | None, names: Sequence[str], now: datetime) -> str | None:
    """Why a new certificate is needed, to follow "because"; None if it is not.

    Args:
        serving: the current one, whatever its origin.
        names: DNS names that it should be for.
        now: with a time zone.
    """
    if serving is None:
        return "there is no certificate"
    try:
        certificate = x509.load_pem_x509_certificate(serving.certificate)
        wrong = _why_useless(certificate, serving, names)
    except _UNREADABLE as error:
        return f"it cannot be read ({error})"
    if wrong is not None:
        return wrong
    if now < certificate.not_valid_before_utc:
        return f"it is valid from {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
    if now >= certificate.not_valid_after_utc - RENEW_BEFORE:
        return f"it is valid until {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
    return None


def trusted_authorities(serving: Serving, now: datetime) -> bytes:
    """The CAs, PEM, that the API server has to trust: after the changeover only the current one.

    Args:
        serving: one that is not due.
        now: with a time zone.
    """
    certificate = x509.load_pem_x509_certificate(serving.certificate)
    authorities = _certificates(serving.authorities)
    over = certificate.not_valid_before_utc + CLOCKS_DIFFER_BY + CHANGEOVER
    return _pem(authorities[:1] if now >= over else authorities[:MOST_AUTHORITIES])


def _why_useless(
    certificate: x509.Certificate, serving: Serving, names: Sequence[str]
) -> str | None:
    """As `why_due`, whatever the time; raises one of `_UNREADABLE`."""
    key = load_pem_private_key(serving.key, password=None)
    if key.public_key() != certificate.public_key():
        return "the key is not the certificate's"
    authorities = _certificates(serving.authorities)
    # A damaged CA may still have its key; what it signed itself it does not match any more.
    signed = (certificate, *authorities[:1])
    if not authorities or not all(_issued(each, authorities[0]) for each in signed):
        return "its CA is not the first in ca.crt"
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    there = found.value.get_values_for_type(x509.DNSName)
    if set(there) != set(names):
        return f"it is for {', '.join(there) or 'no name'}, not for {', '.join(names)}"
    # Who reads it next may be stricter about what stands around the PEM.
    if serving != Serving(_pem([certificate]), _pem_of_key(key), _pem(authorities)):
        return "the Secret has been edited"
    return None


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCKS_DIFFER_BY)
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*allowed: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{usage: usage in allowed for usage in _KEY_USAGES})


def _certificates(pem: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError:
        return []


def _issued(certificate: x509.Certificate, by: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(by)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _pem(certificates: Sequence[x509.Certificate]) -> bytes:
    return b"".join(each.public_bytes(Encoding.PEM) for each in certificates)


def _pem_of_key(key: PrivateKeyTypes) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
