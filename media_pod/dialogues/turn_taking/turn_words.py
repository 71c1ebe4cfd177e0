"""English words by what they tell about a turn: whether it goes on, and what answers."""

import re
from typing import Final

_WORD: Final = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")

Phrases = frozenset[tuple[str, ...]]


def _phrases(text: str) -> Phrases:
    """Phrases from a text in which commas separate them."""
    return frozenset(tuple(phrase.split()) for phrase in text.split(","))


HESITATIONS: Final = _phrases("uh, um, uhm, umm, er, erm, eh, ah, hm, hmm, you know")
LEADS: Final = _phrases(
    "my name is, my number is, the number is, number is, my address is, the address is,"
    "my email is, my code is, the code is, the thing is, let me see, let me check,"
    "let me think, let me look, let me get, hold on, hang on, wait, one moment, one second,"
    "just a moment, just a second, just a minute, give me a second, give me a moment,"
    "bear with me, i think, i mean, i want to, i would like to, i'd like to, i need to,"
    "can you, could you, would you, it's, that's, i'm, we're, they're, there's, what about,"
    "how about, for example"
)
"""They ask for time, or announce what follows."""
NEVER_LAST: Final = _phrases(
    "and, or, but, nor, because, although, unless, whether, if, than, as, the, a, an, my, your,"
    "our, their, every, very, i'd, i'll, i've, we'll, you'd, let's"
)
SELDOM_LAST: Final = _phrases(
    "to, of, for, from, with, without, at, by, in, into, on, onto, about, over, under, between,"
    "before, after, since, until, is, are, was, were, am, be, been, has, had, would, should, must,"
    "which, who, when, where, its, i, we, they, he, she, number, well, like"
)
CORRECTIONS: Final = frozenset("no sorry wait mean actually correction".split())
"""After one of these a number is said anew."""
ACKNOWLEDGEMENTS: Final = frozenset("yes yeah yep sure okay ok right of course alright so".split())
"""Words before an answer that are none yet."""
BACKCHANNELS: Final = _phrases(
    "mhm, mm hmm, mmhmm, mm, hmm, hm, uh huh, ah, aha, oh, oh really, okay, ok, okay then, right,"
    "alright, all right, yeah, yes, yep, yup, sure, i see, got it, gotcha, good, great, cool, nice,"
    "perfect, fine, wow, really, of course, exactly, true, makes sense, i understand, understood"
)
"""What a listener says to show attention, without wanting the turn."""
NO_ANSWERS: Final = _phrases("mm, hmm, hm, ah, aha, oh, oh really, i see, wow, really")
"""Those of them that answer no question."""

_OH: Final = frozenset(("oh", "o"))
_ZERO: Final = frozenset(("zero", "nought"))
_BEFORE_PRONOUN: Final = frozenset("have the this that which another no a any only".split())
_UNITS: Final = frozenset("zero nought one two three four five six seven eight nine".split())
_TEENS: Final = frozenset(
    "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
)
_TENS: Final = frozenset("twenty thirty forty fifty sixty seventy eighty ninety".split())
_TIMES: Final = {"double": 2, "triple": 3, "treble": 3}


def words_of(text: str) -> tuple[str, ...]:
    """The words of `text` in lower case, without punctuation; "uh-huh" is two."""
    return tuple(word.replace("’", "'") for word in _WORD.findall(text.lower()))


def ends_with(words: tuple[str, ...], phrases: Phrases) -> bool:
    """Whether the last words are one of `phrases`."""
    longest = max(map(len, phrases))
    return any(words[-length:] in phrases for length in range(1, min(longest, len(words)) + 1))


def consists_of(words: tuple[str, ...], phrases: Phrases) -> bool:
    """Whether `words` are one or more of `phrases`, one after the other."""
    reached = {0}
    longest = max(map(len, phrases))
    for end in range(1, len(words) + 1):
        starts = range(max(0, end - longest), end)
        if any(at in reached and words[at:end] in phrases for at in starts):
            reached.add(end)
    return bool(words) and len(words) in reached


def count_digits(words: tuple[str, ...], *, spoken: bool) -> int:
    """How many digits `words` have: "4713", "four seven", "double seven", "forty-seven".

    Args:
        words: as from `words_of`.
        spoken: count English number words too; "hundred" and "thousand" count nothing, so that a
            number said with them seems shorter than it is.
    """
    if not spoken:
        return sum(map(_written_digits, words))
    around = ("", *words, "")
    return sum(
        _spoken_digits(before, word, after)
        for before, word, after in zip(around, words, around[2:], strict=False)
    )


def _written_digits(word: str) -> int:
    return sum(map(str.isdecimal, word))


def _spoken_digits(before: str, word: str, after: str) -> int:
    if word in _TENS or word in _TEENS:
        digits = 2
    elif word in _OH:  # "oh four seven", but "oh, I see"
        digits = int(is_number(before) or is_number(after))
    elif word == "one" and before in _BEFORE_PRONOUN:
        digits = 0
    elif word in _UNITS:
        digits = 0 if before in _TENS and word not in _ZERO else 1  # "forty-seven" has two in all
    else:
        digits = _written_digits(word)
    return digits * _TIMES.get(before, 1)


def is_number(word: str) -> bool:
    """Whether `word` has digits, or is an English word for some, or for how often one comes."""
    known = word in _TENS or word in _TEENS or word in _UNITS or word in _OH or word in _TIMES
    return known or _written_digits(word) > 0
