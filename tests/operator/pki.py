"""Certificates for tests, made with the openssl of this machine."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30")


@dataclass(frozen=True)
class Certificate:
    """A certificate and its key, as files."""

    certificate: Path
    key: Path

    @property
    def pem(self) -> str:
        return self.certificate.read_text()

    def take(self, other: "Certificate") -> None:
        """Be a copy of another, as when a mounted Secret changes."""
        for mine, theirs in ((self.key, other.key), (self.certificate, other.certificate)):
            mine.unlink(missing_ok=True)
            mine.write_bytes(theirs.read_bytes())


class Authority:
    """A CA of its own.

    Args:
        folder: where its files go.
        name: its common name, and the name of its files.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self.own = Certificate(folder / f"{name}.crt", folder / f"{name}.key")
        usage = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")
        self._request(self.own, name, "-x509", *usage)

    @property
    def pem(self) -> str:
        return self.own.pem

    def issue(self, name: str, usage: str, san: str = "") -> Certificate:
        """A certificate for `name`; `usage` is serverAuth or clientAuth."""
        made = Certificate(self._folder / f"{name}.crt", self._folder / f"{name}.key")
        extensions = [f"extendedKeyUsage={usage}", *([f"subjectAltName={san}"] if san else [])]
        added = [part for each in extensions for part in ("-addext", each)]
        by = ("-CA", str(self.own.certificate), "-CAkey", str(self.own.key))
        self._request(made, name, "-x509", *by, *added)
        return made

    def _request(self, made: Certificate, name: str, *more: str) -> None:
        files = ("-out", str(made.certificate), "-keyout", str(made.key))
        subprocess.run(
            ["openssl", "req", *_KEY, "-subj", f"/CN={name}", *files, *more],
            check=True,
            capture_output=True,
            timeout=30,
        )
