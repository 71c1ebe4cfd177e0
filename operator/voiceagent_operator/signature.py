"""Telling changes that matter from changes of status alone.

Controllers write status all the time, and watches tell of every write. What everything else has in
common is that it is in the metadata: the generation counts changes of spec, and managedFields names
who set what, status apart.
"""

import hashlib
import json

from voiceagent_operator.kube.kinds import Json, Kind
from voiceagent_operator.kube.watching import Change


class Signatures:
    """The latest signature of each object; as many as there are objects."""

    def __init__(self) -> None:
        self._latest: dict[tuple[Kind, str], bytes] = {}

    def turned(self, kind: Kind, metadata: Json, change: Change) -> bool:
        """Whether anything but the status has changed since the last time. Notes what is seen."""
        about = (kind, metadata["uid"])
        if change is Change.DELETED:
            self._latest.pop(about, None)
            return True
        latest = _signature(metadata)
        turned = self._latest.get(about) != latest
        self._latest[about] = latest
        return turned


def _signature(metadata: Json) -> bytes:
    kept = {
        key: value
        for key, value in metadata.items()
        if key not in ("resourceVersion", "managedFields")
    }
    kept["managers"] = [
        entry for entry in metadata.get("managedFields", []) if entry.get("subresource") != "status"
    ]
    return hashlib.blake2s(json.dumps(kept, sort_keys=True).encode(), digest_size=12).digest()
