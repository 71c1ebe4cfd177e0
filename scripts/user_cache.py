"""Where this user's programs keep what can be made again (XDG Base Directory)."""

import os
from pathlib import Path


def cache() -> Path:
    """This project's folder there; it may not exist yet."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "interject"
