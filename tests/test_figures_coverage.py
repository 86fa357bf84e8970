"""Device-days and their states, against hand-counted days and a reference that looks at every single minute."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest
from figures_hours import (
    MINUTE,
    OSLO,
    apart,
    at,
    every,
    exposed,
    heartbeat,
    hours,
    minute,
    near,
    oslo,
    stretch,
    under_proof,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from nyttig.figures import coverage
from nyttig.model import Parameters

PARAMETERS = Parameters()
NO_PAUSES: list[tuple[str, datetime, datetime]] = []
NO_OUTAGES: list[tuple[datetime, datetime]] = []


def days_of(
    table: pd.DataFrame,
    exposures: pd.DataFrame,
    pauses: Sequence[tuple[str, datetime, datetime]] = NO_PAUSES,
    outages: Sequence[tuple[datetime, datetime]] = NO_OUTAGES,
    gaps: Sequence[tuple[str, datetime, datetime]] = (),
    *,
    timezone: str = "Europe/Oslo",
    parameters: Parameters = PARAMETERS,
) -> pd.DataFrame:
    return coverage.device_days(
        table,
        exposures,
        pd.DataFrame(pauses, columns=["home", "paused_from", "paused_to"]),
        pd.DataFrame(outages, columns=["began_at", "ended_at"]),
        pd.DataFrame(gaps, columns=["device", "from_at", "to_at"]),
        timezone=timezone,
        parameters=parameters,
    )


def states(days: pd.DataFrame) -> str:
    return "".join(days["state"])


# --- States --------------------------------------------------------------------------------------


def test_a_dispenser_that_is_heard_and_used_is_used_and_one_heard_but_untouched_is_unused() -> None:
    begin, end = oslo("2026-03-02"), oslo("2026-03-05")
    table = hours({"d": every(60, begin, end)}, {"d": [oslo("2026-03-02T08:03"), oslo("2026-03-04T08:03")]})
    days = days_of(table, exposed(("h1", "d", begin, end, 60)))
    assert states(days) == "UNU"
    assert days["uses"].tolist() == [1, 0, 1]
    assert days["exposed_minutes"].tolist() == [1440] * 3
    assert days["observed_minutes"].tolist() == [1440] * 3
    assert days["day"].dt.date.tolist() == [date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4)]
    assert list(days.columns) == coverage.DAY_COLUMNS


def test_a_dead_sensor_is_unknown_and_never_unused() -> None:
    begin, end = oslo("2026-03-02"), oslo("2026-03-06")
    table = hours({"d": every(60, begin, oslo("2026-03-03T06:00"))})  # last heard 05:00, reaches 08:00
    days = days_of(table, exposed(("h1", "d", begin, end, 60)))
    assert states(days) == "NKKK"
    assert days["observed_minutes"].tolist() == [1440, 480, 0, 0]
    assert days["observed_ratio"].tolist() == [1.0, 480 / 1440, 0.0, 0.0]


def test_a_device_never_heard_is_unknown_on_every_day() -> None:
    days = days_of(hours({}), exposed(("h1", "d", oslo("2026-03-02"), oslo("2026-03-05"), 60)))
    assert states(days) == "KKK"


def test_a_use_on_a_day_nobody_watched_is_a_use_and_says_so() -> None:
    begin, end = oslo("2026-03-02"), oslo("2026-03-03")
    days = days_of(hours({}, {"d": [oslo("2026-03-02T18:30")]}), exposed(("h1", "d", begin, end, 60)))
    assert states(days) == "u"
    assert days["observed_minutes"].tolist() == [180]


def test_four_fifths_of_a_day_are_enough_and_a_minute_less_is_not() -> None:
    begin, end = oslo("2026-03-02"), oslo("2026-03-03")
    first = begin + timedelta(minutes=1440 - 1152)
    for shift, state in ((0, "N"), (1, "K")):
        table = hours({"d": every(1, first + shift * MINUTE, end)})
        assert states(days_of(table, exposed(("h1", "d", begin, end, 1)))) == state


def test_a_technology_that_asks_for_two_uses_a_day_is_unused_after_one() -> None:
    begin, end = oslo("2026-03-02"), oslo("2026-03-04")
    uses = [oslo("2026-03-02T08:00"), oslo("2026-03-03T08:00"), oslo("2026-03-03T08:00")]
    table = hours({"d": every(60, begin, end)}, {"d": uses})
    exposures = exposed(("h1", "d", begin, end, 60))
    assert states(days_of(table, exposures, parameters=Parameters(minimum_uses_per_day=2))) == "NU"


def test_the_day_of_installation_and_the_last_day_count_from_twelve_hours_on() -> None:
    table = hours({"d": every(60, oslo("2026-03-02"), oslo("2026-03-06"))}, {"d": [oslo("2026-03-02T14:00")]})
    late = days_of(table, exposed(("h1", "d", oslo("2026-03-02T12:01"), oslo("2026-03-05T11:59"), 60)))
    early = days_of(table, exposed(("h1", "d", oslo("2026-03-02T12:00"), oslo("2026-03-05T12:00"), 60)))
    assert (states(late), states(early)) == ("-NN-", "UNNN")
    assert late["uses"].tolist()[0] == 1  # it happened; it does not count
    assert early["exposed_minutes"].tolist() == [720, 1440, 1440, 720]


# --- Days and nights -----------------------------------------------------------------------------


@pytest.mark.parametrize(("change", "minutes"), [("2026-03-29", 23 * 60), ("2026-10-25", 25 * 60)])
def test_the_days_of_the_clock_changes_have_23_and_25_hours(change: str, minutes: int) -> None:
    day = date.fromisoformat(change)
    begin, end = oslo(str(day - timedelta(days=1))), oslo(str(day + timedelta(days=2)))
    days = days_of(hours({"d": every(60, begin, end)}), exposed(("h1", "d", begin, end, 20)))
    assert days["exposed_minutes"].tolist() == [1440, minutes, 1440]
    assert days["observed_minutes"].tolist() == [1440, minutes, 1440]
    assert days["day"].dt.date.tolist()[1] == day


@pytest.mark.parametrize("day", ["2026-03-28", "2026-03-29", "2026-10-24", "2026-10-25", "2026-06-10"])
def test_late_evening_uses_stay_on_their_side_of_midnight(day: str) -> None:
    tomorrow = str(date.fromisoformat(day) + timedelta(days=1))
    begin, end = oslo(day), oslo(tomorrow) + timedelta(days=1)
    uses = [oslo(f"{day}T23:59"), oslo(f"{day}T23:15"), oslo(f"{tomorrow}T00:00"), oslo(f"{day}T00:00")]
    days = days_of(hours({}, {"d": uses}), exposed(("h1", "d", begin, end, 60)))
    assert days["uses"].tolist()[:2] == [3, 1]


def test_a_day_without_midnight_begins_when_the_clock_has_changed() -> None:
    begin, end = datetime(2018, 11, 3, 3, tzinfo=UTC), datetime(2018, 11, 6, 2, tzinfo=UTC)
    days = days_of(hours({}), exposed(("h1", "d", begin, end, 60)), timezone="America/Sao_Paulo")
    assert days["exposed_minutes"].tolist() == [1440, 23 * 60, 1440]


# --- Devices that move, report often, report seldom ----------------------------------------------


def test_a_device_moved_in_the_middle_of_an_hour_counts_for_each_home_what_happened_there() -> None:
    move = oslo("2026-03-03T13:20")
    begin, end = oslo("2026-03-02"), oslo("2026-03-05")
    uses = [move - MINUTE, move, move + MINUTE, move - timedelta(minutes=20), move + timedelta(minutes=39)]
    days = days_of(hours({}, {"d": uses}), exposed(("h1", "d", begin, move, 60), ("h2", "d", move, end, 60)))
    assert days[["home", "uses"]].to_numpy().tolist() == [["h1", 0], ["h1", 2], ["h2", 3], ["h2", 0]]
    # 13:00 … 13:20 in the first home; in the second without a gap until 13:59 + 3 h
    assert days["observed_minutes"].tolist() == [0, 20, 3 * 60 + 39, 0]
    assert states(days) == "Ku-K"


@pytest.mark.parametrize("minute", [0, 1, 30, 59])
def test_a_device_used_every_minute_counts_each_once_when_it_moves(minute: int) -> None:
    hour, end = oslo("2026-03-02T13:00"), oslo("2026-03-03")
    move = hour + minute * MINUTE
    table = hours({}, {"d": every(1, hour, hour + 60 * MINUTE)})
    days = days_of(table, exposed(("h1", "d", oslo("2026-03-02"), move, 60), ("h2", "d", move, end, 60)))
    assert days["uses"].tolist() == [minute, 60 - minute]
    only = days_of(table, exposed(("h1", "d", hour, move, 60)))
    assert only["uses"].sum() == minute  # an exposure within the hour


def test_times_inside_a_minute_belong_to_that_minute() -> None:
    begin, end = oslo("2026-03-02T00:00:20"), oslo("2026-03-03T00:00:40")
    pauses = [("h1", begin, oslo("2026-03-02T23:59:59"))]
    days = days_of(hours({}), exposed(("h1", "d", begin, end, 60)), pauses)
    assert days["exposed_minutes"].tolist() == [1440]
    assert states(days) == "E"
    heard, outage = [oslo("2026-03-02T09:00")], (oslo("2026-03-02T09:00:30"), oslo("2026-03-02T09:01:30"))
    days = days_of(hours({"d": heard}), exposed(("h1", "d", begin, end, 60)), outages=[outage])
    assert days["observed_minutes"].tolist() == [179]


def test_a_message_from_before_the_exposure_covers_its_beginning() -> None:
    begin, end = oslo("2026-03-02"), oslo("2026-03-03")
    days = days_of(hours({"d": [begin - timedelta(minutes=100)]}), exposed(("h1", "d", begin, end, 60)))
    assert days["observed_minutes"].tolist() == [80]


def test_a_device_that_reports_every_25_hours_is_observed_for_three_days() -> None:
    begin, end = oslo("2026-03-02"), oslo("2026-03-07")
    days = days_of(hours({"d": [oslo("2026-03-02T00:10")]}), exposed(("h1", "d", begin, end, 25 * 60)))
    assert days["observed_minutes"].tolist() == [1430, 1440, 1440, 190, 0]
    assert states(days) == "NNNKK"


def test_a_device_that_reports_every_minute_shows_every_gap() -> None:
    begin, end = oslo("2026-03-02"), oslo("2026-03-03")
    gap_from, gap_to = oslo("2026-03-02T10:07"), oslo("2026-03-02T10:50")
    heard = every(1, begin, gap_from) + every(1, gap_to, end)
    days = days_of(hours({"d": heard}), exposed(("h1", "d", begin, end, 1)))
    assert days["observed_minutes"].tolist() == [1440 - 41]  # 10:06 reaches to 10:09


def test_a_swapped_device_leaves_two_rows_on_the_day_of_the_swap_and_no_use_of_the_home_is_lost() -> None:
    begin, swap, end = oslo("2026-03-02"), oslo("2026-03-03T10:00"), oslo("2026-03-05")
    table = hours(
        {"old": every(60, begin, swap), "new": every(60, swap, end)}, {"old": [oslo("2026-03-03T08:00")]}
    )
    days = days_of(table, exposed(("h1", "old", begin, swap, 60), ("h1", "new", swap, end, 60)))
    assert states(days) == "N-NN"
    homes = coverage.home_days(days)
    assert states(homes) == "NuN"  # the old device's morning is too short to count, its use is not lost
    assert homes["exposed_minutes"].tolist() == [1440, 840, 1440]
    assert homes["uses"].tolist() == [0, 1, 0]


# --- Pauses and outages --------------------------------------------------------------------------


def test_a_day_paused_throughout_is_excused_unless_it_was_used() -> None:
    begin, end = oslo("2026-03-02"), oslo("2026-03-06")
    table = hours({"d": every(60, begin, end)}, {"d": [oslo("2026-03-04T08:00")]})
    pauses = [("h1", oslo("2026-03-02T12:00"), oslo("2026-03-05")), ("h2", begin, end)]
    days = days_of(table, exposed(("h1", "d", begin, end, 60)), pauses)
    assert states(days) == "NEUN"
    assert days["paused_minutes"].tolist() == [720, 1440, 1440, 0]


def test_a_paused_day_without_proof_of_life_is_excused_and_not_unknown() -> None:
    begin, end = oslo("2026-03-02"), oslo("2026-03-04")
    halves = [("h1", begin, oslo("2026-03-02T09:00")), ("h1", oslo("2026-03-02T08:00"), oslo("2026-03-03"))]
    assert states(days_of(hours({}), exposed(("h1", "d", begin, end, 60)), halves)) == "EK"


def test_a_pause_within_a_pause_takes_nothing_from_it() -> None:
    begin, end = oslo("2026-03-02"), oslo("2026-03-03")
    pauses = [("h1", begin, end), ("h1", oslo("2026-03-02T08:00"), oslo("2026-03-02T09:00"))]
    days = days_of(hours({}), exposed(("h1", "d", begin, end, 60)), pauses)
    assert days["paused_minutes"].tolist() == [1440]


def test_an_installation_day_of_eight_hours_is_out_even_when_paused() -> None:
    begin, end = oslo("2026-03-02T16:00"), oslo("2026-03-04")
    pauses = [("h1", begin, end)]
    assert states(days_of(hours({}), exposed(("h1", "d", begin, end, 60)), pauses)) == "-E"


def test_the_minutes_of_an_outage_are_not_observed_and_those_after_it_are_again() -> None:
    begin, end = oslo("2026-03-02"), oslo("2026-03-03")
    heard = [oslo("2026-03-02T09:00"), oslo("2026-03-02T14:00")]
    outage = (oslo("2026-03-02T09:30"), oslo("2026-03-02T10:00"))
    days = days_of(hours({"d": heard}), exposed(("h1", "d", begin, end, 60)), outages=[outage])
    assert days["observed_minutes"].tolist() == [180 - 30 + 180]


def test_what_was_sent_in_an_outage_and_arrived_later_counts_like_any_message() -> None:
    begin, end = oslo("2026-03-02"), oslo("2026-03-03")
    heard = [oslo("2026-03-02T09:00"), oslo("2026-03-02T09:40"), oslo("2026-03-02T09:59")]
    outage = (oslo("2026-03-02T09:30"), oslo("2026-03-02T12:00"))
    days = days_of(hours({"d": heard}), exposed(("h1", "d", begin, end, 60)), outages=[outage])
    assert days["observed_minutes"].tolist() == [30 + 19 + 180]  # 09:00–09:30, then 09:40 to 12:59


# --- Homes ---------------------------------------------------------------------------------------


def test_a_home_is_used_when_one_device_is_and_unknown_before_it_is_unused() -> None:
    pairs = ["UK", "uN", "Uu", "NK", "NE", "E-", "--", "N-"]
    rows = [
        (
            "h1",
            "Bydel Alna",
            device,
            pd.Timestamp(2026, 3, 1 + n),
            1000,
            600,
            0,
            1 if state in "Uu" else 0,
            0.6,
            state,
            False,
        )
        for n, pair in enumerate(pairs)
        for device, state in zip("ab", pair, strict=True)
    ]
    homes = coverage.home_days(pd.DataFrame(rows, columns=coverage.DAY_COLUMNS))
    assert states(homes) == "UuUKNE-N"
    assert homes["uses"].tolist() == [1, 1, 2, 0, 0, 0, 0, 0]
    assert homes["exposed_minutes"].tolist() == [2000] * 5 + [1000, 0, 1000]
    assert homes["observed_ratio"].fillna(-1).tolist() == [0.6] * 6 + [-1, 0.6]


def test_a_trial_without_exposures_has_no_days() -> None:
    days = days_of(hours({"d": [oslo("2026-03-02")]}), exposed())
    assert days.empty
    assert list(days.columns) == coverage.DAY_COLUMNS
    assert coverage.home_days(days).empty


def test_an_exposure_that_ends_where_it_begins_has_no_day() -> None:
    at = oslo("2026-03-02")
    assert days_of(hours({"d": [at]}), exposed(("h1", "d", at, at, 60))).empty


# --- Every single minute -------------------------------------------------------------------------


def reference(
    heard: dict[str, set[int]],
    uses: dict[str, list[int]],
    exposures: Sequence[tuple[str, str, int, int, float]],
    pauses: Sequence[tuple[str, int, int]],
    outages: Sequence[tuple[int, int]],
    gaps: Sequence[tuple[str, int, int]],
    parameters: Parameters,
) -> list[tuple[object, ...]]:
    """Device-days as the definition reads, one minute after the other."""
    rows: list[tuple[object, ...]] = []
    for home, device, from_at, to_at, heartbeat_minutes in exposures:
        reach = max(1, math.ceil(heartbeat_minutes * parameters.heartbeat_tolerance))
        minutes: dict[date, list[int]] = {}
        for t in range(from_at, to_at):
            minutes.setdefault(at(t).astimezone(OSLO).date(), []).append(t)
        for day, inside in minutes.items():
            observed = sum(under_proof(t, heard[device], reach, apart(outages)) for t in inside)
            paused = sum(any(p[0] == home and p[1] <= t < p[2] for p in pauses) for t in inside)
            used = sum(u in inside for u in uses[device])
            share = observed / len(inside)
            if day in (min(minutes), max(minutes)) and len(inside) < 720:
                state = "-"
            elif used >= parameters.minimum_uses_per_day:
                state = "U" if share >= parameters.observed_share_required else "u"
            elif paused == len(inside):
                state = "E"
            else:
                state = "N" if share >= parameters.observed_share_required else "K"
            lossy = any(gap == device and from_ <= t <= to for gap, from_, to in gaps for t in inside)
            rows.append(
                (home, "Bydel Alna", device, day, len(inside), observed, paused, used, share, state, lossy)
            )
    return rows


@settings(max_examples=60, deadline=None)
@given(
    heard=st.fixed_dictionaries({d: st.sets(minute | near, max_size=9) for d in "ab"}),
    uses=st.fixed_dictionaries({d: st.lists(minute | near, max_size=4, unique=True) for d in "ab"}),
    spans=st.lists(
        st.tuples(st.sampled_from(["h1", "h2"]), st.sampled_from("ab"), stretch, heartbeat), max_size=3
    ),
    pauses=st.lists(st.tuples(st.sampled_from(["h1", "h2", "h3"]), stretch), max_size=3),
    outages=st.lists(st.tuples(minute | near, st.integers(1, 300)), max_size=3),
    gaps=st.lists(st.tuples(st.sampled_from("abc"), stretch), max_size=3),
    parameters=st.builds(
        Parameters,
        observed_share_required=st.sampled_from([0.1, 0.5, 0.8]),
        heartbeat_tolerance=st.sampled_from([1.0, 2.5, 3.0]),
        minimum_uses_per_day=st.integers(1, 2),
    ),
)
def test_device_days_are_those_of_a_reference_that_looks_at_every_minute(
    heard: dict[str, set[int]],
    uses: dict[str, list[int]],
    spans: list[tuple[str, str, tuple[int, int], float]],
    pauses: list[tuple[str, tuple[int, int]]],
    outages: list[tuple[int, int]],
    gaps: list[tuple[str, tuple[int, int]]],
    parameters: Parameters,
) -> None:
    heard = {device: minutes | set(uses[device]) for device, minutes in heard.items()}
    exposures = [(home, device, *span, beat) for home, device, span, beat in spans]
    away = [(home, *span) for home, span in pauses]
    down = [(began, began + length) for began, length in outages]
    lost = [(device, *span) for device, span in gaps]
    days = days_of(
        hours({d: map(at, m) for d, m in heard.items()}, {d: map(at, m) for d, m in uses.items()}),
        exposed(*((home, device, at(start), at(end), beat) for home, device, start, end, beat in exposures)),
        [(home, at(start), at(end)) for home, start, end in away],
        [(at(start), at(end)) for start, end in down],
        [(device, at(start), at(end)) for device, (start, end) in gaps],
        parameters=parameters,
    )
    found = [(*row[:3], row[3].date(), *row[4:]) for row in days.itertuples(index=False)]
    assert found == reference(heard, uses, exposures, away, down, lost, parameters)
    assert (days["observed_minutes"] <= days["exposed_minutes"]).all()
    homes = coverage.home_days(days)
    assert len(homes) == len(days.drop_duplicates(["home", "day"]))
    counted = days["state"] != "-"
    for name in ("exposed_minutes", "observed_minutes"):
        assert homes[name].sum() == days[name][counted].sum()
    beside = counted.groupby([days["home"], days["day"]]).transform(
        "any"
    )  # a swapped device's uses count too
    assert homes["uses"].sum() == days["uses"][counted | beside].sum()
