"""The recognizer's own process: `python -m media_pod.providers.builtin.sphinx_worker`.

pocketsphinx holds the GIL while it decodes, 0.3 s for 10 s of noise, which a pod with a 20 ms
clock cannot give away. The process is started by `sphinx_process`; it imports neither the pod nor
torch. It ends at the end of its input, so that it never outlives the pod.

Input, per utterance: a 32-bit little-endian count of bytes, then as many bytes of 16-bit PCM at
`RATE_HZ`. Output: a JSON object per line, `{"text": ...}` for each utterance, before the first
`{"ready": true}` or `{"error": ...}`.
"""

import json
import re
import signal
import struct
import sys
from typing import Any, BinaryIO

from media_pod.providers.builtin.sphinx_grammar import GRAMMAR, WORDS, accepts

RATE_HZ = 16000
"""Of the acoustic model that comes with pocketsphinx."""
HEADER = struct.Struct("<I")
MIN_PROBABILITY = 0.0026
"""Posterior probability below which an utterance counts as not understood: the lowest that a right
answer had for two synthetic voices. For four others it dropped 17 of 39 wrong answers and 1 of 55
right ones, but only 4 of 21 answers to sentences that are not in the grammar at all."""

_VARIANT = re.compile(r"\(\d+\)$")
_SETTINGS = {
    # Silence between words is as likely as not, and every word has its price: with pocketsphinx's
    # own 0.005 and 0.65, the noise of a line between two digits becomes a digit.
    "silprob": 1.0,
    "wip": 1e-3,
    # Bounds the time for noise, where nothing can be pruned.
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
    """The words of one utterance of 16-bit PCM at `RATE_HZ`, "" if no rule fits well."""
    decoder.start_utt()
    decoder.process_raw(pcm, no_search=False, full_utt=True)
    decoder.end_utt()
    hypothesis = decoder.hyp()
    if hypothesis is None:
        return ""
    text: str = hypothesis.hypstr
    # When no path reaches the end of a rule, pocketsphinx gives the best one that is half way
    # there ("where is my"): a mark of speech that is not in the grammar.
    return text if accepts(text) and hypothesis.prob >= MIN_PROBABILITY else ""


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer utterances until the input ends."""
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
    """Serve standard input and output; Ctrl-C is the parent's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        serve(sys.stdin.buffer, sys.stdout.buffer)
    except BrokenPipeError:
        # The parent is gone; the interpreter would complain again when it flushes at exit.
        sys.stdout = None


if __name__ == "__main__":
    main()
