"""Loads the weights of Silero VAD.

The silero-vad package has them in a TorchScript file, which only torch can read. Set-up and the
image build run `python -m media_pod.duplex.vad.weights`, which exports the arrays to a file next to
this module: pods start without torch, and their image has neither torch nor silero-vad.

If that file exists, it is used; otherwise the weights are read from silero-vad through torch.
"""

import warnings
import zipfile
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Weights = dict[str, NDArray[np.float32]]

EXPORTED: Final = Path(__file__).with_name("silero_vad.npz")
_PREFIXES: Final = {8000: "_model_8k.", 16000: "_model."}


def load_weights(rate: int, exported: Path = EXPORTED) -> Weights:
    """The network's arrays for `rate` (8000 or 16000 Hz), by name.

    Raises:
        ValueError: the exported file is not an archive of arrays.
        OSError, RuntimeError: torch cannot read the file of the package.
    """
    if exported.exists():
        return _load(rate, exported)
    return _from_package(rate)


def export(path: Path = EXPORTED) -> None:
    """Write the weights of both rates to `path`."""
    arrays = {
        f"{rate}.{name}": array for rate in _PREFIXES for name, array in _from_package(rate).items()
    }
    draft = path.with_suffix(".new")
    with draft.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
    draft.replace(path)


def _load(rate: int, path: Path) -> Weights:
    prefix = f"{rate}."
    try:
        with path.open("rb") as file, np.load(file) as arrays:
            return {n.removeprefix(prefix): arrays[n] for n in arrays if n.startswith(prefix)}
    except (zipfile.BadZipFile, EOFError) as error:
        raise ValueError(
            f"{path}: not an export of media_pod.duplex.vad.weights ({error}); run it again"
        ) from error


def _from_package(rate: int) -> Weights:
    import torch

    path = files("silero_vad") / "data" / "silero_vad.jit"
    prefix = _PREFIXES[rate]
    with warnings.catch_warnings():
        # No other file of the package has the weights of both rates.
        warnings.filterwarnings("ignore", "`torch.jit.load` is deprecated", DeprecationWarning)
        state: dict[str, Any] = torch.jit.load(str(path), map_location="cpu").state_dict()
    return {
        name.removeprefix(prefix): tensor.numpy().astype(np.float32)
        for name, tensor in state.items()
        if name.startswith(prefix)
    }


if __name__ == "__main__":
    export()
