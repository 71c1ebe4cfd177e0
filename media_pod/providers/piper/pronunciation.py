"""Text to the phonemes that Piper voices were trained with: espeak's, with the marks of clauses."""

import re
import unicodedata
from collections.abc import Callable, Sequence

from media_pod.providers.builtin.espeak_engine import PhonemeClause
from media_pod.providers.tts.espeak_text import without_title_stops

Phonemize = Callable[[str], Sequence[PhonemeClause]]
"""espeak's pronunciation of a text, clause by clause."""

_CHANGE_OF_LANGUAGE = re.compile(r"\([a-z-]+\)")
_MARK = re.compile(r"[.,;:!?…，、；：。！？—–]")
_AS_TRAINED = str.maketrans("…，、；：。！？—–", ".,,;:.!?,,")


def pronounce(text: str, phonemize: Phonemize) -> str:
    """Phonemes of `text`: blanks between words, the mark that ends each clause after it.

    espeak drops the marks, but the voices were trained with them and use them for intonation.

    Returns:
        One character per phoneme, or part of a phoneme: in canonical decomposition (NFD).
    """
    clauses = []
    for clause in phonemize(without_title_stops(text)):
        ipa = _CHANGE_OF_LANGUAGE.sub("", clause.ipa)
        marks = _MARK.findall(clause.text)
        at_end = marks and not clause.text.rpartition(marks[-1])[2].strip("\"'”’»)] \n\t")
        clauses.append(ipa + (marks[-1].translate(_AS_TRAINED) if at_end else ""))
    return unicodedata.normalize("NFD", " ".join(clause for clause in clauses if clause))
