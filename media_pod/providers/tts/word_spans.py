"""Which stretch of the audio belongs to which word, from the events of a synthesizer."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from media_pod.providers.tts.sentences import is_mark


@dataclass(slots=True)
class _Token:
    text: str
    reach: int
    """Events at text positions below this, and not below the token before's, are this one's."""
    start: int | None = None

    @property
    def weight(self) -> int:
        """How long it takes to say, as far as its letters tell."""
        return max(1, sum(sign.isalnum() for sign in self.text))


def spans(
    text: str, events: Sequence[tuple[int, int]], end_sample: int
) -> list[tuple[str, int, int]]:
    """Cut the audio of `text` into its words.

    Synthesizers read some groups of words as one ("on the" gives one event), some words as several
    ("4712"). A word of its own event starts there; a group shares its stretch by letters. Marks
    that nobody speaks, such as a dash, belong to the word before them, and to the first word if
    there is none before.

    Args:
        text: what was spoken.
        events: text position (0-based, characters) and sample of each event, in order.
        end_sample: length of the audio.

    Returns:
        Each word with its first sample and the first one of the next word (`end_sample` for the
        last), in order, without gaps from the first word on; a start is never after its end. The
        texts joined by blanks are `text` up to white space.
    """
    tokens = _tokens(text)
    for position, sample in events:
        token = next((token for token in tokens if position < token.reach), None)
        if token is not None and token.start is None:
            token.start = min(sample, end_sample)
    return list(_shared(tokens, end_sample))


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    leading = ""
    for found in re.finditer(r"\S+", text):
        if not is_mark(found[0]):
            tokens.append(_Token(leading + found[0], found.end()))
            leading = ""
        elif tokens:
            # The mark's text joins the word before, but espeak reports the word after a dash at
            # the dash: the reach stays, and so the event goes to the word after.
            tokens[-1].text += f" {found[0]}"
        else:
            leading += f"{found[0]} "
    return tokens


def _shared(tokens: list[_Token], end_sample: int) -> Iterator[tuple[str, int, int]]:
    if not tokens:
        return
    if tokens[0].start is None:
        tokens[0].start = 0
    heads = [index for index, token in enumerate(tokens) if token.start is not None]
    before = 0
    for head, following in zip(heads, [*heads[1:], len(tokens)], strict=True):
        first = max(before, tokens[head].start or 0)
        last = end_sample if following == len(tokens) else tokens[following].start or 0
        last = max(first, last)
        group = tokens[head:following]
        total = sum(token.weight for token in group)
        done = 0
        for token in group:
            start = first + (last - first) * done // total
            done += token.weight
            yield token.text, start, first + (last - first) * done // total
        before = last
