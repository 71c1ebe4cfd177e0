"""Word timing: maps the events of a synthesizer to the samples of each word."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from media_pod.providers.tts.sentences import is_mark
from media_pod.providers.tts.spoken_words import spoken_letters, word_groups


@dataclass(slots=True)
class _Token:
    text: str
    reach: int
    """End of the text positions of this token's events; they start at the previous `reach`."""
    start: int | None = None

    @property
    def weight(self) -> int:
        """Estimate of its duration."""
        return max(1, spoken_letters(self.text))


def spans(
    text: str, events: Sequence[tuple[int, int]], end_sample: int
) -> list[tuple[str, int, int]]:
    """Divide the audio of `text` among its words.

    Synthesizers report one event for some groups of words ("on the") and several for some words
    ("4712"). A word with its own event starts there; the words of a group share their time in
    proportion to their letters. In scripts without blanks between words each character is one.
    Punctuation that is not spoken, such as a dash, belongs to the
    previous word, or to the first word if there is none.

    Args:
        text: the spoken text.
        events: text position (0-based, in characters) and sample of each event, in order.
        end_sample: length of the audio in samples.

    Returns:
        Each word with its first sample and that of the next word (`end_sample` for the last word),
        in order, without gaps after the first word's start; start <= end. The texts, joined by
        blanks, equal `text` except for white space.
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
        reach = found.start()
        for group in word_groups(found[0]):
            blank = " " if reach == found.start() else ""
            reach += len(group)
            if not is_mark(group):
                tokens.append(_Token(leading + group, reach))
                leading = ""
            elif tokens:
                # The dash belongs to the previous word, but espeak reports the next word at the
                # dash's position: the previous `reach` stays, so that the event goes to the next.
                tokens[-1].text += blank + group
            else:
                leading += f"{group} "
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
