"""Kubeconfig files. YAML takes JSON, so that is what is written."""

import base64
import json
from pathlib import Path

from layout import Layout


def write(layout: Layout, user: str, path: Path) -> None:
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
