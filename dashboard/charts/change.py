"""How a gain changed, where lines before and after do not tell it: starts one by one, a series, answers, and use."""

from __future__ import annotations

from datetime import date
from typing import Any

import altair as alt
import pandas as pd

from dashboard.charts import axes
from dashboard.client import Json
from dashboard.language import _, number, parse_day, percent, short_day, signed
from dashboard.palette import FAINT, HOME_LINE, IN_CONTACT, INK, UNUSED, USED

Frame = list[dict[str, Any]]


def by_start(gain: Json) -> alt.Chart:
    """Each home month by month: open before it started, filled from then on."""
    rows: Frame = [
        {
            "x": _month(row["month"]),
            "value": row["value"],
            "home": row["home"],
            "started": row["started"],
            "when": _month_words(row["month"]),
            "shown": number(row["value"], 1),
        }
        for row in gain["months"]
    ]
    x = alt.X("x:Q", scale=_wide(rows), axis=_months(sorted({row["month"] for row in gain["months"]})))
    y = _values([row["value"] for row in rows])
    tooltip = [
        alt.Tooltip("home:N", title=_("Home")),
        alt.Tooltip("when:N", title=_("Month")),
        alt.Tooltip("shown:N", title=_("Value")),
    ]
    homes = alt.Chart(pd.DataFrame(rows)).encode(x=x, y=y, detail="home:N", tooltip=tooltip)
    return alt.layer(
        homes.mark_line(color=HOME_LINE, strokeWidth=1.5),
        homes.transform_filter("!datum.started").mark_point(stroke=USED, fill="white", size=50, opacity=1),
        homes.transform_filter("datum.started").mark_circle(color=USED, size=60, opacity=1),
    )


def series(gain: Json) -> alt.Chart:
    """Each point of the series, the line through those before and after, and where the first was going."""
    points, found = gain["points"], gain["interrupted"]
    first_after = next((place for place, point in enumerate(points) if point["after"]), len(points))
    rows: Frame = [
        {
            "x": place,
            "value": point["value"],
            "when": short_day(_day(point["starts_on"])),
            "shown": number(point["value"], 1),
        }
        for place, point in enumerate(points)
        if point["value"] is not None
    ]
    would_have = list(found["counterfactual"])
    every = [row["value"] for row in rows] + would_have + list(found["fitted"])
    labels: dict[float, str] = {
        place: short_day(_day(points[place]["starts_on"]))
        for place in range(0, len(points), max(1, -(-len(points) // 5)))
    }
    x = alt.X(
        "x:Q", scale=alt.Scale(domain=[-0.5, len(points) - 0.5], nice=False), axis=axes.labelled(labels)
    )
    y = _values(every)
    tooltip = [alt.Tooltip("when:N", title=_("From")), alt.Tooltip("shown:N", title=_("Value"))]
    layers: list[Any] = [
        alt.Chart(pd.DataFrame([{"x": first_after - 0.5}]))
        .mark_rule(color=FAINT, strokeDash=[2, 3])
        .encode(x=x)
    ]
    fitted = list(found["fitted"])
    for values, start, dash, colour in (
        (fitted[:first_after], 0, [1, 0], USED),
        (fitted[first_after:], first_after, [1, 0], USED),
        (would_have, first_after, [5, 4], UNUSED),
    ):
        if values:
            line = pd.DataFrame([{"x": start + place, "value": value} for place, value in enumerate(values)])
            layers.append(
                alt.Chart(line).mark_line(color=colour, strokeWidth=2.5, strokeDash=dash).encode(x=x, y=y)
            )
    layers.append(
        alt.Chart(pd.DataFrame(rows))
        .mark_circle(color=INK, size=42, opacity=1)
        .encode(x=x, y=y, tooltip=tooltip)
    )
    return alt.layer(*layers)


def answers(gain: Json) -> alt.Chart:
    """How many homes gave each answer: before light, after dark, side by side."""
    found = gain["answers"]
    rows: Frame = []
    for place, step in enumerate(found["before"]["answers"]):
        for when, shift, colour, counts in (
            (_("Before"), 0.12, IN_CONTACT, found["before"]["counts"]),
            (_("After"), 0.5, USED, found["after"]["counts"]),
        ):
            rows.append(
                {
                    "x": place + shift,
                    "x2": place + shift + 0.38,
                    "middle": place + shift + 0.19,
                    "zero": 0,
                    "value": counts[place],
                    "shown": number(counts[place]),
                    "when": when,
                    "answer": number(step),
                    "colour": colour,
                }
            )
    steps = {place + 0.5: number(step) for place, step in enumerate(found["before"]["answers"])}
    x_scale = alt.Scale(domain=[0, len(steps)], nice=False)
    x = alt.X("x:Q", scale=x_scale, axis=axes.labelled(steps))
    top = max(row["value"] for row in rows) or 1
    y_scale = alt.Scale(domain=[0, top * 1.2], nice=False)
    y = alt.Y("value:Q", scale=y_scale, axis=axes.counts(top))
    tooltip = [
        alt.Tooltip("when:N", title=_("Period")),
        alt.Tooltip("answer:N", title=_("Answer")),
        alt.Tooltip("shown:N", title=_("Homes")),
    ]
    chart = alt.Chart(pd.DataFrame(rows))
    return alt.layer(
        chart.mark_rect(cornerRadius=2).encode(
            x=x,
            x2="x2",
            y=y,
            y2="zero",
            color=alt.Color("colour:N", scale=None, legend=None),
            tooltip=tooltip,
        ),
        chart.mark_text(dy=-7, color=INK, fontSize=12).encode(
            x=alt.X("middle:Q", scale=x_scale, axis=axes.labelled(steps)), y=y, text="shown:N"
        ),
    )


def use(dosed: list[Json], slope: float | None) -> alt.Chart:
    """Each home's change against its share of days in use; `slope` is per ten percentage points."""
    rows: Frame = [
        {
            "x": each["use_day_ratio"],
            "value": each["change"],
            "home": each["home"],
            "used": percent(each["use_day_ratio"]),
            "shown": signed(each["change"]),
        }
        for each in dosed
    ]
    values = [row["value"] for row in rows]
    x = alt.X("x:Q", scale=alt.Scale(domain=[0, 1.02], nice=False), axis=axes.ratios())
    y = _values([*values, 0.0])
    layers: list[Any] = [
        alt.Chart(pd.DataFrame([{"value": 0.0}])).mark_rule(color=FAINT, strokeDash=[2, 3]).encode(y=y)
    ]
    if slope is not None:
        middle, mean = (sum(each) / len(rows) for each in ([row["x"] for row in rows], values))
        ends = [min(row["x"] for row in rows), max(row["x"] for row in rows)]
        line = pd.DataFrame([{"x": end, "value": mean + 10 * slope * (end - middle)} for end in ends])
        layers.append(
            alt.Chart(line).mark_line(color=FAINT, strokeWidth=2, strokeDash=[5, 4]).encode(x=x, y=y)
        )
    tooltip = [
        alt.Tooltip("home:N", title=_("Home")),
        alt.Tooltip("used:N", title=_("Share of days in use")),
        alt.Tooltip("shown:N", title=_("Change")),
    ]
    layers.append(
        alt.Chart(pd.DataFrame(rows))
        .mark_circle(color=USED, size=70, opacity=1)
        .encode(x=x, y=y, tooltip=tooltip)
    )
    return alt.layer(*layers)


def _values(values: list[float]) -> alt.Y:
    low, high = min(values), max(values)
    margin = (high - low) * 0.08 or 1.0
    ticks = axes.round_values(low - margin, high + margin)
    scale = alt.Scale(domain=[min(low - margin, ticks[0]), max(high + margin, ticks[-1])], nice=False)
    return alt.Y(
        "value:Q", scale=scale, axis=axes.labelled({tick: number(tick, 2) for tick in ticks}, grid=True)
    )


def _wide(rows: Frame) -> alt.Scale:
    places = [row["x"] for row in rows]
    return alt.Scale(domain=[min(places) - 0.4, max(places) + 0.4], nice=False)


def _months(months: list[str]) -> alt.Axis:
    step = max(1, -(-len(months) // 5))
    return axes.labelled({_month(month): _month_words(month) for month in months[::step]})


def _day(text: str) -> date:
    found = parse_day(text)
    assert found is not None
    return found


def _month(text: str) -> int:
    return _day(text).year * 12 + _day(text).month


def _month_words(text: str) -> str:
    return short_day(_day(text)).partition(" ")[2] + f" {_day(text).year}"
