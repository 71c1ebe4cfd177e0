"""The recognizer process: `python -m media_pod.providers.builtin.sphinx_worker`.

pocketsphinx holds the GIL while it decodes, 0.3 s for 10 s of noise, which would stall the pod's
20 ms clock. The process imports neither the pod nor torch.

Request: a payload of 16-bit PCM at `RATE_HZ`. Answer: {"text": ...}.
"""

import re
from typing import Any

from media_pod.providers.builtin.sphinx_grammar import GRAMMAR, WORDS, accepts
from media_pod.providers.worker_child import Fields, Handler, WorkerMessage, run

RATE_HZ = 16000
"""Sample rate of the acoustic model in the pocketsphinx package."""
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


def handler(_settings: Fields) -> Handler:
    """Load the model; see `worker_child.run`."""
    decoder = load()

    def answer(request: WorkerMessage) -> WorkerMessage:
        return WorkerMessage({"text": decode(decoder, request.payload)})

    return answer


if __name__ == "__main__":
    run(handler)
