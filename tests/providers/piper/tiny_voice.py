"""A Piper voice of 1 kB: the inputs and outputs of the real graph, a buzz for a voice.

Each phoneme lasts as many frames as its id says, times the length scale. The model is written as
protocol buffers by hand (onnx.proto), because the tests need no other use of the package onnx.
"""

import json
import struct
from pathlib import Path
from typing import Any

RATE_HZ = 16_000
FRAME_SAMPLES = 160
"""Samples per frame of the graph: 10 ms."""
MARKS = " !,-.:;?"
_INT64, _FLOAT = 7, 1


def write_voice(folder: Path, durations: str = "/Ceil_output_0", **changes: Any) -> Path:
    """Write `tiny.onnx` and its description.

    Args:
        folder: where.
        durations: name of the value that has the durations.
        changes: fields of the description that differ.
    """
    path = folder / "tiny.onnx"
    path.write_bytes(_model(durations))
    description = {
        "audio": {"sample_rate": RATE_HZ},
        "espeak": {"voice": "en-us"},
        "inference": {"noise_scale": 0.6, "length_scale": 1, "noise_w": 0.8},
        "phoneme_id_map": phoneme_ids(),
    }
    text = json.dumps({**description, **changes})
    path.with_name("tiny.onnx.json").write_text(text, encoding="utf-8")
    return path


def phoneme_ids() -> dict[str, list[int]]:
    """Pads take one frame, marks and blanks five, sounds ten and more."""
    ids = {"_": [1], "^": [2], "$": [3], **{mark: [5] for mark in MARKS}}
    sounds = "abcdefhijklmnopstuvwxzæðŋɐɑɔəɚɛɜɡɪɹɾʃʊʌʒθᵻˈˌː"
    return ids | {sound: [10 + number % 5] for number, sound in enumerate(sounds)}


def _model(durations: str) -> bytes:
    nodes = [
        _node("Cast", ["input"], ["ids"], to=_FLOAT),
        _node("Gather", ["scales", "one_index"], ["length_scale"]),
        _node("Mul", ["ids", "length_scale"], ["scaled"]),
        _node("Ceil", ["scaled"], [durations]),
        _node("ReduceSum", [durations], ["frames"], keepdims=0),
        _node("Mul", ["frames", "frame_samples"], ["length"]),
        _node("Range", ["zero", "length", "one"], ["times"]),
        _node("Mul", ["times", "pitch"], ["phases"]),
        _node("Sin", ["phases"], ["output"]),
    ]
    constants = {"zero": 0.0, "one": 1.0, "frame_samples": float(FRAME_SAMPLES), "pitch": 0.1}
    graph = b"".join(_field(1, node) for node in nodes) + _field(2, b"tiny")
    for name, value in constants.items():
        graph += _field(
            5, _number(2, _FLOAT) + _field(8, name) + _field(9, struct.pack("<f", value))
        )
    index = _number(2, _INT64) + _field(8, "one_index") + _field(9, struct.pack("<q", 1))
    graph += _field(5, index)
    inputs: tuple[tuple[str, int, list[int | str]], ...] = (
        ("input", _INT64, ["batch", "ids"]),
        ("input_lengths", _INT64, ["batch"]),
        ("scales", _FLOAT, [3]),
    )
    for name, kind, size in inputs:
        graph += _field(11, _value(name, kind, size))
    graph += _field(12, _value("output", _FLOAT, ["samples"]))
    return _number(1, 8) + _field(7, graph) + _field(8, _number(2, 13))


def _node(operator: str, inputs: list[str], outputs: list[str], **attributes: int) -> bytes:
    node = b"".join(_field(1, name) for name in inputs) + b"".join(_field(2, o) for o in outputs)
    node += _field(4, operator)
    for name, value in attributes.items():
        node += _field(5, _field(1, name) + _number(3, value) + _number(20, 2))
    return node


def _value(name: str, kind: int, shape: list[int | str]) -> bytes:
    sizes = (_number(1, size) if isinstance(size, int) else _field(2, size) for size in shape)
    dimensions = b"".join(_field(1, size) for size in sizes)
    tensor = _field(1, _number(1, kind) + _field(2, dimensions))
    return _field(1, name) + _field(2, tensor)


def _field(number: int, content: bytes | str) -> bytes:
    data = content.encode() if isinstance(content, str) else content
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])
