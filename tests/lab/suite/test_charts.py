import re
from xml.etree import ElementTree

import pytest

from interject_lab.scoring.figures import CallRow
from interject_lab.suite.breakdowns import Bar, Breakdown, breakdowns
from interject_lab.suite.charts.bars import bar_chart
from interject_lab.suite.charts.figure import rule_color, rule_shape
from interject_lab.suite.charts.heat_maps import FALSE_PER_HOUR, MISSED_PERCENT, heat_map, sums
from interject_lab.suite.charts.latencies import ecdf, latencies, stop_ms
from interject_lab.suite.charts.plane import (
    PerHourAxis,
    operating_plane,
    plane_of_its_own,
    top_percent,
)
from interject_lab.suite.tables import pooled
from lab.suite.rows import call_row, false_stop, interruption

RULES = ["interject", "other"]


def broken_down(rows: list[CallRow], title: str) -> Breakdown:
    (found,) = [each for each in breakdowns(rows, RULES) if each.title == title]
    return found


def test_a_cell_of_a_heat_map_has_its_value_and_its_counts() -> None:
    rows = [
        call_row(0, interruption(9, None), interruption(19, 200.0), erl_db=50, delay_ms=900),
        call_row(1, interruption(9, 300.0), false_stops=(false_stop(30),), erl_db=50, delay_ms=901),
    ]
    cells = sums(rows, MISSED_PERCENT)
    assert cells == {(4, 4): (1, 3)}
    picture = heat_map("interject", cells, MISSED_PERCENT, 50.0)
    assert ">33<" in picture
    assert ">1 / 3<" in picture
    assert sums(rows, FALSE_PER_HOUR)[4, 4] == pytest.approx((1, 0.02))


def test_a_cell_without_events_is_grey_and_not_zero() -> None:
    no_interruption = [call_row(0), call_row(1, erl_db=None)]
    cells = sums(no_interruption, MISSED_PERCENT)
    picture = heat_map("interject", cells, MISSED_PERCENT, 0.0)
    assert picture.count("var(--empty)") == 25
    assert "var(--heat)" not in picture


def test_a_rule_that_never_stops_falsely_has_its_place_left_of_the_others() -> None:
    rows = [
        *(call_row(number, interruption(9, 200.0)) for number in range(3)),
        *(call_row(number, rule="other", false_stops=(false_stop(9),)) for number in range(3)),
    ]
    axis = PerHourAxis(pooled(rows))
    assert axis.place(0) < axis.place(100) == 2


def test_the_plane_leaves_out_rules_without_an_interruption() -> None:
    rows = [call_row(0, interruption(9, 200.0)), call_row(0, rule="other")]
    scores = pooled(rows)
    picture = operating_plane(scores, RULES, PerHourAxis(scores), top_percent(scores))
    assert "var(--rule-0)" in picture
    assert "var(--rule-1)" not in picture


def test_latencies_have_the_quantiles_of_the_scores() -> None:
    stops_ms = [120.0, 180.0, 260.0, 420.0, 700.0, 900.0, None]
    rows = [call_row(number, interruption(9, each)) for number, each in enumerate(stops_ms)]
    (scores,) = pooled(rows)
    found = latencies("interject", rows, stop_ms)
    assert found.ms == (120.0, 180.0, 260.0, 420.0, 700.0)
    assert found.at(0.5) == scores.figures["stop_p50_ms"].value
    assert found.at(0.95) == scores.figures["stop_p95_ms"].value


def test_distributions_can_be_drawn_without_a_latency() -> None:
    assert "<svg" in ecdf("Onset to stop", [latencies("other", [], stop_ms)], RULES)


def test_misses_are_counted_by_the_level_of_the_caller_the_quietest_too() -> None:
    rows = [call_row(0, interruption(9, None, level_dbfs=-38.0), interruption(19, 200.0))]
    found = broken_down(rows, "Missed interruptions by the caller's level")
    assert [(group.label, group.bars[0]) for group in found.groups] == [
        ("below -36 dBFS", Bar("interject", 1, 1)),
        ("-26 to -22 dBFS", Bar("interject", 0, 1)),
    ]


def test_parts_of_the_false_stops_by_time_add_up_to_their_rate() -> None:
    stops = tuple(false_stop(9, bot_spoke_s=since_s) for since_s in (0.3, 0.4, 3.0, 60.0))
    found = broken_down(
        [call_row(0, false_stops=stops)], "False stops by time since the utterance began"
    )
    assert [group.bars[0].part for group in found.groups] == [2, 0, 0, 1, 1]
    assert {group.bars[0].whole for group in found.groups} == {0.01}


def test_digits_are_one_kind_of_noise() -> None:
    rows = [
        call_row(
            0,
            interruption(9, 100.0, kind="dtmf", what="5"),
            interruption(19, None, kind="dtmf", what="#"),
            interruption(29, None, kind="noise", what="dog"),
        )
    ]
    found = broken_down(rows, "Stops for noises, by their kind")
    assert [(group.label, group.bars[0].part, group.bars[0].whole) for group in found.groups] == [
        ("DTMF digit", 1, 2),
        ("dog", 0, 1),
    ]


def test_backchannels_are_counted_by_their_length() -> None:
    lengths_s = {0.2: None, 0.35: 300.0, 0.39: None, 0.8: 560.0}
    sounds = [
        interruption(9 + 10 * number, stop_ms, kind="backchannel", seconds=seconds)
        for number, (seconds, stop_ms) in enumerate(lengths_s.items())
    ]
    found = broken_down([call_row(0, *sounds)], "Stops for backchannels, by their length")
    assert [(group.label, group.bars[0].part, group.bars[0].whole) for group in found.groups] == [
        ("below 0.3 s", 0, 1),
        ("0.3 to 0.4 s", 1, 2),
        ("0.5 s and more", 1, 1),
    ]


def test_a_bar_has_its_counts_and_a_rule_without_any_says_so() -> None:
    rows = [call_row(0, interruption(9, None), interruption(19, 200.0), low_rate="gsm")]
    found = broken_down(rows, "Missed interruptions by low-rate codec")
    picture = bar_chart(found, RULES)
    assert "50.0 % (1 of 2)" in " ".join(picture.split())
    assert "nothing to count" in picture


def test_an_operating_plane_stands_alone_with_its_colours_and_a_legend() -> None:
    rows = [
        call_row(number, interruption(9, None if number else 300.0), rule=rule)
        for rule in RULES
        for number in range(2)
    ]
    document = plane_of_its_own(pooled(rows))
    root = ElementTree.fromstring(document)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    used = set(re.findall(r"var\((--[a-z0-9-]+)\)", document))
    assert used <= set(re.findall(r"(--[a-z0-9-]+):", document))
    assert all(f">{rule}<" in document for rule in RULES)


def test_fifteen_rules_have_fifteen_looks() -> None:
    rules = [str(number) for number in range(15)]
    looks = {(rule_color(rules, rule), rule_shape(rules, rule)) for rule in rules}
    assert len(looks) == 15
