"""Reload: every change is loaded eventually, and reloads never overlap."""

from hypothesis import given
from hypothesis import strategies as st

from asterisk_config.reload import TIMEOUT_S, ReloadAction, ReloadState


def test_nothing_is_due_without_a_change() -> None:
    state = ReloadState("a")
    state.wrote("a")
    assert state.poll(1) is None


def test_new_content_is_loaded_once() -> None:
    state = ReloadState("a")
    state.wrote("b")
    assert state.poll(1) is ReloadAction.RELOAD
    assert state.poll(2) is None
    state.ended(0)
    assert state.poll(3) is None


def test_a_change_during_a_reload_is_loaded_afterwards() -> None:
    state = ReloadState("a")
    state.wrote("b")
    state.poll(1)
    state.wrote("c")
    state.ended(0)
    assert state.poll(2) is ReloadAction.RELOAD


def test_a_failed_reload_is_retried_on_the_next_poll() -> None:
    state = ReloadState("a")
    state.wrote("b")
    state.poll(1)
    state.ended(1)
    assert state.poll(2) is ReloadAction.RELOAD


def test_a_hanging_reload_is_killed_and_retried() -> None:
    state = ReloadState("a")
    state.wrote("b")
    state.poll(1)
    assert state.poll(TIMEOUT_S) is None
    assert state.poll(1 + TIMEOUT_S) is ReloadAction.KILL
    state.ended(137)
    assert state.poll(2 + TIMEOUT_S) is ReloadAction.RELOAD


@given(st.lists(st.sampled_from(["write b", "write c", "poll", "ended well", "ended badly"])))
def test_the_latest_content_is_loaded_eventually(events: list[str]) -> None:
    state, file, read = ReloadState("a"), "a", "a"
    loading: str | None = None
    for event in (*events, "ended well", "poll", "ended well"):
        match event.split():
            case ["write", text]:
                file = text
                state.wrote(text)
            case ["poll"]:
                if state.poll(0) is ReloadAction.RELOAD:
                    assert loading is None
                    loading = file
            case ["ended", how] if loading is not None:
                read = loading if how == "well" else read
                state.ended(0 if how == "well" else 1)
                loading = None
    assert read == file
