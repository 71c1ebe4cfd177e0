"""Runs the model of a Piper voice: a VITS network exported to ONNX."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from media_pod.errors import SetupError
from media_pod.providers.tts.level import Samples

_DURATIONS = b"/Ceil_output_0"
"""Name of the frames per phoneme id, before they are expanded to the length of the audio: the one
node Ceil in the graph of VITS, as PyTorch's exporter names its output."""


@dataclass(frozen=True, slots=True)
class ModelAudio:
    """The audio of a sequence of phoneme ids."""

    samples: Samples
    """Full scale 1."""
    ends: NDArray[np.int64] | None
    """[ids] end of the audio of each id, in samples; None if the graph does not have it."""


class PiperGraph:
    """The model in onnxruntime, on one thread."""

    def __init__(self, path: Path) -> None:
        """Load the model.

        Raises:
            SetupError: onnxruntime cannot load it, or it is not the graph of a Piper voice.
        """
        self._session, self._has_durations = _load(path)
        inputs = {node.name for node in self._session.get_inputs()}
        if not {"input", "input_lengths", "scales"} <= inputs:
            raise SetupError(
                f"{path}: inputs {', '.join(sorted(inputs))}; expected input, input_lengths and "
                "scales, as in a Piper voice"
            )
        self._has_speakers = "sid" in inputs

    def run(
        self, ids: list[int], noise_scale: float, length_scale: float, noise_w: float
    ) -> ModelAudio:
        """Synthesize; blocks for about a tenth of the duration of the audio."""
        inputs: dict[str, Any] = {
            "input": np.array([ids], np.int64),
            "input_lengths": np.array([len(ids)], np.int64),
            "scales": np.array([noise_scale, length_scale, noise_w], np.float32),
        }
        if self._has_speakers:
            inputs["sid"] = np.array([0], np.int64)
        audio, *durations = self._session.run(None, inputs)
        samples: Samples = audio.reshape(-1)
        if not self._has_durations:
            return ModelAudio(samples, None)
        frames = durations[0].reshape(-1)
        frame_samples = samples.size / max(1.0, float(frames.sum()))
        return ModelAudio(samples, np.rint(np.cumsum(frames) * frame_samples).astype(np.int64))


def _load(path: Path) -> tuple[Any, bool]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors; it warns about every graph of this kind
    # The arena keeps the memory of the longest clause: 350 MB instead of 286 MB, for 10 % of speed.
    options.enable_cpu_mem_arena = False
    providers = ["CPUExecutionProvider"]
    try:
        model = with_output(path.read_bytes(), _DURATIONS)
        return onnxruntime.InferenceSession(model, options, providers=providers), True
    except Exception:  # onnxruntime's errors have no common base
        # Exporters of other versions name it otherwise: word times are then estimated.
        try:
            return onnxruntime.InferenceSession(str(path), options, providers=providers), False
        except Exception as error:
            raise SetupError(
                f"{path}: onnxruntime cannot load it ({error}); expected a Piper voice"
            ) from error


def with_output(model: bytes, name: bytes) -> bytes:
    """The ONNX model `model` with the value `name` as one more output of its graph.

    Protocol buffers merge a message that occurs twice, field by field, and append repeated fields
    (https://protobuf.dev/programming-guides/encoding/#last-one-wins), so it is enough to append a
    graph with nothing but this output. onnxruntime infers its type.
    """
    # onnx.proto: ModelProto.graph = 7, GraphProto.output = 12, ValueInfoProto.name = 1.
    return model + _field(7, _field(12, _field(1, name)))


def _field(number: int, content: bytes) -> bytes:
    """A length-delimited field; `number` below 16, `content` below 128 bytes."""
    return bytes([number << 3 | 2, len(content)]) + content
