"""The file of the learned judge: networks, stop rule, version of the features, provenance."""

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from media_pod.duplex.decision.judge.features import FEATURES, VERSION
from media_pod.duplex.decision.judge.network import ARRAYS, Network
from media_pod.duplex.decision.judge.stop_rule import StopRule

PACKAGED: Final = Path(__file__).parent.with_name("judge_weights.npz")
"""The weights of the product."""
MOST_PARAMETERS: Final = 60_000
"""Of one network: what a tick has time for."""
MAKE: Final = "interject lab train"


class JudgeWeightsError(ValueError):
    """A file of weights that cannot be used; one line for the user."""


@dataclass(frozen=True, slots=True)
class JudgeWeights:
    """Content of a file of weights."""

    networks: tuple[Network, ...]
    rule: StopRule
    provenance: str
    """What it was trained on and how, in a line."""


def save(
    path: Path,
    networks: Sequence[Mapping[str, NDArray[np.float32]]],
    rule: StopRule,
    provenance: str,
) -> None:
    """Write a file of weights.

    Args:
        path: ending in `.npz`; replaced at once, when all is written.
        networks: arrays by the names in `ARRAYS`, each as PyTorch shapes them.
        rule: see `StopRule`.
        provenance: what it was trained on and how, in a line.

    Raises:
        ValueError: arrays are missing, do not fit or are too many.
    """
    arrays: dict[str, NDArray[Any]] = {}
    for number, network in enumerate(networks):
        _checked(network)
        for name in ARRAYS:
            arrays[f"{number}.{name}"] = np.asarray(network[name], np.float32)
    for name, value in asdict(rule).items():
        arrays[f"rule.{name}"] = np.array(value)
    arrays |= {"features_version": np.array(VERSION), "provenance": np.array(provenance)}
    draft = path.with_suffix(".new")
    with draft.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
    draft.replace(path)


def load(path: Path) -> JudgeWeights:
    """Read a file of weights.

    Raises:
        JudgeWeightsError: it is no such file, or of another version of the features.
        OSError: it cannot be read.
    """
    try:
        with path.open("rb") as file, np.load(file) as archive:
            arrays = {name: archive[name] for name in archive}
            return _content(path, arrays)
    except (zipfile.BadZipFile, EOFError, KeyError, ValueError) as error:
        if isinstance(error, JudgeWeightsError):
            raise
        cause = " ".join(str(error).split())
        raise JudgeWeightsError(
            f"{path}: not a file of the judge's weights ({cause}); make it: {MAKE}"
        ) from error


def _content(path: Path, arrays: Mapping[str, NDArray[np.float32]]) -> JudgeWeights:
    version = int(arrays["features_version"])
    if version != VERSION:
        raise JudgeWeightsError(
            f"{path}: weights for version {version} of the features, this is version {VERSION}; "
            f"make new ones: {MAKE}"
        )
    count = 1 + max(int(name.split(".")[0]) for name in arrays if name[0].isdigit())
    networks = []
    for number in range(count):
        prefix = f"{number}."
        own = [name for name in arrays if name.startswith(prefix)]
        networks.append(_checked({name.removeprefix(prefix): arrays[name] for name in own}))
    rule = {field.name: float(arrays[f"rule.{field.name}"]) for field in fields(StopRule)}
    return JudgeWeights(tuple(networks), StopRule(**rule), str(arrays["provenance"]))


def _checked(arrays: Mapping[str, NDArray[np.float32]]) -> Network:
    network = Network(arrays)
    if network.features != FEATURES:
        raise ValueError(f"a network of {network.features} features, not {FEATURES}")
    parameters = sum(arrays[name].size for name in ARRAYS)
    if parameters > MOST_PARAMETERS:
        raise ValueError(f"a network of {parameters} parameters, at most {MOST_PARAMETERS}")
    return network
