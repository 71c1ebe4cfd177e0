"""How much of a text was heard, counted in letters.

Not in words: a voice may split a text into other words than its blanks do, and some scripts write
no blanks between words.
"""


def letters_of(text: str) -> int:
    """Number of the characters of `text`, without white space."""
    return sum(not sign.isspace() for sign in text)
