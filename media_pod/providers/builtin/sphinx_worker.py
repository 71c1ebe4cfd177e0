"""The recognizer process: `python -m media_pod.providers.builtin.sphinx_worker`.

pocketsphinx holds the GIL while it decodes, 0.3 s for 10 s of noise, which would stall the pod's
20 ms clock. `sphinx_process` starts this process; it imports neither the pod nor torch. It exits at
the end of its input, so it does not outlive the pod.

Input, per utterance: a 32-bit little-endian number of bytes, then that many bytes of 16-bit PCM at
`RATE_HZ`. Output: one JSON object per line: first `{"ready": true}` or `{"error": ...}`, then
`{"text": ...}` for each utterance.
"""

import json
import re
import signal
import struct
import sys
from typing import Any, BinaryIO

from media_pod.providers.builtin.sphinx_grammar import GRAMMAR, WORDS, accepts

RATE_HZ = 16000
"""Sample rate of the acoustic model in the pocketsphinx package."""
HEADER = struct.Struct("<I")
MIN_PROBABILITY = 0.0026
"""Minimum posterior probability of an accepted utterance: the lowest of the correct answers for two
synthetic voices. For four other voices it rejected 17 of 39 wrong answers and 1 of 55 correct ones,
but only 4 of 21 answers to sentences outside the grammar."""

_VARIANT = re.compile(r"\(\d+\)$")
_SETTINGS = {
    # High silence probability and a penalty per word: with pocketsphinx's defaults, 0.005 and 0.65,
    # line noise between two digits is recognized as a digit.
    "silprob": 1.0,
    "wip": 1e-3,
    # Limits the decoding time of noise, where pruning is not effective.
    "maxhmmpf": 2000,
}


def load() -> Any:
    """A decoder for `GRAMMAR`.

    Raises:
        ImportError: pocketsphinx is not installed.
        RuntimeError: its model does not load.
        OSError: its dictionary cannot be read.
    """
    from pocketsphinx import Decoder, get_model_path

    decoder = Decoder(
        hmm=get_model_path("en-us/en-us"), dict=None, lm=None, loglevel="FATAL", **_SETTINGS
    )
    with open(get_model_path("en-us/cmudict-en-us.dict"), encoding="utf-8") as dictionary:
        for line in dictionary:
            word, phones = line.split(maxsplit=1)
            if _VARIANT.sub("", word) in WORDS:
                decoder.add_word(word, phones.strip(), False)
    decoder.add_jsgf_string("desk", GRAMMAR)
    decoder.activate_search("desk")
    return decoder


def decode(decoder: Any, pcm: bytes) -> str:
    """The text of one utterance of 16-bit PCM at `RATE_HZ`; "" if no rule matches well."""
    decoder.start_utt()
    decoder.process_raw(pcm, no_search=False, full_utt=True)
    decoder.end_utt()
    hypothesis = decoder.hyp()
    if hypothesis is None:
        return ""
    text: str = hypothesis.hypstr
    # If no path reaches the end of a rule, pocketsphinx returns the best incomplete one ("where is
    # my"): a sign of speech outside the grammar.
    return text if accepts(text) and hypothesis.prob >= MIN_PROBABILITY else ""


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Decode utterances until the end of the input."""
    try:
        decoder = load()
    except (ImportError, RuntimeError, OSError) as error:
        _answer(answers, {"error": f"{type(error).__name__}: {error}"})
        return
    _answer(answers, {"ready": True})
    while len(header := requests.read(HEADER.size)) == HEADER.size:
        (size,) = HEADER.unpack(header)
        pcm = requests.read(size)
        if len(pcm) < size:
            return
        _answer(answers, {"text": decode(decoder, pcm)})


def _answer(answers: BinaryIO, message: dict[str, object]) -> None:
    answers.write(json.dumps(message).encode() + b"\n")
    answers.flush()


def main() -> None:
    """Serve standard input and output; the parent handles Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        serve(sys.stdin.buffer, sys.stdout.buffer)
    except BrokenPipeError:
        # The parent is gone. Without this, the interpreter reports the error again at exit.
        sys.stdout = None


if __name__ == "__main__":
    main()
