"""Somebody called for help: handled, handled too late, not handled, or nobody can know."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import pandas as pd
import pytest
from figures_hours import every, exposed, hours, oslo
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from nyttig.figures.alarms import OUTCOMES, AlarmFigures, alarm_figures, judged, median_interval
from nyttig.model import Parameters

MIDNIGHT, ENDS = oslo("2026-09-07"), oslo("2026-09-21")
NO_OUTAGES = pd.DataFrame(columns=["began_at", "ended_at"])
NO_GAPS = pd.DataFrame(columns=["device", "from_at", "to_at"])
HOMES = {"a": "h1", "b": "h2", "c": "h3"}
UNITS = ("Bydel Alna", "Bydel Gamle Oslo")
USUAL = Parameters()

Call = tuple[str, str, str | None]
"""Device, when it was raised, when it was handled."""


def table(calls: Iterable[Call], raised_by: str = "citizen") -> pd.DataFrame:
    rows = [
        (device, oslo(at), raised_by, None if answer is None else oslo(answer), "staff" if answer else None)
        for device, at, answer in calls
    ]
    found = pd.DataFrame(
        rows, columns=["device", "raised_at", "raised_by", "handled_at", "handled_by"], dtype=object
    )
    return found.assign(
        **{name: pd.to_datetime(found[name], utc=True) for name in ("raised_at", "handled_at")}
    )


def told(
    alarms: pd.DataFrame,
    *,
    silent: Sequence[tuple[str, str, str]] = (),
    outages: pd.DataFrame = NO_OUTAGES,
    gaps: pd.DataFrame = NO_GAPS,
    as_of: datetime = ENDS,
    parameters: Parameters = USUAL,
) -> pd.DataFrame:
    """What becomes of the alarms: each device is heard every hour of two weeks, but for its silences."""
    heard = {
        device: [
            at
            for at in every(60, MIDNIGHT, as_of)
            if not any(of == device and oslo(begin) <= at < oslo(end) for of, begin, end in silent)
        ]
        for device in HOMES
    }
    for device, at in zip(alarms["device"], alarms["raised_at"], strict=True):
        heard[device].append(at.to_pydatetime())
    exposures = exposed(*((home, device, MIDNIGHT, ENDS, 60.0) for device, home in HOMES.items()))
    return judged(alarms, hours(heard), exposures, outages, gaps, as_of=as_of, parameters=parameters)


def outcomes(found: pd.DataFrame) -> list[str]:
    return [OUTCOMES[each] for each in found["outcome"]]


def figures(found: pd.DataFrame, as_of: datetime = ENDS) -> AlarmFigures:
    return alarm_figures(
        found,
        homes=[(home, UNITS[0]) for home in HOMES.values()],
        units=UNITS,
        as_of=as_of,
        timezone="Europe/Oslo",
    )


def test_an_alarm_is_handled_in_time_late_or_not_at_all() -> None:
    found = told(
        table(
            [
                ("a", "2026-09-08T10:00", "2026-09-08T10:15"),
                ("a", "2026-09-09T10:00", "2026-09-09T10:16"),
                ("b", "2026-09-10T10:00", None),
            ]
        )
    )
    assert outcomes(found) == ["in_time", "late", "missed"]
    assert found["minutes"].tolist()[:2] == [15.0, 16.0]
    made = figures(found)
    assert (made.all.raised, made.all.homes, made.homes_watched) == (3, 2, 3)
    assert (made.all.handled_in_time.count, made.all.handled_late, made.all.missed.count) == (1, 1, 1)
    assert made.all.handled_in_time.of == made.all.missed.of == 3
    assert [(each.home, each.alarms.missed.count) for each in made.homes] == [("h2", 1), ("h1", 0)]
    assert [each.alarms.raised for each in made.units] == [3, 0]


def test_the_minutes_are_the_trials_own() -> None:
    alarms = table([("a", "2026-09-08T10:00", "2026-09-08T10:16")])
    assert outcomes(told(alarms)) == ["late"]
    assert outcomes(told(alarms, parameters=Parameters(alarm_handled_within_minutes=30))) == ["in_time"]


def test_an_alarm_before_a_silence_is_unknown_because_its_handling_may_have_been_lost() -> None:
    alarms = table([("a", "2026-09-08T10:00", None), ("b", "2026-09-08T10:00", None)])
    found = told(alarms, silent=[("a", "2026-09-08T10:00", "2026-09-09T10:00")])
    assert outcomes(found) == ["unknown", "missed"]
    short = [("a", "2026-09-08T10:10", "2026-09-08T12:30")]  # no longer than a device may be silent
    assert outcomes(told(alarms, silent=short)) == ["missed", "missed"]


def test_our_own_outage_or_a_lost_message_leaves_an_alarm_unknown() -> None:
    alarms = table([("a", "2026-09-08T10:00", None)])

    def away(begin: str, end: str) -> pd.DataFrame:
        return pd.DataFrame({"began_at": [oslo(begin)], "ended_at": [oslo(end)]})

    def lost(begin: str, end: str, device: str = "a") -> pd.DataFrame:
        return pd.DataFrame({"device": [device], "from_at": [oslo(begin)], "to_at": [oslo(end)]})

    assert outcomes(told(alarms, outages=away("2026-09-08T10:05", "2026-09-08T10:20"))) == ["unknown"]
    assert outcomes(told(alarms, outages=away("2026-09-08T09:00", "2026-09-08T10:01"))) == ["unknown"]
    assert outcomes(told(alarms, outages=away("2026-09-08T10:17", "2026-09-08T11:00"))) == ["missed"]
    assert outcomes(told(alarms, outages=away("2026-09-08T08:00", "2026-09-08T10:00"))) == ["missed"]
    assert outcomes(told(alarms, gaps=lost("2026-09-08T10:00", "2026-09-08T11:00"))) == ["unknown"]
    assert outcomes(told(alarms, gaps=lost("2026-09-08T11:00", "2026-09-08T10:00"))) == ["unknown"]
    assert outcomes(told(alarms, gaps=lost("2026-09-08T10:00", "2026-09-08T11:00", "b"))) == ["missed"]
    assert outcomes(told(alarms, gaps=lost("2026-09-08T10:17", "2026-09-08T11:00"))) == ["missed"]
    handled = table([("a", "2026-09-08T10:00", "2026-09-08T10:02")])
    assert outcomes(told(handled, outages=away("2026-09-08T10:05", "2026-09-08T10:20"))) == ["in_time"]


def test_an_alarm_that_was_just_raised_is_still_open() -> None:
    alarms = table([("a", "2026-09-08T10:00", "2026-09-08T10:12")])
    for now, outcome in [("10:05", "to_come"), ("10:13", "in_time")]:
        found = told(alarms, as_of=oslo(f"2026-09-08T{now}"))
        assert outcomes(found) == [outcome]
        assert found["minutes"].isna().tolist() == [outcome == "to_come"]
    nobody = table([("a", "2026-09-08T10:00", None)])
    assert outcomes(told(nobody, as_of=oslo("2026-09-08T10:40"))) == ["to_come"], (
        "not heard since, and need not be"
    )
    assert outcomes(told(nobody, as_of=oslo("2026-09-08T11:10"))) == ["missed"]
    assert outcomes(told(nobody, as_of=oslo("2026-09-08T10:00"))) == [], "not raised yet"


def test_tests_and_alarms_by_staff_stand_apart_and_those_of_the_device_itself_count() -> None:
    alarms = [
        table([("a", f"2026-09-{day}T10:00", None)], raised_by=origin)
        for day, origin in [
            ("08", "test"),
            ("09", "staff"),
            ("10", "installer"),
            ("11", "auto"),
            ("12", "citizen"),
        ]
    ]
    found = told(pd.concat(alarms, ignore_index=True))
    assert outcomes(found) == ["test", "test", "test", "missed", "missed"]
    made = figures(found)
    assert (made.all.raised, made.all.tests, made.all.missed.of) == (2, 3, 2)


def test_an_alarm_of_a_device_that_stood_elsewhere_is_none_of_the_trial() -> None:
    alarms = table([("a", "2026-09-01T10:00", None), ("z", "2026-09-08T10:00", None)])
    found = judged(
        alarms,
        hours({"a": [MIDNIGHT]}),
        exposed(("h1", "a", MIDNIGHT, ENDS, 60.0)),
        NO_OUTAGES,
        NO_GAPS,
        as_of=ENDS,
        parameters=Parameters(),
    )
    assert len(found) == 0
    made = figures(found)
    assert (made.all.raised, made.homes, made.weeks) == (0, (), ())
    assert made.all.missed.ratio is made.all.median_minutes is None


def test_weeks_without_an_alarm_stand_between_those_with_one() -> None:
    found = told(table([("a", "2026-09-07T00:30", None), ("b", "2026-09-20T23:30", "2026-09-20T23:31")]))
    made = figures(found, as_of=oslo("2026-09-20T23:50"))
    assert [(each.iso_week, each.alarms.raised, each.complete) for each in made.weeks] == [
        ("2026-W37", 1, True),
        ("2026-W38", 1, False),
    ]


def test_half_of_the_alarms_were_handled_within_the_median_and_a_missed_one_takes_for_ever() -> None:
    def median(*minutes: float) -> float | None:
        return median_interval(sorted(minutes))["median_minutes"]

    forever = float("inf")
    assert median(3, 5, 9) == 5
    assert median(3, 5, 9, 11) == 7
    assert median(3, 5, forever) == 5
    assert median(3, forever) is None
    assert median() is None


@given(n=st.integers(1, 1500))
def test_the_ends_of_the_medians_interval_are_those_of_the_binomial_distribution(n: int) -> None:
    made = median_interval([float(place) for place in range(1, n + 1)])
    rank = int(binom.ppf(0.025, n, 0.5))  # the smallest r with P(X <= r) >= 2.5 %
    if binom.cdf(rank, n, 0.5) <= 0.025:
        rank += 1
    assert made["median_low_minutes"] == (rank or None)
    assert made["median_high_minutes"] == (n + 1 - rank if rank else None)


def test_of_few_alarms_the_median_has_no_interval() -> None:
    assert median_interval([1.0, 2.0, 3.0, 4.0, 5.0])["median_low_minutes"] is None
    six = median_interval([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    assert (six["median_low_minutes"], six["median_high_minutes"]) == (1.0, 6.0)


def test_alarms_of_one_home_resemble_each_other_so_homes_make_the_interval() -> None:
    def calls(device: str, answered: bool) -> list[Call]:
        return [
            (device, f"2026-09-{day:02d}T10:00", f"2026-09-{day:02d}T10:05" if answered else None)
            for day in range(7, 17)
        ]

    together = figures(told(table([*calls("a", True), *calls("b", False), *calls("c", True)]))).all
    assert together.handled_in_time.ratio == pytest.approx(2 / 3)
    assert together.handled_in_time.low is not None
    assert together.handled_in_time.low < 0.3, "three homes, not thirty answers"
    assert together.median_minutes == 5.0
