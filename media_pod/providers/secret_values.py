"""Secrets that a manifest refers to: read from mounted files or the environment, never written.

In a cluster the operator mounts each Secret that an agent refers to, one file for each key. The
kubelet updates the files when the Secret changes.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from media_pod.errors import SetupError
from media_pod.manifest.providers import SecretSource
from media_pod.manifest.secrets import MOUNT_PATH

MAX_SECRET_BYTES: Final = 64 * 1024


class SecretReader:
    """Reads the secrets of one manifest.

    Args:
        environ: of the process.
        mount: folder with a folder for each Secret, which has a file for each key.
    """

    def __init__(
        self, environ: Mapping[str, str] = os.environ, mount: Path = Path(MOUNT_PATH)
    ) -> None:
        self._environ = environ
        self._mount = mount

    def value(self, source: SecretSource | None, path: str) -> str | None:
        """The secret that `source` names; None without a source.

        Args:
            source: where it is; the mounted Secret is preferred.
            path: of the setting, for messages, such as `spec.llm.apiKey`.

        Raises:
            SetupError: neither place has it; the message has no part of any secret.
        """
        if source is None:
            return None
        looked: list[str] = []
        if (ref := source.secret_key_ref) is not None:
            file = self._mount / ref.name / ref.key
            if (found := self._read(file, path)) is not None:
                return found
            looked.append(f"no file {file} (key {ref.key} of Secret {ref.name})")
        if source.env is not None:
            if found := self._environ.get(source.env, "").strip():
                if not _is_text(found):
                    raise SetupError(
                        f"{path}: found bytes that are not UTF-8 text in the environment variable "
                        f"{source.env}; allowed: UTF-8"
                    )
                return found
            looked.append(f"no environment variable {source.env}")
        raise SetupError(f"{path}: found {' and '.join(looked)}; allowed: one of them, not empty")

    def _read(self, file: Path, path: str) -> str | None:
        try:
            with file.open("rb") as opened:
                content = opened.read(MAX_SECRET_BYTES + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SetupError(
                f"{path}: found {file}, which cannot be read ({error.strerror}); allowed: a file"
            ) from error
        if len(content) > MAX_SECRET_BYTES:
            raise SetupError(
                f"{path}: found more than {MAX_SECRET_BYTES} bytes in {file}; allowed: at most as "
                "many"
            )
        try:
            return content.decode().strip() or None
        except UnicodeDecodeError:
            # Without its cause, which has the bytes.
            raise SetupError(
                f"{path}: found bytes that are not UTF-8 text in {file}; allowed: UTF-8"
            ) from None


def _is_text(value: str) -> bool:
    """Whether `value` is what `os.environ` makes of UTF-8: other bytes are lone surrogates."""
    return not any("\ud800" <= sign <= "\udfff" for sign in value)
