"""Forms made of those expected: nobody's diligence in one shift makes up for another's gap."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nyttig.figures.completeness import Form, completeness, expected_forms

DAYS = [date(2026, 9, 7) + timedelta(days=n) for n in range(14)]
SHIFTS = ["day", "evening", "night"]


def test_every_form_of_fourteen_days_is_complete() -> None:
    expected = expected_forms(DAYS, SHIFTS, ["Alna", "Sagene"])
    found = completeness(expected, expected)
    assert (found.total.made, found.total.expected, found.total.ratio) == (84, 84, 1.0)
    assert not found.total.uncertain
    assert found.extra == 0
    assert [part.expected for part in found.by_shift] == [28, 28, 28]
    assert [part.key for part in found.by_day][:2] == ["2026-09-07", "2026-09-08"]
    assert [part.key for part in found.by_place] == ["Alna", "Sagene"]


def test_nights_that_nobody_registered_make_the_whole_uncertain() -> None:
    expected = expected_forms(DAYS, SHIFTS, ["Alna"])
    found = completeness(expected, [form for form in expected if form.shift != "night"])
    assert found.total.ratio == pytest.approx(2 / 3)
    assert found.total.uncertain
    shifts = {part.key: (part.ratio, part.uncertain) for part in found.by_shift}
    assert shifts == {"day": (1.0, False), "evening": (1.0, False), "night": (0.0, True)}
    assert all(part.uncertain for part in found.by_day)


def test_four_of_five_forms_are_enough_and_a_little_less_is_not() -> None:
    expected = expected_forms(DAYS[:5], ["day"], ["Alna"])
    assert not completeness(expected, expected[:4]).total.uncertain
    assert completeness(expected, expected[:3]).total.uncertain
    assert completeness(expected, expected[:4], ratio_required=0.9).total.uncertain


def test_a_form_made_twice_fills_one_place_and_one_that_nobody_asked_for_none() -> None:
    expected = expected_forms(DAYS[:2], ["day"], ["Alna"])
    found = completeness(expected, [expected[0], expected[0], Form(DAYS[0], "day", "Sagene")])
    assert (found.total.made, found.total.expected, found.extra) == (1, 2, 2)


def test_two_visits_in_a_shift_want_two_forms() -> None:
    twice = [Form(DAYS[0], "day", "home-1")] * 2
    assert completeness(twice, twice[:1]).total.ratio == 0.5
    assert completeness(twice, twice).total.ratio == 1.0


def test_where_nothing_was_expected_nothing_is_certain() -> None:
    found = completeness([], [Form(DAYS[0], "day", "Alna")])
    assert (found.total.ratio, found.total.uncertain, found.extra, found.by_day) == (None, True, 1, ())


FORMS = st.lists(st.builds(Form, st.sampled_from(DAYS), st.sampled_from(SHIFTS), st.sampled_from(["a", "b"])))


@given(FORMS, FORMS)
def test_each_way_of_cutting_it_adds_up_to_the_whole(expected: list[Form], made: list[Form]) -> None:
    found = completeness(expected, made)
    assert found.total.expected == len(expected)
    assert found.total.made + found.extra == len(made)
    for parts in (found.by_shift, found.by_day, found.by_place):
        assert sum(part.made for part in parts) == found.total.made
        assert sum(part.expected for part in parts) == found.total.expected
        assert all(0 <= part.made <= part.expected for part in parts)
