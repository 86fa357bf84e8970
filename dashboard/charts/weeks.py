"""How many homes use it, week by week; and the use-day rate beside it."""

from __future__ import annotations

from datetime import date
from typing import Any

import altair as alt
import pandas as pd

from dashboard.charts import axes, hatch
from dashboard.charts.frame import HATCHED
from dashboard.client import Json
from dashboard.language import _, day, number, parse_day, percent, percent_range
from dashboard.palette import IN_CONTACT, PAUSED, UNKNOWN, UNUSED, USED, USED_LITTLE_OBSERVED
from dashboard.wording import rate_value

Band = tuple[str, str, str]
"""Field, words, colour."""

CELLS = ["x", "x2", "y", "y2", "colour", "week", "state", "homes", "opacity"]
EDGE = 0.07
"""Half the gap between two weeks, in weeks."""


def bands(*, standby: bool) -> list[Band]:
    """The bands from the bottom up. A standby device is useful by being there, so use is not told apart."""
    if standby:
        return [
            ("homes_in_contact", _("In contact"), IN_CONTACT),
            ("homes_paused", _("Paused"), PAUSED),
            ("homes_unknown", _("Unknown"), UNKNOWN),
        ]
    return [
        ("homes_used", _("Used"), USED),
        ("homes_unused", _("Unused"), UNUSED),
        ("homes_paused", _("Paused"), PAUSED),
        ("homes_unknown", _("Unknown"), UNKNOWN),
    ]


def swatches(*, standby: bool) -> list[tuple[str, str]]:
    """The bands as a legend."""
    return [
        (HATCHED if field == "homes_unknown" else colour, words)
        for field, words, colour in bands(standby=standby)
    ]


def rows(weeks: list[Json]) -> list[dict[str, Any]]:
    """A week a row, for the picture and for the table."""
    return [
        {
            "iso_week": week["iso_week"],
            "starts_on": week["starts_on"],
            "complete": week["complete"],
            "homes_used": week["homes_used"],
            "homes_unused": week["homes_unused"],
            "homes_in_contact": week["homes_used"] + week["homes_unused"],
            "homes_paused": week["homes_paused"],
            "homes_unknown": week["homes_unknown"],
            "observed_homes": week["observed_homes"],
            "active_homes": week["active"]["count"],
            "active_ratio": week["active"]["ratio"],
            "active_low": week["active"]["low"],
            "active_high": week["active"]["high"],
            "regular_homes": week["regular"]["count"],
            "recovered_uses": week["recovered_uses"],
            "use_day_rate": week["use_day_rate"]["point"]
            if week["use_day_rate"]["show"] == "point"
            else None,
            "use_day_rate_lower": week["use_day_rate"]["lower"],
            "use_day_rate_upper": week["use_day_rate"]["upper"],
            "observability": week["use_day_rate"]["observability"],
        }
        for week in weeks
    ]


def homes(weeks: list[Json], *, standby: bool) -> alt.Chart:
    """A column a week, as high as there are homes, in bands that sum to all of them."""
    return _columns(rows(weeks), bands(standby=standby), "homes_unknown", _("Homes"))


def due_bands() -> list[Band]:
    """What became of what was due, from the bottom up."""
    return [
        ("done", _("In time"), USED),
        ("late", _("Late"), USED_LITTLE_OBSERVED),
        ("missed", _("Missed"), UNUSED),
        ("excused", _("Paused"), PAUSED),
        ("unknown", _("Unknown"), UNKNOWN),
    ]


def due_swatches() -> list[tuple[str, str]]:
    """What became of what was due, as a legend."""
    return [(HATCHED if field == "unknown" else colour, words) for field, words, colour in due_bands()]


def due_rows(weeks: list[Json]) -> list[dict[str, Any]]:
    """A week a row: how many were done in time, late, missed, unknown and excused, and the share in time."""
    return [
        {
            "iso_week": week["iso_week"],
            "starts_on": week["starts_on"],
            "complete": not week["participation"]["to_come"],
            "done": week["participation"]["done"]["count"],
            "due": week["participation"]["done"]["of"],
            "done_ratio": week["participation"]["done"]["ratio"],
            **{name: week["participation"][name] for name in ("late", "missed", "excused", "unknown")},
        }
        for week in weeks
    ]


def due(weeks: list[Json]) -> alt.Chart:
    """A column a week, as high as things were due, in bands by what became of them."""
    return _columns(due_rows(weeks), due_bands(), "unknown", _("Number"))


def alarm_bands() -> list[Band]:
    """What became of alarms, from the bottom up."""
    return [
        ("handled_in_time", _("Handled in time"), USED),
        ("handled_late", _("Handled late"), USED_LITTLE_OBSERVED),
        ("missed", _("Not handled"), UNUSED),
        ("to_come", _("Still open"), PAUSED),
        ("unknown", _("Unknown"), UNKNOWN),
    ]


def alarm_swatches() -> list[tuple[str, str]]:
    """What became of alarms, as a legend."""
    return [(HATCHED if field == "unknown" else colour, words) for field, words, colour in alarm_bands()]


def alarm_rows(weeks: list[Json]) -> list[dict[str, Any]]:
    """A week a row: how many alarms were raised, and what became of them."""
    return [
        {
            "iso_week": week["iso_week"],
            "starts_on": week["starts_on"],
            "complete": week["complete"],
            "raised": week["alarms"]["raised"],
            "handled_in_time": week["alarms"]["handled_in_time"]["count"],
            "missed": week["alarms"]["missed"]["count"],
            **{name: week["alarms"][name] for name in ("handled_late", "to_come", "unknown")},
        }
        for week in weeks
    ]


def alarms(weeks: list[Json]) -> alt.Chart:
    """A column a week, as high as alarms were raised, in bands by what became of them."""
    return _columns(alarm_rows(weeks), alarm_bands(), "unknown", _("Alarms"))


def _columns(table: list[dict[str, Any]], bands: list[Band], unknown: str, counted: str) -> alt.Chart:
    """Stacked columns, one a week; the band `unknown` hatched."""
    cells: list[dict[str, Any]] = []
    lines: list[list[float]] = []
    top = max((sum(row[f] for f, _words, _colour in bands) for row in table), default=1) or 1
    for index, row in enumerate(table):
        height = 0
        for field, words, colour in bands:
            count = row[field]
            if count:
                left, right = index + EDGE, index + 1 - EDGE
                cells.append(
                    {
                        "x": left,
                        "x2": right,
                        "y": height,
                        "y2": height + count,
                        "colour": colour,
                        "week": _week(row),
                        "state": words,
                        "homes": number(count),
                        "opacity": 1.0 if row["complete"] else 0.55,
                    }
                )
                if field == unknown:
                    lines += hatch.lines(left, right, height, height + count, run=0.28, rise=top / 16)
                height += count
    x = alt.X(
        "x:Q",
        scale=alt.Scale(domain=[0, len(table)], nice=False),
        axis=axes.weeks([_monday(row) for row in table]),
    )
    y = alt.Y(
        "y:Q", scale=alt.Scale(domain=[0, axes.whole_numbers(top)[-1]], nice=False), axis=axes.counts(top)
    )
    columns = (
        alt.Chart(pd.DataFrame(cells, columns=CELLS))
        .mark_rect(stroke="white", strokeWidth=0.6)
        .encode(
            x=x,
            x2="x2",
            y=y,
            y2="y2",
            color=alt.Color("colour:N", scale=None, legend=None),
            opacity=alt.Opacity("opacity:Q", scale=None, legend=None),
            tooltip=[
                alt.Tooltip("week:N", title=_("Week")),
                alt.Tooltip("state:N", title=_("State")),
                alt.Tooltip("homes:N", title=counted),
            ],
        )
    )
    return alt.layer(columns, hatch.mark(lines, x, y)) if lines else alt.layer(columns)


def rates(weeks: list[Json]) -> alt.Chart:
    """A bar a week from the lower to the upper bound of the use-day rate; a dot where one number may be shown."""
    marks = []
    for index, (week, row) in enumerate(zip(weeks, rows(weeks), strict=True)):
        rate = week["use_day_rate"]
        if rate["show"] == "nothing":
            continue
        marks.append(
            {
                "x": index + 0.5,
                "lower": rate["lower"],
                "upper": rate["upper"],
                "point": row["use_day_rate"],
                "week": _week(row),
                "rate": rate_value(rate),
                "range": percent_range(rate["lower"], rate["upper"]),
                "observed": percent(rate["observability"]),
                "homes": number(rate["homes"]),
            }
        )
    frame = pd.DataFrame(
        marks, columns=["x", "lower", "upper", "point", "week", "rate", "range", "observed", "homes"]
    )
    base = alt.Chart(frame).encode(
        x=alt.X(
            "x:Q",
            scale=alt.Scale(domain=[0, len(weeks)], nice=False),
            axis=axes.weeks([_monday(week) for week in weeks]),
        ),
        tooltip=[
            alt.Tooltip("week:N", title=_("Week")),
            alt.Tooltip("rate:N", title=_("Share of days in use")),
            alt.Tooltip("range:N", title=_("Bounds")),
            alt.Tooltip("observed:N", title=_("Days observed")),
            alt.Tooltip("homes:N", title=_("Homes")),
        ],
    )
    scale = alt.Scale(domain=[0, 1])
    bounds = base.mark_bar(size=12, color=PAUSED, stroke=IN_CONTACT, cornerRadius=3).encode(
        y=alt.Y("lower:Q", scale=scale, axis=axes.ratios()), y2="upper"
    )
    dots = (
        base.transform_filter("isValid(datum.point)")
        .mark_circle(size=70, color=USED, opacity=1)
        .encode(y=alt.Y("point:Q", scale=scale))
    )
    return alt.layer(bounds, dots)


def _monday(row: Json) -> date:
    monday = parse_day(row["starts_on"])
    assert monday is not None
    return monday


def _week(row: Json) -> str:
    text = _("Week of {day}").format(day=day(_monday(row)))
    return text if row["complete"] else _("{week} (so far)").format(week=text)
