"""The rig's certificate authorities, what they sign (by openssl), and kubeconfig files with it."""

import base64
import json
import shutil
import subprocess
from pathlib import Path
from typing import Final

from rig.console import RigError
from rig.layout import NODE, Layout

DAYS: Final = 3650
OPENSSL_S: Final = 20
"""Deadline."""

NOTHING: Final = "[req]\ndistinguished_name = none\n[none]\n"
"""A configuration that adds nothing: distributions' own ones make every certificate a CA's."""
CA: Final = (
    "basicConstraints=critical,CA:TRUE",
    "keyUsage=critical,keyCertSign,cRLSign",
    "subjectKeyIdentifier=hash",
)
LEAF: Final = (
    "basicConstraints=critical,CA:FALSE",
    "keyUsage=critical,digitalSignature",
    "subjectKeyIdentifier=hash",
    "authorityKeyIdentifier=keyid",
)

USERS: Final = {
    "admin": "/O=system:masters/CN=admin",
    "controller-manager": "/CN=system:kube-controller-manager",
    "scheduler": "/CN=system:kube-scheduler",
    "kube-proxy": "/CN=system:kube-proxy",
    "kubelet": f"/O=system:nodes/CN=system:node:{NODE}",
    "coredns": "/CN=rig:coredns",
}
"""Clients of the API server, by subject."""


def make_all(layout: Layout) -> None:
    """All that the rig needs; nothing if the folder has those for its addresses.

    Raises:
        RigError: openssl is missing or fails.
    """
    stamp = layout.pki / "addresses"
    names = _api_server_names(layout)
    if stamp.exists() and stamp.read_text() == names:
        return
    shutil.rmtree(layout.pki, ignore_errors=True)
    layout.pki.mkdir(mode=0o700, parents=True)
    (layout.pki / "openssl.cnf").write_text(NOTHING)
    for authority in ("ca", "front-proxy-ca"):
        _request(layout, authority, f"/CN=rig {authority}", CA)
    _leaf(layout, "apiserver", "/CN=kube-apiserver", "serverAuth", names)
    _leaf(layout, "apiserver-kubelet-client", "/O=system:masters/CN=kube-apiserver", "clientAuth")
    _leaf(layout, "front-proxy-client", "/CN=front-proxy-client", "clientAuth",
          authority="front-proxy-ca")  # fmt: skip
    for user, subject in USERS.items():
        _leaf(layout, user, subject, "clientAuth")
    _leaf(layout, "kubelet-serving", f"/CN=system:node:{NODE}", "serverAuth",
          f"IP:{layout.gateway},IP:127.0.0.1,DNS:{NODE}")  # fmt: skip
    public, private = accounts(layout)
    _openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-out", str(private))  # fmt: skip
    _openssl("pkey", "-in", str(private), "-pubout", "-out", str(public))
    stamp.write_text(names)


def accounts(layout: Layout) -> tuple[Path, Path]:
    """The public and the private key for the tokens of service accounts."""
    return layout.pki / "service-accounts.pub", layout.pki / "service-accounts.key"


def issue(layout: Layout, name: str, names: str, subject: str) -> tuple[Path, Path]:
    """A certificate of the rig's CA, for a server and for a client, and its key.

    Args:
        name: of the files.
        names: for which it is valid, as in `DNS:metrics.voice.svc,IP:10.90.0.1`; may be empty.
        subject: as in `/O=team/CN=alice`; the API server takes O for groups and CN for the user.

    Raises:
        RigError: openssl refuses one of them.
    """
    _leaf(layout, name, subject, "serverAuth,clientAuth", names)
    return layout.certificate(name)


def _leaf(layout: Layout, name: str, subject: str, usage: str, names: str = "",
          authority: str = "ca") -> None:  # fmt: skip
    extensions = [*LEAF, f"extendedKeyUsage={usage}"]
    extensions += [f"subjectAltName={names}"] if names else []
    certificate, key = layout.certificate(authority)
    _request(layout, name, subject, extensions, "-CA", str(certificate), "-CAkey", str(key))


def _request(layout: Layout, name: str, subject: str, extensions: tuple[str, ...] | list[str],
             *signer: str) -> None:  # fmt: skip
    certificate, key = layout.certificate(name)
    added = [part for extension in extensions for part in ("-addext", extension)]
    _openssl("req", "-x509", *signer, "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-config", str(layout.pki / "openssl.cnf"), "-days", str(DAYS), "-subj", subject,
         *added, "-keyout", str(key), "-out", str(certificate))  # fmt: skip


def _openssl(*arguments: str) -> None:
    try:
        done = subprocess.run(
            ["openssl", *arguments], capture_output=True, text=True, check=False, timeout=OPENSSL_S
        )
    except FileNotFoundError:
        raise RigError("openssl is missing") from None
    if done.returncode:
        raise RigError(f"openssl {arguments[0]}: {done.stderr.strip()}")


def _api_server_names(layout: Layout) -> str:
    addresses = ("127.0.0.1", layout.gateway, layout.own_address, layout.api_service)
    service = "kubernetes.default.svc.cluster.local".split(".")
    names = ["localhost", *(".".join(service[:n]) for n in (1, 2, 3, 5))]
    return ",".join([*(f"IP:{a}" for a in addresses), *(f"DNS:{n}" for n in names)])


def write_kubeconfig(layout: Layout, user: str, path: Path) -> None:
    """One for `user`, with everything inside; none but its owner may read it."""
    certificate, key = layout.certificate(user)
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "rig",
        "contexts": [{"name": "rig", "context": {"cluster": "rig", "user": user}}],
        "clusters": [{"name": "rig", "cluster": {
            "server": layout.api,
            "certificate-authority-data": _base64(layout.certificate("ca")[0]),
        }}],
        "users": [{"name": user, "user": {
            "client-certificate-data": _base64(certificate), "client-key-data": _base64(key),
        }}],
    }  # fmt: skip
    path.touch(mode=0o600)
    path.write_text(json.dumps(config, indent=2))


def _base64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
