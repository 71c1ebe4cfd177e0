"""Imports WebRTC's audio processing module on every supported Python version.

The wrapper of webrtc-audio-processing 0.1.3 loads its extension module through `imp`, which Python
3.12 removed and 3.11 deprecates. It falls back to a plain import if `imp` finds nothing. So this
module loads the extension first, and replaces `imp` by a stub that finds nothing during the import.
All patching of `sys.modules` is contained here.
"""

import importlib
import importlib.util
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from types import ModuleType
from typing import Any, Final

_PACKAGE: Final = "webrtc_audio_processing"
_EXTENSION: Final = "_webrtc_audio_processing"


def _load() -> Any:
    package = importlib.util.find_spec(_PACKAGE)
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError(f"No module named {_PACKAGE!r}", name=_PACKAGE)
    folder = Path(package.submodule_search_locations[0])
    candidates = (folder / (_EXTENSION + suffix) for suffix in EXTENSION_SUFFIXES)
    path = next((path for path in candidates if path.exists()), None)
    spec = importlib.util.spec_from_file_location(_EXTENSION, path) if path else None
    if spec is None or spec.loader is None:
        raise ImportError(f"{folder} has no {_EXTENSION} for this Python; reinstall {_PACKAGE}")
    extension = sys.modules[_EXTENSION] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(extension)
    before = sys.modules.get("imp")
    sys.modules["imp"] = _finds_nothing()
    try:
        return importlib.import_module(_PACKAGE).AudioProcessingModule
    finally:
        if before is None:
            del sys.modules["imp"]
        else:
            sys.modules["imp"] = before


def _finds_nothing() -> ModuleType:
    module = ModuleType("imp")

    def find_module(name: str, path: object = None) -> None:
        raise ImportError(name)

    module.find_module = find_module  # type: ignore[attr-defined]
    return module


AudioProcessingModule: Final[Any] = _load()
