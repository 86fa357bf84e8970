"""Questionnaires: the published scores, what a missing or a wrong answer does, and value sets kept as data."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nyttig.errors import EntryError
from nyttig.figures.instruments import (
    SUS,
    WHO5,
    Instrument,
    eq5d5l,
    instrument,
    own,
    read_value_sets,
    value_sets,
)

DANISH = instrument("eq5d5l", "dk-2021")


def state(digits: str) -> list[int | None]:
    return [int(digit) for digit in digits]


def test_thirteen_raw_points_of_who5_are_fifty_two() -> None:
    assert WHO5.score([3, 3, 3, 2, 2]) == 52
    assert (WHO5.score([0] * 5), WHO5.score([5] * 5)) == (0, 100)


def test_an_item_left_out_is_a_missing_score_and_never_a_zero() -> None:
    assert WHO5.score([3, 3, None, 2, 2]) is None
    assert DANISH.score([1, 1, None, 2, 3]) is None
    assert SUS.score([None] * 10) is None


def test_low_wellbeing_and_possible_depression_are_said_at_their_thresholds() -> None:
    assert WHO5.below(52) == ()
    assert WHO5.below(50) == ("low_wellbeing",)
    assert WHO5.below(28) == ("low_wellbeing", "possible_depression")
    assert DANISH.below(0.1) == ()


def test_ten_points_either_way_are_worth_a_word() -> None:
    assert WHO5.notable_change == 10
    assert DANISH.notable_change is None


@pytest.mark.parametrize(
    ("digits", "value"),
    [("11111", 1.0), ("11123", 0.761), ("55555", -0.758), ("21232", 1 - 0.041 - 0.033 - 0.094 - 0.072)],
)
def test_danish_states_have_the_published_values(digits: str, value: float) -> None:
    assert DANISH.score(state(digits)) == pytest.approx(value, abs=1e-9)
    assert (DANISH.score_lowest, DANISH.score_highest) == (-0.758, 1.0)


def test_a_worse_level_is_never_worth_more() -> None:
    for levels in product(range(1, 6), repeat=5):
        value = DANISH.score(levels)
        assert value is not None
        for item in range(5):
            if levels[item] < 5:
                worse = DANISH.score([*levels[:item], levels[item] + 1, *levels[item + 1 :]])
                assert worse is not None
                assert worse < value


def test_sus_counts_its_even_items_backwards() -> None:
    assert SUS.score([5, 1] * 5) == 100
    assert SUS.score([1, 5] * 5) == 0
    assert SUS.score([3] * 10) == 50
    assert SUS.score([4, 2, 4, 1, 5, 2, 4, 2, 4, 3]) == 77.5


@given(st.lists(st.integers(1, 5), min_size=10, max_size=10))
def test_sus_is_what_its_formula_says_item_by_item(answers: list[int]) -> None:
    points = [x - 1 if item % 2 else 5 - x for item, x in enumerate(answers, start=1)]
    assert SUS.score(answers) == 2.5 * sum(points)


@pytest.mark.parametrize("asked", [WHO5, SUS, DANISH, own("calm", 3, 1, 7, {2})])
@given(data=st.data())
def test_every_complete_form_scores_within_the_range(asked: Instrument, data: st.DataObject) -> None:
    answers = data.draw(
        st.lists(st.integers(asked.lowest, asked.highest), min_size=asked.items, max_size=asked.items)
    )
    score = asked.score(answers)
    assert score is not None
    assert asked.score_lowest <= score <= asked.score_highest


@pytest.mark.parametrize(
    ("asked", "answers", "said"),
    [
        (WHO5, [3, 6, 3, 2, 2], r"who5, item 2: 6 is beside the scale; enter a whole number from 0 to 5"),
        (DANISH, [0, 1, 1, 1, 1], r"eq5d5l, item 1: 0 is beside the scale"),
        (SUS, [3] * 9, r"sus: 9 answers; enter 10, and leave an item empty"),
        (WHO5, [3, 2.5, 3, 2, 2], r"item 2: 2\.5 is beside the scale"),
        (WHO5, [3, True, 3, 2, 2], r"item 2: True is beside the scale"),
        (WHO5, [None, None, None, None, -1], r"item 5: -1 is beside the scale"),
    ],
)
def test_an_answer_beside_the_scale_is_named_with_its_item_and_remedy(
    asked: Instrument, answers: list[int | None], said: str
) -> None:
    with pytest.raises(EntryError, match=said):
        asked.score(answers)


def test_a_questionnaire_of_ones_own_turns_what_is_asked_the_other_way_round() -> None:
    survey = own("staff", items=4, lowest=1, highest=5, reversed_items={2, 4})
    assert survey.score([5, 1, 5, 1]) == 5
    assert survey.score([4, 4, 2, 2]) == pytest.approx((4 + 2 + 2 + 4) / 4)
    assert survey.score([4, 4, None, 2]) is None


def test_a_single_item_has_no_mean() -> None:
    one = own("safe-at-night", items=1, lowest=1, highest=5)
    assert one.score([4]) is None


def test_what_asks_nothing_is_refused() -> None:
    with pytest.raises(EntryError, match="give an item and two steps"):
        own("empty", 0, 1, 5)
    with pytest.raises(EntryError, match="give an item and two steps"):
        own("flat", 2, 3, 3)
    with pytest.raises(EntryError, match="no item 3 to reverse; items are 1 to 2"):
        own("short", 2, 1, 5, {3})


def test_a_questionnaire_is_had_by_its_key_and_eq5d_only_with_its_value_set() -> None:
    assert instrument("who5") is WHO5
    assert instrument("sus") is SUS
    assert DANISH.version == "dk-2021"
    assert "Jensen" in DANISH.source
    with pytest.raises(EntryError, match="no value set None of eq5d5l; take one of dk-2021"):
        instrument("eq5d5l")
    with pytest.raises(EntryError, match="no value set 'no-1999'"):
        instrument("eq5d5l", "no-1999")
    with pytest.raises(EntryError, match="take who5, eq5d5l or sus"):
        instrument("sf36")


MADE_UP = """
[xx-2030]
country = "XX"
version = "2030"
source = "made up for a test"
constant = 0.047
mobility = [0.0, 0.1, 0.2, 0.3, 0.4]
self_care = [0.0, 0.1, 0.1, 0.2, 0.2]
usual_activities = [0.0, 0.0, 0.1, 0.1, 0.2]
pain_discomfort = [0.0, 0.1, 0.2, 0.3, 0.4]
anxiety_depression = [0.0, 0.1, 0.2, 0.3, 0.4]
"""


def test_another_country_is_a_table_of_data_with_what_any_problem_takes_off() -> None:
    found = eq5d5l(read_value_sets(MADE_UP)["xx-2030"])
    assert found.score(state("11111")) == 1
    assert found.score(state("11211")) == pytest.approx(1 - 0.047)
    assert found.score(state("55555")) == pytest.approx(1 - 0.047 - 1.6)


@pytest.mark.parametrize(
    ("from_", "to", "said"),
    [
        ("constant = 0.047\n", "", "constant is missing or unknown"),
        ('version = "2030"', 'version = "2030"\nn45 = 0.1', "n45 is missing or unknown"),
        ("0.2, 0.3, 0.4]\nself_care", "0.2, 0.3]\nself_care", "mobility is .* from 0 upwards"),
        ("mobility = [0.0", "mobility = [0.01", "mobility is"),
        ("[0.0, 0.1, 0.1, 0.2, 0.2]", "[0.0, 0.2, 0.1, 0.2, 0.2]", "self_care is"),
        ("[xx-2030]", "[xx-2030", "are no TOML"),
    ],
)
def test_a_value_set_that_is_not_whole_is_refused(from_: str, to: str, said: str) -> None:
    assert from_ in MADE_UP
    with pytest.raises(EntryError, match=said):
        read_value_sets(MADE_UP.replace(from_, to, 1))


def test_every_value_set_that_is_shipped_says_where_it_is_from() -> None:
    for key, each in value_sets().items():
        assert key == f"{each.country.lower()}-{each.version}"
        assert len(each.source) > 40
        assert each.value((1, 1, 1, 1, 1)) == 1
