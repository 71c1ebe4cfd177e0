"""TLS handshakes in memory: whether a client that believes in some CAs believes a server."""

import ssl
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from voiceagent_operator.metrics_api.issuing import Serving

NO_CHECK_TIME = 0x200000
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME: certificates here are of any year."""


def client_of(authorities: bytes) -> ssl.SSLContext:
    """A client that believes in these CAs alone, whatever the time."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= NO_CHECK_TIME | ssl.VERIFY_X509_STRICT
    context.load_verify_locations(cadata=authorities.decode())
    return context


def server_with(serving: Serving) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "both.pem"
        path.write_bytes(serving.certificate + serving.key)
        context.load_cert_chain(path)
    return context


@lru_cache(maxsize=1000)
def why_refused(serving: Serving, authorities: bytes, name: str) -> str | None:
    """Why a client that asks for `name` does not believe the server; None if it does."""
    if not authorities:
        return "no CA is believed in"
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = server_with(serving).wrap_bio(to_server, to_client, server_side=True)
    client = client_of(authorities).wrap_bio(to_client, to_server, server_hostname=name)
    waiting = [client, server]
    while waiting:
        for side in list(waiting):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError as error:
                return error.verify_message
            waiting.remove(side)
    return None
