"""The text of HTML pages: what a reader sees, whatever the pages are made of."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_pod.tools.html_text import html_text


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<p>one<p>two <b>and</b>\n three", "one\ntwo and three"),
        ("<title>T</title><p>x", "T\nx"),
        ("<script>if (a < b) { }</script>x<style>y</style>", "x"),
        ("a &lt;b&gt; &amp;amp; &#8364;", "a <b> &amp; €"),
        ("<svg><title>picture</title><path/></svg>x", "x"),
        ("a<br>b<br/>c", "a\nb\nc"),
        ("<!-- no -->x<!-- <p>no</p> -->", "x"),
        ("before<![x after", "before…"),
        ("", ""),
    ],
)
async def test_what_a_reader_sees(page: str, text: str) -> None:
    assert await html_text(page, 4000) == text


async def test_a_long_page_is_read_as_far_as_needed() -> None:
    text = await html_text("<p>0123456789</p>" * 100_000, 1000)
    assert 1000 < len(text) < 5000


@given(st.text("<>/!-[]&;#'\"= apscritle", max_size=300))
def test_any_page_gives_a_text(page: str) -> None:
    assert isinstance(asyncio.run(html_text(page, 100)), str)


@given(st.lists(st.sampled_from(["word", "und", "é€"]), min_size=1, max_size=2000))
def test_words_survive_the_steps_in_which_a_page_is_read(words: list[str]) -> None:
    page = "<p>" + "</b> <b>".join(words)
    assert asyncio.run(html_text(page, 10**6)).split() == words
