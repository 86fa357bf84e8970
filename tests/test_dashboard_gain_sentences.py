"""The sentence about a gain says neither more nor less than the data, in each language."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import streamlit
from hypothesis import given
from hypothesis import strategies as st

from dashboard.gain_sentences import against_target, aloud, other_design, skew_warning, told, verdict

BETTER = {"en": "better", "nb": "bedre", "da": "bedre"}
WORSE = {"en": "worse", "nb": "dårligere", "da": "dårligere"}
INTERVAL = {"en": "95% interval", "nb": "95\u00a0%-intervall", "da": "95\u00a0%-interval"}
LEVELS = {
    "en": ("single cases", "before and after in the same homes", "homes to compare", "staggered", "interrupted", "by lot"),
    "nb": ("enkelttilfeller", "før og etter i de samme", "å sammenligne", "trinnvis", "avbrutt", "loddtrekning"),
    "da": ("enkelttilfælde", "før og efter i de samme", "at sammenligne", "trinvis", "afbrudt", "lodtrækning"),
}  # fmt: skip


@contextmanager
def reading(code: str) -> Iterator[None]:
    """Somebody reads in that language."""
    streamlit.session_state["language"] = code
    try:
        yield
    finally:
        del streamlit.session_state["language"]


def gain(
    estimate: float | None = -42.3,
    low: float | None = -60.1,
    high: float | None = -24.5,
    *,
    n: int = 9,
    level: int = 1,
    method: str = "before_after",
    asked_for: str | None = None,
    **other: Any,
) -> dict[str, Any]:
    """A gain as the API tells it, as far as the sentence reads it."""
    told_of_it = {
        "change": {
            "method": method, "asked_for": asked_for or method, "level": level, "n": n, "estimate": estimate,
            "low": low, "high": high,
        },
        "homes": [{"before": 50.0, "after": 50.0 + (estimate or 0)}] * n,
        "difference": {"skewed": False, "interval": "t"},
        "comparison": {"treated_homes": n, "comparison_homes": 7},
        "answers": None, "points": [], "indicator": "visit_minutes_per_week", "better": "lower", "target": None,
        "uncertain": False, "registration_ratio": 0.9, "notable_change": None,
    }  # fmt: skip
    return told_of_it | other


def answered(improved: int, worsened: int, unchanged: int, p: float | None) -> dict[str, Any]:
    """A gain on a questionnaire of one item."""
    homes = improved + worsened + unchanged
    answers = {"homes": homes, "improved": improved, "worsened": worsened, "unchanged": unchanged, "p": p}
    return gain(None, None, None, n=homes, level=int(p is not None), answers=answers)


numbers = st.floats(-500, 500).map(lambda value: round(value, 1) + 0.0)


@st.composite
def gains(draw: st.DrawFn) -> dict[str, Any]:
    """Any gain that an interval can be told of."""
    low, high = sorted((draw(numbers), draw(numbers)))
    method, level = draw(
        st.sampled_from(
            [
                ("before_after", 1),
                ("comparison", 2),
                ("staggered", 3),
                ("interrupted", 4),
                ("randomised", 5),
            ]
        )
    )
    return gain(
        draw(st.floats(low, high)),
        low,
        high,
        n=draw(st.integers(5, 40)),
        method=method,
        level=level,
        better=draw(st.sampled_from(["lower", "higher"])),
        uncertain=draw(st.booleans()),
        registration_ratio=draw(st.one_of(st.none(), st.floats(0, 1))),
        notable_change=draw(st.sampled_from([None, 10.0])),
    )


@pytest.mark.parametrize("lang", ["en", "nb", "da"])
@given(gains())
def test_a_change_whose_interval_holds_zero_is_never_called_better_nor_worse(
    lang: str, found: dict[str, Any]
) -> None:
    with reading(lang):
        text, short = aloud(found), verdict(found).casefold()
    if found["change"]["low"] <= 0 <= found["change"]["high"]:
        assert not any(word in each for word in (BETTER[lang], WORSE[lang]) for each in (text, short))
        return
    good = (found["change"]["estimate"] < 0) == (found["better"] == "lower")
    assert all((BETTER if good else WORSE)[lang] in each for each in (text, short))
    assert not any((WORSE if good else BETTER)[lang] in each for each in (text, short))


@pytest.mark.parametrize("lang", ["en", "nb", "da"])
@given(gains())
def test_it_always_says_in_how_many_homes_how_sure_and_on_which_level(
    lang: str, found: dict[str, Any]
) -> None:
    with reading(lang):
        text = aloud(found)
    assert f" {found['change']['n']} " in text.replace("\xa0", " ")
    assert INTERVAL[lang] in text
    assert LEVELS[lang][found["change"]["level"]] in text
    assert text.endswith(".")
    assert ("%" in text.replace(INTERVAL[lang], "")) == (
        found["uncertain"] and found["registration_ratio"] is not None
    )


def test_a_clear_change_is_one_sentence_to_read_aloud() -> None:
    assert aloud(gain()) == (
        "Visit minutes per week went down by 42.3 on average in 9 homes (95% interval −60.1 to −24.5), which is better; "
        "evidence level 1 of 5: before and after in the same homes, no homes to compare with."
    )


@pytest.mark.parametrize(
    ("found", "stands", "words"),
    [
        (gain(None, None, None, n=0, level=0), "nothing", "0 homes have a value both before and after"),
        (gain(-5.0, None, None, n=4, level=0), "few", "in only 4 homes, too few to judge by: it went down in 4"),
        (gain(-5.0, -12.0, 1.6), "unclear", "which is no clear change: chance alone could do that"),
        (gain(5.0, 1.0, 9.0), "worse", "went up by 5 on average in 9 homes"),
        (gain(5.0, 1.0, 9.0, better="higher"), "better", "which is better"),
        (gain(uncertain=True, registration_ratio=0.72), "better", "looks better but is uncertain: only 72%"),
        (gain(uncertain=True, registration_ratio=None), "better", "nobody knows how much was registered"),
        (gain(-5.0, -12.0, 1.6, uncertain=True, registration_ratio=0.5), "unclear", "do that, and only 50%"),
        (gain(method="comparison", level=2), "better", "measured against the change in 7 homes without it"),
        (gain(method="staggered", level=3), "better", "in 9 homes that start one after the other"),
        (gain(-3.0, None, None, method="staggered", level=3), "few", "too little is known to tell that from chance"),
        (gain(method="interrupted", level=4, n=24), "better", "counted 24 times"),
        (gain(12.0, 4.0, 20.0, better="higher", indicator="who5", notable_change=10.0), "better", "; the change is at least"),
        (gain(6.0, 4.0, 8.0, better="higher", indicator="who5", notable_change=10.0), "better", "; the change is less than"),
        (answered(7, 0, 1, 0.0156), "better", "7 of 8 homes moved the wanted way, 0 the other way, and 1 stayed"),
        (answered(0, 7, 1, 0.0156), "worse", "which is worse"),
        (answered(4, 2, 2, 0.6875), "unclear", "chance alone could do that"),
        (answered(2, 1, 0, None), "few", "which is too few to judge by"),
        (answered(0, 0, 0, None), "nothing", "0 homes have answered both before and after"),
    ],
)  # fmt: skip
def test_each_case_has_its_words(found: dict[str, Any], stands: str, words: str) -> None:
    assert told(found) == stands
    assert words.casefold() in aloud(found).casefold()


def test_a_count_that_is_too_short_says_how_much_there_is() -> None:
    points = [{"value": 3.0, "after": False}] * 5 + [
        {"value": None, "after": True},
        {"value": 2.0, "after": True},
    ]
    assert "over 5 + 1 periods" in aloud(gain(None, None, None, n=0, level=0, points=points))


@pytest.mark.parametrize("lang", ["en", "nb", "da"])
def test_every_case_is_told_in_every_language(lang: str) -> None:
    for found in (gain(), gain(-5.0, None, None, n=4, level=0), answered(4, 2, 2, 0.6875)):
        with reading(lang):
            text = aloud(found)
        assert str(found["change"]["n"]) in text
        assert ("homes" in text) == (lang == "en")


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(-60.0, -35.0, "reaches it"), (-60.0, -20.0, "leaves open"), (-25.0, -20.0, "falls short")],
)
def test_a_target_is_held_against_the_whole_interval(low: float, high: float, words: str) -> None:
    assert words in str(against_target(gain((low + high) / 2, low, high, target=-30.0)))
    higher = gain((low + high) / -2, -high, -low, target=30.0, better="higher")
    assert words in str(against_target(higher))
    assert against_target(gain()) is None


def test_a_few_homes_that_make_the_change_are_pointed_out() -> None:
    assert "may be too narrow" in str(skew_warning(gain(difference={"skewed": True, "interval": "t"})))
    allowed = skew_warning(gain(difference={"skewed": True, "interval": "bootstrap_t"}))
    assert "allows for that" in str(allowed)
    assert skew_warning(gain()) is None


def test_another_way_of_judging_than_was_planned_is_pointed_out() -> None:
    assert "homes without the technology" in str(other_design(gain(asked_for="comparison")))
    assert other_design(gain(method="interrupted", level=4, asked_for="before_after")) is None
