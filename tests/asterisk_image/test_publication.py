"""From one published text to the next: every change is read in the end, and never two at once."""

from hypothesis import given
from hypothesis import strategies as st

from asterisk_config.publication import REPLY_S, Do, Publication


def test_nothing_is_due_while_the_text_stays() -> None:
    publication = Publication("a")
    publication.wrote("a")
    assert publication.look(1) is None


def test_a_new_text_is_read_once() -> None:
    publication = Publication("a")
    publication.wrote("b")
    assert publication.look(1) is Do.RELOAD
    assert publication.look(2) is None
    publication.ended(0)
    assert publication.look(3) is None


def test_a_text_that_changes_during_a_reload_is_read_again() -> None:
    publication = Publication("a")
    publication.wrote("b")
    publication.look(1)
    publication.wrote("c")
    publication.ended(0)
    assert publication.look(2) is Do.RELOAD


def test_a_reload_that_nobody_hears_is_tried_again() -> None:
    publication = Publication("a")
    publication.wrote("b")
    publication.look(1)
    publication.ended(1)
    assert publication.look(2) is Do.RELOAD


def test_a_reload_that_hangs_is_killed_and_tried_again() -> None:
    publication = Publication("a")
    publication.wrote("b")
    publication.look(1)
    assert publication.look(REPLY_S) is None
    assert publication.look(1 + REPLY_S) is Do.KILL
    publication.ended(137)
    assert publication.look(2 + REPLY_S) is Do.RELOAD


@given(st.lists(st.sampled_from(["write b", "write c", "look", "ended well", "ended badly"])))
def test_whatever_happens_asterisk_has_read_the_latest_text_in_the_end(events: list[str]) -> None:
    publication, file, read = Publication("a"), "a", "a"
    asked: str | None = None
    for event in (*events, "ended well", "look", "ended well"):
        match event.split():
            case ["write", text]:
                file = text
                publication.wrote(text)
            case ["look"]:
                if publication.look(0) is Do.RELOAD:
                    assert asked is None
                    asked = file
            case ["ended", how] if asked is not None:
                read = asked if how == "well" else read
                publication.ended(0 if how == "well" else 1)
                asked = None
    assert read == file
