"""SIP over TLS and SRTP: a softphone that is not ours, a trunk, a certificate that is renewed."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from cryptography import x509

from asterisk.callers import agent, said
from asterisk.softphone import RATE_HZ, Softphone
from asterisk.world import PASSWORD, World, free_port, world
from rig.fixtures import program
from self_signed import Pair, write_pair

HOST: Final = "127.0.0.1"
WITHIN_S: Final = 15.0
SDES: Final = {"transport": "tls", "encryption": "sdes"}
LOUD: Final = 500


@pytest.fixture(scope="session")
def baresip() -> Path:
    """The unpacked softphone."""
    return program("baresip")


@pytest.mark.timeout(120)
async def test_an_encrypted_call_is_heard_both_ways_and_outlives_its_certificate(
    tree: Path, baresip: Path, tmp_path: Path
) -> None:
    pair, port = write_pair(tmp_path, "first"), free_port()
    sip = {"tls": {"port": port, **pair.values}}
    speech = np.concatenate([np.zeros(4 * RATE_HZ, np.int16), said("wait a moment", "en-us+m3")])
    async with world(tree, tmp_path, [agent()], published=True, sip=sip, phone=SDES) as there:
        phone = softphone(baresip, tmp_path, port, pair)
        account = {"user": "p0", "password": PASSWORD}
        async with phone.calling("100", **account, media="srtp-mand", says=speech):
            await there.until_turn("greeting")
            await until(lambda: loudest(phone.heard()) > LOUD)
            write_pair(tmp_path, "second")
            await until_presented(port, "CN=second")
            heard_before = phone.heard().size
            await until(lambda: loudest(phone.heard()[heard_before + RATE_HZ :]) > LOUD)
            async with asyncio.timeout(WITHIN_S):
                while not await there.metric("interject_decisions_total"):
                    await asyncio.sleep(0.1)
            assert len(await there.calls()) == 1
        await there.until_no_call()

        refused = softphone(baresip, tmp_path / "refused", port, pair)
        async with refused.calling("100", **account, media="plain", says=speech):
            await until(lambda: "session closed" in refused.said)
        assert "488 Not Acceptable Here" in refused.said
        assert "Couldn't negotiate stream" in there.asterisk.log

    assert "SRTP is Enabled (cryptosuite=AES_CM_128_HMAC_SHA1_80)" in phone.said


async def test_tls_may_be_all_that_is_spoken_in_both_its_versions(
    tree: Path, tmp_path: Path
) -> None:
    pair, port = write_pair(tmp_path, "asterisk"), free_port()
    sip = {"transports": [], "tls": {"port": port, **pair.values}}
    async with world(tree, tmp_path, [], phones=0, sip=sip) as there:
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            assert await presented(port, version) == "CN=asterisk"
        transports = await there.asterisk.cli("pjsip show transports")
        with socket.create_connection((HOST, port)) as plain:
            plain.send(b"OPTIONS sip:100@127.0.0.1 SIP/2.0\r\n\r\n")
            await until(lambda: "SSL_ERROR_SSL" in there.asterisk.log)
    assert "transport-tls" in transports
    assert "transport-udp" not in transports


@pytest.mark.parametrize(
    ("known", "host", "complaint"),
    [
        (True, HOST, ""),
        (False, HOST, "certificate"),
        (True, "192.0.2.1", "server identity does not"),
    ],
)
async def test_a_trunk_is_registered_with_if_its_certificate_is_known_and_its_own(
    tree: Path, tmp_path: Path, known: bool, host: str, complaint: str
) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.mkdir()
    theirs.mkdir()
    pair, provider = write_pair(ours, "asterisk"), write_pair(theirs, "provider", host=host)
    authority = (provider if known else pair).certificate
    tls = {"port": free_port(), "authorities": str(authority), **pair.values}
    async with registrar(provider) as (port, asked):
        trunk = {
            "name": "provider", "host": HOST, "port": port, "transport": "tls", "register": True,
            "user": "me", "password": {"value": PASSWORD},
        }  # fmt: skip
        async with world(tree, tmp_path, [], phones=0, sip={"tls": tls}, trunks=[trunk]) as there:
            if complaint:
                await until(lambda: complaint in " ".join(there.asterisk.complaints))
                assert asked == []
            else:
                await until(lambda: "REGISTER" in asked)
                await until_registered(there)


def softphone(tree: Path, parent: Path, port: int, pair: Pair) -> Softphone:
    folder = parent / "softphone"
    folder.mkdir(parents=True)
    return Softphone(tree, folder, f"{HOST}:{port}", pair.certificate)


def loudest(pcm: np.ndarray[Any, np.dtype[np.int16]]) -> int:
    return int(np.abs(pcm.astype(np.int32)).max(initial=0))


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not true():
            await asyncio.sleep(0.05)


async def until_presented(port: int, name: str) -> None:
    """A new certificate restarts the listener: who connects at that moment has to do it again."""
    found = ""
    async with asyncio.timeout(WITHIN_S):
        while found != name:
            await asyncio.sleep(0.1)
            with suppress(ConnectionError):
                found = await presented(port, ssl.TLSVersion.TLSv1_3)


async def until_registered(there: World) -> None:
    async with asyncio.timeout(WITHIN_S):
        while "Registered" not in await there.asterisk.cli("pjsip show registrations"):
            await asyncio.sleep(0.1)


async def presented(port: int, version: ssl.TLSVersion) -> str:
    """The subject of the certificate that a connection of that version of TLS gets."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = context.maximum_version = version
    content = await asyncio.to_thread(_presented, context, port)
    return x509.load_der_x509_certificate(content).subject.rfc4514_string()


def _presented(context: ssl.SSLContext, port: int) -> bytes:
    with (
        socket.create_connection((HOST, port), timeout=WITHIN_S) as plain,
        context.wrap_socket(plain) as encrypted,
    ):
        content = encrypted.getpeercert(binary_form=True)
    assert content is not None
    return content


@asynccontextmanager
async def registrar(pair: Pair) -> AsyncIterator[tuple[int, list[str]]]:
    """A server that says yes to everything; its port, and the methods that it was asked for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    asked: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                request = (await reader.readuntil(b"\r\n\r\n")).decode()
                asked.append(request.split(" ")[0])
                writer.write(agreed(request).encode())
        except (OSError, asyncio.IncompleteReadError):
            writer.close()

    async with await asyncio.start_server(answer, HOST, 0, ssl=context) as server:
        yield int(server.sockets[0].getsockname()[1]), asked


def agreed(request: str) -> str:
    kept = ("Via", "From", "To", "Call-ID", "CSeq", "Contact")
    lines = [line for line in request.split("\r\n") if line.split(":")[0] in kept]
    return "\r\n".join(("SIP/2.0 200 OK", *lines, "Expires: 300", "Content-Length: 0", "", ""))
