"""One request to Helm's own library: `python helm_process.py`, JSON in, JSON out."""

import json
import sys
from typing import Any

from helm_python import Config, HelmError


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """What `Config` returns, as `done`, or what it raises, as `failed`."""
    ask = getattr(Config(**request["config"]), request["call"])
    try:
        return {"done": ask(*request["arguments"], **request["options"])}
    except HelmError as error:
        return {"failed": str(error)}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(answer(json.load(sys.stdin)), default=str))
