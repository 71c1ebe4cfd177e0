"""The weights without torch: the exported file has them to the bit, and comes first."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from media_pod.duplex.vad.weights import EXPORTED, export, load_weights

WITHOUT_TORCH = """
import sys
sys.modules["torch"] = sys.modules["silero_vad"] = None
from pathlib import Path
from media_pod.duplex.vad import silero as vad, weights
vad.load_weights = lambda rate: weights.load_weights(rate, Path(sys.argv[1]))
for rate in (8000, 16000):
    vad.SileroNetwork(rate)
"""


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "weights.npz"
    export(path)
    return path


@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_exported_weights_are_those_of_the_package_to_the_bit(
    exported: Path, rate_hz: int, tmp_path: Path
) -> None:
    package, file = load_weights(rate_hz, tmp_path / "none"), load_weights(rate_hz, exported)
    assert package.keys() == file.keys() != set()
    for name, array in package.items():
        assert file[name].dtype == array.dtype == np.float32
        np.testing.assert_array_equal(file[name].view(np.uint32), array.view(np.uint32))


def test_the_exported_file_needs_neither_torch_nor_silero(exported: Path) -> None:
    subprocess.run([sys.executable, "-c", WITHOUT_TORCH, str(exported)], check=True)


def test_the_file_that_set_up_exported_is_of_the_installed_package(tmp_path: Path) -> None:
    package, file = load_weights(8000, tmp_path / "none"), load_weights(8000, EXPORTED)
    assert package.keys() == file.keys()
    assert all(np.array_equal(file[name], array) for name, array in package.items())


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut short"])
def test_a_file_that_is_none_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "weights.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"weights\.npz: not an export of media_pod"):
        load_weights(8000, path)
