"""Reads the description of a Piper voice: the `.onnx.json` file beside its model."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from media_pod.errors import SetupError

_PAD, _BEGIN, _END = "_", "^", "$"


@dataclass(frozen=True, slots=True)
class VoiceFile:
    """What synthesis needs to know of a voice."""

    rate_hz: int
    """Sample rate of the model's audio."""
    espeak_voice: str
    """The espeak-ng voice that pronounced the training texts."""
    noise_scale: float
    length_scale: float
    """Duration of phonemes relative to the model's; 2 speaks half as fast."""
    noise_w: float
    ids: Mapping[str, tuple[int, ...]]
    """Ids of each phoneme, a single character of IPA or a mark."""

    def encode(self, phonemes: str) -> tuple[list[int], list[int]]:
        """Ids as in the training of Piper voices: a pad after each, a begin and an end.

        Returns:
            The ids, and for each character of `phonemes` the index of its first id. A character
            that the voice does not know has no ids: its index is that of the next one.
        """
        pad = self.ids[_PAD]
        encoded = [*self.ids[_BEGIN], *pad]
        starts = []
        for phoneme in phonemes:
            starts.append(len(encoded))
            if known := self.ids.get(phoneme):
                encoded += [*known, *pad]
        return [*encoded, *self.ids[_END]], starts


def read_voice_file(model: Path) -> VoiceFile:
    """Read the description of the voice whose model is at `model`.

    Raises:
        SetupError: a file is missing, or is not of a Piper voice with espeak's phonemes.
    """
    path = model.with_name(f"{model.name}.json")
    for file in (model, path):
        if not file.is_file():
            raise SetupError(
                f"{file}: no such file; expected a Piper voice: NAME.onnx and NAME.onnx.json"
            )
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return _voice(data)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SetupError(
            f"{path}: {type(error).__name__}: {error}; expected the description of a Piper voice"
        ) from error


def _voice(data: Mapping[str, Any]) -> VoiceFile:
    kind = data.get("phoneme_type", "espeak")
    if kind != "espeak":
        raise ValueError(f"phoneme_type is {kind!r}, expected 'espeak'")
    inference = data.get("inference", {})
    ids = {phoneme: tuple(map(int, ids)) for phoneme, ids in data["phoneme_id_map"].items()}
    if missing := {_PAD, _BEGIN, _END} - ids.keys():
        raise ValueError(f"phoneme_id_map has no {', '.join(sorted(missing))}")
    return VoiceFile(
        rate_hz=int(data["audio"]["sample_rate"]),
        espeak_voice=str(data["espeak"]["voice"]),
        # Defaults of the training of Piper voices.
        noise_scale=float(inference.get("noise_scale", 0.667)),
        length_scale=float(inference.get("length_scale", 1.0)),
        noise_w=float(inference.get("noise_w", 0.8)),
        ids=ids,
    )
