"""The question that Asterisk's dialplan asks before a call: which pod has room?"""

import os
import re
from urllib.parse import urlsplit
from uuid import UUID

import aiohttp

from interject_lab.errors import LabError

DEADLINE_S = 1.5
"""As long as the dialplan waits."""
_MAX_ANSWER_BYTES = 256
_API_HINT = "give the API's address, usually port 1650"
_ADDRESS = re.compile(r"(?P<host>[0-9A-Za-z.-]+|\[[0-9A-Fa-f:]+\]):(?P<port>[0-9]{1,5})")


async def ask_call_start(
    api: str, call: UUID, *, from_number: str = "", to_number: str = ""
) -> tuple[str, int]:
    """Ask the API at `api` (such as `http://127.0.0.1:1650`) where to connect for `call`.

    Raises:
        LabError: nobody answers, the answer is no, or it is not an address.
    """
    if urlsplit(api).scheme not in ("http", "https"):
        raise LabError(
            f"read the API address {api!r}, expected http://HOST:PORT, usually port 1650"
        )
    url = f"{api.rstrip('/')}/api/call-start"
    query = {"uuid": str(call), "from": from_number, "to": to_number, "try": "1"}
    timeout = aiohttp.ClientTimeout(total=DEADLINE_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(url, params=query, headers={"Accept": "text/plain"}) as response,
        ):
            answer = (await response.content.read(_MAX_ANSWER_BYTES)).decode("utf-8", "replace")
            return _address(url, response.status, answer.strip())
    except TimeoutError:
        raise LabError(f"no answer from {url} within {DEADLINE_S} s: {_API_HINT}") from None
    except aiohttp.ClientConnectorError as error:
        # aiohttp puts the address into strerror, which the message has already.
        cause = os.strerror(error.os_error.errno) if error.os_error.errno else "no address works"
        message = f"nobody answers at {api} ({cause}): is the pod running?"
        raise LabError(f"{message} Otherwise {_API_HINT}") from None
    except aiohttp.ClientError as error:
        name = type(error).__name__
        raise LabError(f"no HTTP at {api} ({name}): {_API_HINT}") from None


def _address(url: str, status: int, answer: str) -> tuple[str, int]:
    if status == 503:
        raise LabError(f"{url} says 503, no room: raise the pod's capacity or try again later")
    if status != 200:
        raise LabError(f"{url} says {status} {answer!r}, expected 200 and host:port: {_API_HINT}")
    found = _ADDRESS.fullmatch(answer)
    if found is None or not 0 < int(found["port"]) < 65536:
        raise LabError(f"{url} says {answer!r}, expected host:port: {_API_HINT}")
    return found["host"].strip("[]"), int(found["port"])
