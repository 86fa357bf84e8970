"""What is not known never looks like what is not used, for any eye; and pictures hold what the API said."""

from __future__ import annotations

from datetime import date
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_api import make_demo_sites
from sample_report import as_json, make_report

from dashboard import palette
from dashboard.charts import axes, bars, hatch, heard, heat, levels, slopes, strips, weeks

FIRST, LAST = date(2026, 8, 24), date(2026, 11, 22)

# Full dichromacy in linear RGB: Machado, Oliveira and Fernandes, "A Physiologically-based Model for Simulation of
# Color Vision Deficiency", IEEE TVCG 15(6), 2009, severity 1.0.
DICHROMACY = {
    "protan": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deutan": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritan": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
    "none": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
}


def _linear(colour: str) -> tuple[float, ...]:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    return tuple(part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)


def _lab(colour: str, eye: str) -> tuple[float, float, float]:
    """CIE L*a*b* of a colour as an eye sees it."""
    red, green, blue = (
        min(1.0, max(0.0, sum(weight * part for weight, part in zip(row, _linear(colour), strict=True))))
        for row in DICHROMACY[eye]
    )
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089
    fx, fy, fz = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


@pytest.mark.parametrize("eye", DICHROMACY)
@pytest.mark.parametrize("standby", [False, True])
def test_states_stay_apart_for_every_kind_of_colour_vision(eye: str, standby: bool) -> None:
    for one, other in combinations(strips.colours(standby=standby).values(), 2):
        a, b = _lab(one, eye), _lab(other, eye)
        assert sum((p - q) ** 2 for p, q in zip(a, b, strict=True)) ** 0.5 > 9, (one, other)


@pytest.mark.parametrize("standby", [False, True])
def test_states_stay_apart_in_a_grey_copy(standby: bool) -> None:
    lightness = sorted(_lab(colour, "none")[0] for colour in strips.colours(standby=standby).values())
    assert all(above - below > 4 for below, above in pairwise(lightness))


@pytest.mark.parametrize("eye", DICHROMACY)
def test_days_of_a_device_stay_apart_for_every_kind_of_colour_vision_and_in_grey(eye: str) -> None:
    for one, other in combinations(heard.COLOURS.values(), 2):
        a, b = _lab(one, eye), _lab(other, eye)
        assert sum((p - q) ** 2 for p, q in zip(a, b, strict=True)) ** 0.5 > 9, (one, other)
    lightness = sorted(_lab(colour, "none")[0] for colour in heard.COLOURS.values())
    assert all(above - below > 4 for below, above in pairwise(lightness))


def test_levels_are_joined_only_where_days_follow_one_another() -> None:
    told = [(date(2026, 11, 1), 90.0), (date(2026, 11, 3), 89.0), (date(2026, 11, 20), 70.0)]
    spec = levels.chart(told, str, "Battery", domain=(0.0, 100.0), until=date(2026, 11, 30)).to_dict()
    (rows,) = spec["datasets"].values()
    assert [row["run"] for row in rows] == [0, 0, 1]
    assert spec["layer"][0]["encoding"]["x"]["scale"]["domain"] == [0, 30], (
        "silence since then shows as empty"
    )


def test_a_batterys_expected_end_is_drawn_from_the_earliest_to_the_latest_day() -> None:
    told = [(date(2026, 11, 1), 90.0), (date(2026, 11, 2), 89.0)]
    span = levels.Span(date(2026, 11, 10), date(2026, 11, 12), date(2026, 11, 20))
    spec = levels.chart(
        told, str, "Battery", domain=(0.0, 100.0), limit=levels.Limit(15.0, "low"), span=span
    ).to_dict()
    drawn = [row for rows in spec["datasets"].values() for row in rows]
    assert {"x": 9, "x2": 20}.items() <= next(row for row in drawn if "x2" in row and row["x"]).items()


def test_unknown_and_unused_are_as_far_apart_as_light_and_dark() -> None:
    assert _lab(palette.UNKNOWN, "none")[0] - _lab(palette.UNUSED, "none")[0] > 20


@given(
    left=st.floats(0, 100),
    width=st.floats(0.2, 50),
    top=st.floats(0.1, 20),
    run=st.floats(0.2, 3),
    rise=st.floats(0.1, 3),
)
def test_hatching_stays_within_its_rectangle(
    left: float, width: float, top: float, run: float, rise: float
) -> None:
    lines = hatch.lines(left, left + width, 0.0, top, run, rise)
    assert lines
    for x, y, x2, y2 in lines:
        assert left - 1e-6 <= x <= x2 <= left + width + 1e-6
        assert -1e-6 <= y <= y2 <= top + 1e-6


def test_unknown_weeks_are_hatched_and_the_bands_of_a_week_are_all_its_homes() -> None:
    report = as_json(make_report("t", "T", "medicine_dispenser", "scheduled"))
    spec = weeks.homes(report["weeks"], standby=False).to_dict()
    assert len(spec["layer"]) == 2
    cells, hatching = (
        next(iter(spec["datasets"][layer["data"]["name"]] for _ in "1")) for layer in spec["layer"]
    )
    assert hatching
    for index, week in enumerate(report["weeks"]):
        column = [cell for cell in cells if index < cell["x"] < index + 1]
        everyone = sum(week[band] for band in ("homes_used", "homes_unused", "homes_unknown", "homes_paused"))
        assert max(cell["y2"] for cell in column) == everyone
        assert sum(cell["y2"] - cell["y"] for cell in column) == everyone


def test_standby_is_never_drawn_as_unused() -> None:
    report = as_json(make_report("t", "T", "safety_alarm", "standby"))
    for chart in (
        weeks.homes(report["weeks"], standby=True),
        strips.days(report["homes"], FIRST, LAST, standby=True),
    ):
        assert palette.UNUSED not in chart.to_json()


def test_a_week_without_a_point_shows_its_bounds_only() -> None:
    report = as_json(make_report("t", "T", "medicine_dispenser", "scheduled"))
    week = report["weeks"][3]
    week["use_day_rate"] = week["use_day_rate"] | {
        "show": "bounds",
        "lower": 0.4,
        "upper": 0.8,
        "point": 0.61,
    }
    rows = weeks.rows(report["weeks"])
    assert rows[3]["use_day_rate"] is None
    spec = weeks.rates(report["weeks"]).to_dict()
    assert all(row["point"] != 0.61 for data in spec["datasets"].values() for row in data)


def test_strips_can_be_cut_to_their_last_weeks_without_losing_the_days_of_a_home() -> None:
    home = as_json(make_report("t", "T", "medicine_dispenser", "scheduled"))["homes"][0]
    (cut,) = strips.cut([home], date(2026, 10, 26), LAST)
    assert cut["states"] == home["states"][-28:]
    assert cut["first_day"] == "2026-10-26"
    assert len(cut["uses"]) == len(cut["observed_ratio"]) == 28
    assert sum(strips.day_rows([home])[day]["uses"] for day in range(len(home["uses"]))) == sum(home["uses"])


def test_pictures_can_be_made_of_one_home_and_one_day() -> None:
    report = as_json(make_report("t", "T", "wash_dry_toilet", "on_demand", homes=1, days=1))
    assert strips.days(report["homes"], FIRST, FIRST, standby=False).to_dict()
    assert weeks.homes(report["weeks"], standby=False).to_dict()
    assert weeks.rates(report["weeks"]).to_dict()
    assert bars.funnel(report["funnel"]["steps"]).to_dict()
    flat = report["gains"][0] | {
        "homes": [{"home": "A", "unit": "U", "before": 0.0, "after": 0.0, "by_proxy": False}]
    }
    assert slopes.lines(flat | {"before_mean": 0.0, "after_mean": 0.0}).to_dict()


def test_more_work_than_before_is_drawn_below_zero() -> None:
    net = as_json(make_report("t", "T", "medicine_dispenser", "scheduled").net_minutes)
    spec = bars.minutes(net | {"net_minutes": -12.5}).to_json()
    assert "-12.5" in spec


def test_the_heat_strip_is_darker_the_more_there_was() -> None:
    assert [heat.colour(count) for count in (0, 1, 2, 3, 10, 11, 500)] == [
        palette.HEAT[step] for step in (0, 1, 1, 2, 3, 4, 5)
    ]
    site = make_demo_sites()[0]
    days = [date.fromisoformat(day) for day in site["days"]]
    assert heat.strip(days, [(d["device"], d["demonstrations"]) for d in site["devices"]], "n").to_dict()


@given(st.integers(1, 10_000_000))
def test_ticks_of_counts_are_few_whole_and_reach_the_top(top: int) -> None:
    ticks = axes.whole_numbers(top)
    assert ticks[0] == 0
    assert ticks[-1] >= top
    assert len(ticks) <= 7


def test_a_day_that_lost_messages_is_marked_in_the_file_and_counted_in_the_strip() -> None:
    home = {
        "home": "A01", "unit": "Alna", "first_day": "2026-09-01", "states": "UNNNK", "uses": [1, 0, 0, 0, 0],
        "observed_ratio": [1.0, 1.0, 1.0, 1.0, 0.1], "lossy_on": ["2026-09-03", "2026-09-05"],
    }  # fmt: skip
    assert [row["lossy"] for row in strips.day_rows([home])] == [False, False, True, False, True]
    (later,) = strips.cut([home], date(2026, 9, 3), date(2026, 9, 5))
    assert [row["lossy"] for row in strips.day_rows([later])] == [True, False, True]
    drawn = strips.days([home], date(2026, 9, 1), date(2026, 9, 5), standby=False).to_dict()
    (runs,) = [rows for rows in drawn["datasets"].values() if rows and "lost" in rows[0]]
    assert [(run["state"], run["lost"]) for run in runs] == [("Used", "0"), ("Unused", "1"), ("Unknown", "1")]
