"""Answers that are remembered for a while."""

from hypothesis import given, settings
from hypothesis import strategies as st

from voiceagent_operator.metrics_api.cache import ExpiringCache


def test_an_answer_is_good_until_its_age_and_the_newest_counts() -> None:
    now_s = 100.0
    fresh: ExpiringCache[str, bool] = ExpiringCache(10.0, 5, lambda: now_s)
    fresh.put("a", False)
    now_s = 109.9
    assert fresh.get("a") is False
    assert fresh.get("b") is None
    fresh.put("a", True)
    now_s = 110.0
    assert fresh.get("a") is True
    now_s = 119.9
    assert fresh.get("a") is None


@settings(deadline=None)
@given(st.lists(st.integers(0, 9)), st.integers(1, 5))
def test_the_newest_are_kept_and_no_more_than_there_is_room_for(keys: list[int], most: int) -> None:
    fresh: ExpiringCache[int, int] = ExpiringCache(10.0, most, lambda: 0.0)
    for number, key in enumerate(keys):
        fresh.put(key, number)
    newest = list(dict.fromkeys(reversed(keys)))[:most]
    assert {key for key in range(10) if fresh.get(key) is not None} == set(newest)
