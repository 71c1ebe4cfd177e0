"""The folders in the user's cache. All that is in them can be made again."""

from pathlib import Path

from user_cache import cache


def kube() -> Path:
    """What belongs to Kubernetes; made if missing."""
    return _made(cache() / "kube")


def programs() -> Path:
    """Kubernetes' programs."""
    return _made(kube() / "bin")


def sources() -> Path:
    """The Go modules that the programs are built from."""
    return _made(kube() / "src")


def images() -> Path:
    """Images: archives, and buildah's store."""
    return _made(kube() / "images")


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
