"""Ambassadors are counted as they were on a day: trained and not gone, and active by what they did in 28 days."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nyttig.entries.people import Ambassador, AmbassadorActivity, DemoVisit
from nyttig.figures.ambassadors import ambassador_months, done_by_ambassadors, unit_ambassadors
from nyttig.figures.setting import Entered, setting_adoption
from nyttig.model import UnitPart

ON = date(2026, 11, 22)


def ago(days: int) -> date:
    return ON - timedelta(days=days)


def ambassador(code: str, unit: str = "Alna", **more: Any) -> Ambassador:
    told: dict[str, Any] = {"code": code, "unit": unit, "trained_on": ago(90)} | more
    return Ambassador(**told)


def did(code: str, days: int, what: Any = "helped_home") -> AmbassadorActivity:
    return AmbassadorActivity(ambassador=code, done_on=ago(days), what=what)


def test_who_did_something_on_one_of_28_days_is_active_and_today_is_one_of_them() -> None:
    people = [ambassador(code) for code in ("today", "edge", "before", "ahead")]
    (found,) = unit_ambassadors(
        people, [did("today", 0), did("edge", 27), did("before", 28), did("ahead", -1)], ON
    )
    assert (found.trained, found.active, found.helped_home) == (4, 2, 2)


def test_who_is_not_trained_yet_or_has_left_is_neither_trained_nor_active() -> None:
    people = [
        ambassador("a"),
        ambassador("soon", trained_on=ago(-3)),
        ambassador("named", trained_on=None),
        ambassador("gone", left_on=ago(1)),
    ]
    (found,) = unit_ambassadors(people, [did(each.code, 2) for each in people], ON)
    assert (found.trained, found.active, found.waiting) == (1, 1, 2)


def test_a_tour_counts_once_for_its_guide_and_only_where_it_was_held() -> None:
    tours: list[tuple[int, Any, str | None]] = [
        (1, "held", "a"), (2, "held", "a"), (3, "booked", "a"), (4, "cancelled", "a"), (5, "held", None),
    ]  # fmt: skip
    visits = [
        DemoVisit(
            home="flat", visited_on=ago(days), visitors=3, group="staff", status=status, guided_by=guide
        )
        for days, status, guide in tours
    ]
    done = done_by_ambassadors([did("a", 1, "guided")], visits)
    assert [each.done_on for each in done] == [ago(2), ago(1)]


def test_what_was_entered_one_by_one_wins_over_the_counts_of_the_unit_and_it_is_said() -> None:
    parts = [UnitPart("Alna", staff=10, ambassadors_trained=9, ambassadors_active=9), UnitPart("Gamle Oslo", staff=20,
             ambassadors_trained=5, ambassadors_active=2), UnitPart("Bjerke")]  # fmt: skip
    found = setting_adoption(parts, ["Alna"], Entered([ambassador("a"), ambassador("b")], [did("a", 1)], ON))
    assert {each.unit: each.told_by for each in found.by_unit} == {
        "Alna": "entries", "Gamle Oslo": "units_table", "Bjerke": None,
    }  # fmt: skip
    assert (found.trained.count, found.trained.of) == (2 + 5, 10 + 20)
    assert (found.active.count, found.active.of) == (1 + 2, 2 + 5)
    assert found.units_silent == 1


def test_more_ambassadors_than_employees_are_in_no_share_of_employees() -> None:
    entered = Entered([ambassador("a"), ambassador("b")], [], ON)
    found = setting_adoption([UnitPart("Alna", staff=1)], ["Alna"], entered)
    assert (found.trained.count, found.trained.of, found.trained.ratio) == (0, 0, None)
    assert (found.by_unit[0].trained, found.by_unit[0].staff) == (2, 1)


def test_each_month_tells_who_was_trained_by_its_end_and_active_in_it() -> None:
    people = [ambassador("a", trained_on=date(2026, 8, 20)), ambassador("b", trained_on=date(2026, 10, 1),
              left_on=date(2026, 11, 1))]  # fmt: skip
    done = [
        AmbassadorActivity(ambassador="b", done_on=date(2026, 10, 31), what="guided"),
        AmbassadorActivity(ambassador="a", done_on=date(2026, 11, 5), what="guided"),
        AmbassadorActivity(ambassador="a", done_on=date(2026, 12, 5), what="guided"),
    ]
    assert [(m.month, m.trained, m.active, m.done) for m in ambassador_months(people, done, ON)] == [
        ("2026-08", 1, 0, 0),
        ("2026-09", 1, 0, 0),
        ("2026-10", 2, 1, 1),
        ("2026-11", 1, 1, 1),
    ]


DAYS = st.integers(-30, 500).map(ago)
PEOPLE = st.lists(
    st.builds(
        Ambassador,
        code=st.sampled_from("abcdef"),
        unit=st.sampled_from(["Alna", "Bjerke"]),
        trained_on=st.none() | DAYS,
        left_on=st.none() | DAYS,
    ),
    unique_by=lambda each: each.code,
)
DONE = st.lists(
    st.builds(
        AmbassadorActivity,
        ambassador=st.sampled_from("abcdefg"),
        done_on=DAYS,
        what=st.sampled_from(["guided", "handled_event", "helped_home"]),
    )
)


@given(people=PEOPLE, done=DONE, staff=st.integers(0, 6))
def test_nobody_is_active_who_is_not_trained_whatever_was_entered(
    people: list[Ambassador], done: list[AmbassadorActivity], staff: int
) -> None:
    found = setting_adoption([UnitPart("Alna", staff=staff)], ["Bjerke"], Entered(people, done, ON))
    for share in (found.units, found.trained, found.active):
        assert 0 <= share.count <= share.of
    assert all(0 <= each.active <= each.trained for each in found.months)
