"""Reads the values file and the environment variables that override it.

Every error message names its source: the file or the variable.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from asterisk_config.sip_values import Password
from asterisk_config.texts import printable
from asterisk_config.values import Values, load_values
from media_pod.errors import SetupError
from media_pod.manifest.validation import SpecError
from media_pod.manifest.yaml_document import FileKind, read_yaml

VALUES = "INTERJECT_VALUES"
USUAL_FILE = Path("/etc/interject/asterisk.yaml")
"""Optional; a file that INTERJECT_VALUES names must exist."""

_KIND = FileKind("values file", one_each="put all values into one")
_LONGEST_SECRET = 4096
"""Maximum size of a password file, in bytes."""

Document = dict[str, Any]


def read_values(environ: Mapping[str, str]) -> Values:
    """The values of this container, with all passwords in clear text.

    Raises:
        SetupError: a file cannot be read.
        SpecError: the file or a variable is invalid.
    """
    return _with_passwords(read_sources(environ), environ)


def read_sources(environ: Mapping[str, str]) -> Values:
    """The values of this container, with passwords as the values file has them.

    Raises:
        SetupError: the file cannot be read.
        SpecError: the file or a variable is invalid.
    """
    path = _path(environ)
    source = str(path or "defaults")
    document = read_yaml(path, _KIND) if path else {}
    values = load_values(document, source)
    for variable, parse in _VARIABLES.items():
        if text := environ.get(variable):
            document = _merged(document, parse(variable, text))
            values = load_values(document, variable)
    return values


def files_of(values: Values, environ: Mapping[str, str]) -> tuple[Path, ...]:
    """The values file, if there is one, and the password files that `values` name.

    Args:
        values: as `read_sources` returns them.
    """
    passwords = (peer.password.file for peer in values.peers if peer.password is not None)
    path = _path(environ)
    return (*((path,) if path else ()), *(Path(name) for name in passwords if name is not None))


def _path(environ: Mapping[str, str]) -> Path | None:
    if named := environ.get(VALUES):
        return Path(named)
    return USUAL_FILE if USUAL_FILE.exists() else None


def _merged(document: object, patch: Document) -> Document:
    """`document`, a validated mapping, overridden by `patch`."""
    assert isinstance(document, dict)
    inner = {
        key: _merged(document.get(key, {}), value) if isinstance(value, dict) else value
        for key, value in patch.items()
    }
    return {**document, **inner}


def _api(variable: str, text: str) -> Document:
    return {"api": [part.strip() for part in text.split(",")]}


def _sip_port(variable: str, text: str) -> Document:
    if not re.fullmatch(r"[0-9]{1,5}", text):
        raise SpecError(variable, (f"found {text!r}; allowed: a port from 1 to 65535",))
    return {"sip": {"port": int(text)}}


def _rtp_ports(variable: str, text: str) -> Document:
    ports = re.fullmatch(r"([0-9]{1,5})-([0-9]{1,5})", text)
    if not ports:
        raise SpecError(variable, (f"found {text!r}; allowed: FIRST-LAST, such as 10000-10199",))
    return {"rtp": {"firstPort": int(ports[1]), "lastPort": int(ports[2])}}


def _external_address(variable: str, text: str) -> Document:
    return {"sip": {"externalAddress": text}}


_VARIABLES: dict[str, Callable[[str, str], Document]] = {
    "INTERJECT_API": _api,
    "INTERJECT_SIP_PORT": _sip_port,
    "INTERJECT_RTP_PORTS": _rtp_ports,
    "INTERJECT_EXTERNAL_ADDRESS": _external_address,
}


def _with_passwords(values: Values, environ: Mapping[str, str]) -> Values:
    phones = tuple(
        phone.model_copy(update={"password": _text_of(phone.password, environ)})
        for phone in values.phones
    )
    trunks = tuple(
        trunk.model_copy(update={"password": _text_of(trunk.password, environ)})
        if trunk.password
        else trunk
        for trunk in values.trunks
    )
    return values.model_copy(update={"phones": phones, "trunks": trunks})


def _text_of(password: Password, environ: Mapping[str, str]) -> Password:
    """`password` in clear text. Error messages never contain it."""
    if password.env is not None:
        source, text = password.env, environ.get(password.env, "")
    elif password.file is not None:
        source, text = password.file, _secret(Path(password.file))
    else:
        return password
    try:
        return Password(value=printable(text))
    except ValueError as error:
        raise SpecError(source, (f"expected a password; {error}",)) from None


def _secret(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_LONGEST_SECRET)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SetupError(
            f"{path}: cannot be read ({reason}); a password in the values refers to it"
        ) from error
    return content.decode("ascii", "replace").rstrip("\r\n")
