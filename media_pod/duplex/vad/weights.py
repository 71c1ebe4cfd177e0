"""Where the speech detector's weights come from.

They are those of the JIT file inside the silero-vad package, which only torch can read: a large
package for a few megabytes. `python -m media_pod.duplex.vad.weights` writes them as arrays to a
file beside this module. Set-up does that once, so that a pod starts without torch; an image has the
file, and neither torch nor silero-vad.

The rule: the file beside this module, if it is there; otherwise silero-vad, through torch.
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
    """The network's arrays for `rate` (8000 or 16000), by name.

    Raises:
        ValueError: the exported file is not one.
        OSError, RuntimeError: what torch makes of a package that is damaged.
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
            f"{path}: not a file of exported weights ({error}); export it anew: "
            "python -m media_pod.duplex.vad.weights"
        ) from error


def _from_package(rate: int) -> Weights:
    import torch

    path = files("silero_vad") / "data" / "silero_vad.jit"
    prefix = _PREFIXES[rate]
    with warnings.catch_warnings():
        # The package has no other file with the weights of both rates.
        warnings.filterwarnings("ignore", "`torch.jit.load` is deprecated", DeprecationWarning)
        state: dict[str, Any] = torch.jit.load(str(path), map_location="cpu").state_dict()
    return {
        name.removeprefix(prefix): tensor.numpy().astype(np.float32)
        for name, tensor in state.items()
        if name.startswith(prefix)
    }


if __name__ == "__main__":
    export()
