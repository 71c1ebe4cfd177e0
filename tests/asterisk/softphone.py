"""baresip, a softphone for what the lab's own telephone does not support: TLS and SRTP."""

import asyncio
import os
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

RATE_HZ: Final = 8000
STOP_S: Final = 10.0
_WAV_HEADER: Final = 44
_CONFIG: Final = """\
poll_method epoll
sip_listen 127.0.0.1:0
sip_cafile {authority}
sip_verify_server yes
audio_source aufile,{says}
audio_player aufile,{heard}
module_path {modules}
module g711.so
module aufile.so
module srtp.so
module_app account.so
module_app menu.so
"""
_ACCOUNT: Final = (
    "<sip:{user}@{server};transport=tls>;auth_pass={password};regint=0;audio_codecs=pcmu{media}\n"
)


@dataclass(frozen=True, slots=True)
class Softphone:
    """A telephone that speaks SIP over TLS alone, with a folder for its files.

    Args:
        tree: baresip's packages, unpacked.
        folder: an empty one.
        server: HOST:PORT of Asterisk's TLS.
        authority: file with the certificate that the server has to be known to.
    """

    tree: Path
    folder: Path
    server: str
    authority: Path

    @property
    def said(self) -> str:
        """Its output so far."""
        return (self.folder / "said").read_text(errors="replace")

    def heard(self) -> NDArray[np.int16]:
        """[samples] at `RATE_HZ`, what its loudspeaker has played so far."""
        content = (self.folder / "heard.wav").read_bytes()[_WAV_HEADER:]
        return np.frombuffer(content[: len(content) // 2 * 2], dtype="<i2")

    @asynccontextmanager
    async def calling(
        self,
        extension: str,
        *,
        user: str,
        password: str,
        media: Literal["srtp-mand", "plain"],
        says: NDArray[np.int16],
    ) -> AsyncIterator[asyncio.subprocess.Process]:
        """Call `extension` meanwhile, and hang up afterwards; the process ends with the call.

        Args:
            media: "srtp-mand" is SRTP with keys in the signalling, and nothing else.
            says: [samples] at `RATE_HZ`, into its microphone; then it hears itself no more.
        """
        self._write(user, password, media, says)
        libraries = self.tree / "usr" / "lib" / f"{os.uname().machine}-linux-gnu"
        (loader,) = libraries.glob("ld-linux-*.so.*")
        with (self.folder / "said").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                str(loader), "--library-path", f"{libraries}:{self.tree / 'usr' / 'lib'}",
                str(self.tree / "usr" / "bin" / "baresip"), "-f", str(self.folder),
                "-e", f"/dial sip:{extension}@{self.server};transport=tls",
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
                env={"HOME": str(self.folder), "PATH": os.environ["PATH"]},
            )  # fmt: skip
        try:
            yield process
        finally:
            await _stop(process)

    def _write(self, user: str, password: str, media: str, says: NDArray[np.int16]) -> None:
        with wave.open(str(self.folder / "says.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE_HZ)
            file.writeframes(says.astype("<i2").tobytes())
        config = _CONFIG.format(
            authority=self.authority,
            says=self.folder / "says.wav",
            heard=self.folder / "heard.wav",
            modules=self.tree / "usr" / "lib" / "baresip" / "modules",
        )
        (self.folder / "config").write_text(config)
        encryption = "" if media == "plain" else f";mediaenc={media}"
        account = _ACCOUNT.format(
            user=user, server=self.server, password=password, media=encryption
        )
        (self.folder / "accounts").write_text(account)
        (self.folder / "contacts").touch()


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(STOP_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
