"""The arithmetic of the benchmark tables."""

import math

import pytest

from benchmarks.table import Measure, as_json, as_text, base, number, percentile, ratio


def times(subject: str, *values: float, note: str = "") -> Measure:
    return Measure("start", "to first answer", subject, "ms", values, note=note)


def rates(subject: str, *values: float) -> Measure:
    return Measure("http", "32 connections", subject, "answers per second", values, more_is_better=True)


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([5.0], 0.95, 5.0), ([3.0, 1.0, 2.0, 4.0], 0.5, 2.0), ([*range(1, 21)], 0.95, 19), ([*range(1, 101)], 0.95, 95)],
)
def test_a_percentile_is_the_value_that_this_share_does_not_exceed(
    values: list[float], share: float, expected: float
) -> None:
    assert percentile(values, share) == expected


def test_a_ratio_says_how_many_times_as_good_we_are() -> None:
    assert ratio(rates("fnhost", 100, 200, 300), rates("peer", 50)) == 4
    assert ratio(times("fnhost", 50), times("peer", 100, 200, 300)) == 4
    assert ratio(times("fnhost", 100), times("peer", 50)) == 0.5


def test_who_fails_nothing_is_infinitely_better_and_two_of_them_are_not_compared() -> None:
    assert ratio(times("fnhost", 0), times("peer", 3)) == math.inf
    assert math.isnan(ratio(times("fnhost", 0), times("peer", 0)))


def test_what_was_not_measured_has_no_ratio() -> None:
    assert math.isnan(ratio(times("fnhost", 1), times("peer", note="npm cannot be run")))


def test_a_p95_needs_twenty_values() -> None:
    assert times("fnhost", *range(19)).p95 is None
    assert times("fnhost", *range(1, 21)).p95 == 19


def test_all_are_compared_with_our_first_row_that_was_measured() -> None:
    peer, missing, ours = times("peer", 1), times("fnhost, Node", note="not built yet"), times("fnhost, Python", 2)
    assert base([peer, missing, ours]) is ours
    assert base([peer, missing]) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ""),
        (math.nan, ""),
        (math.inf, "∞"),
        (0, "0"),
        (0.01234, "0.0123"),
        (1.5, "1.50"),
        (12.34, "12.3"),
        (123.4, "123"),
        (12345.6, "12,346"),
    ],
)
def test_a_number_shows_three_digits_that_count(value: float | None, expected: str) -> None:
    assert number(value) == expected


def test_a_table_shows_each_case_with_medians_spread_and_ratios() -> None:
    assert as_text([times("fnhost", 10, 20, 30), times("peer", 40), times("other", note="not to be had")]) == (
        "start: to first answer [ms]\n"
        "          median  p95  least  most  n  ratio\n"
        "  fnhost    20.0        10.0  30.0  3\n"
        "  peer      40.0        40.0  40.0  1   2.00\n"
        "  other        -    -      -     -  -      -  not to be had\n"
    )


def test_the_json_has_every_value_and_what_was_worked_out() -> None:
    ours, peer = as_json([times("fnhost", 10, 30), times("peer", note="gone")])
    assert (ours["values"], ours["median"], ours["ratio"]) == ((10, 30), 20, 1)
    assert (peer["median"], peer["ratio"], peer["note"]) == (None, None, "gone")
