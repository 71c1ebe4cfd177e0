"""Prints Piper's own duration of every phoneme, as JSON: `python piper_durations.py MODEL TEXT...`.

Runs in the environment of the rig's voices, for a comparison with estimated word times. The audio
of each text is written to standard output too, in hexadecimal.
"""

import json
import sys

import onnxruntime
from piper import PiperVoice  # type: ignore[import-not-found]  # in that environment

SEED = 1
"""Piper draws the length of each phoneme."""


def main() -> None:
    """See the module."""
    model, *texts = sys.argv[1:]
    onnxruntime.set_seed(SEED)
    voice = PiperVoice.load(model, include_alignments=True)
    spoken = []
    for text in texts:
        chunks = list(voice.synthesize(text, include_alignments=True))
        spoken.append(
            {
                "rate_hz": chunks[0].sample_rate,
                "pcm": b"".join(chunk.audio_int16_bytes for chunk in chunks).hex(),
                "phonemes": [
                    (alignment.phoneme, int(alignment.num_samples))
                    for chunk in chunks
                    for alignment in chunk.phoneme_alignments
                ],
            }
        )
    json.dump(spoken, sys.stdout)


if __name__ == "__main__":
    main()
