"""A certificate for the loopback interface that signs itself, in two files as a Secret has them."""

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_SECRET = b"a passphrase"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two files."""

    certificate: Path
    key: Path

    @property
    def values(self) -> dict[str, str]:
        """As the values name them."""
        return {"certificate": str(self.certificate), "key": str(self.key)}


def write_pair(
    folder: Path, name: str, *, host: str = "127.0.0.1", encrypted: bool = False
) -> Pair:
    """Write a new certificate for the address `host`, whose common name is `name`, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
    address = x509.IPAddress(ipaddress.ip_address(host))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pair = Pair(folder / "tls.crt", folder / "tls.key")
    pair.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    pair.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(_SECRET)
            if encrypted
            else serialization.NoEncryption(),
        )
    )
    return pair
