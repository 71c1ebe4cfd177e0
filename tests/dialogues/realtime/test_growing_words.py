"""Words of a text that grows are those of the whole text."""

from hypothesis import given
from hypothesis import strategies as st

from media_pod.dialogues.realtime.growing_words import GrowingWords
from media_pod.providers.tts.spoken_words import spoken_words

texts = st.text(st.sampled_from("ab1 ,.–-\"(?'\n你好。カー"), max_size=30)


@given(st.lists(texts, max_size=8))
def test_any_split_gives_the_words_of_the_whole(deltas: list[str]) -> None:
    growing = GrowingWords()
    for delta in deltas:
        growing.add(delta)
        assert growing.words == spoken_words(growing.text)
    assert growing.text == "".join(deltas)
