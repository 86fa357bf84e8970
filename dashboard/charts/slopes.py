"""Before and after: a line a home, and the mean of all."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from dashboard.charts import axes
from dashboard.client import Json
from dashboard.language import _, number
from dashboard.palette import HOME_LINE, INK, USED


def lines(gain: Json) -> alt.Chart:
    """Each home's value before and after, joined; answers by proxy dashed; the mean thick."""
    points: list[dict[str, Any]] = []
    for pair in gain["homes"]:
        for x, when, value in ((0, _("Before"), pair["before"]), (1, _("After"), pair["after"])):
            points.append(
                {
                    "x": x,
                    "value": value,
                    "home": pair["home"],
                    "when": when,
                    "shown": number(value, 1),
                    "proxy": bool(pair["by_proxy"]),
                }
            )
    values = [point["value"] for point in points]
    lowest, highest = min(values), max(values)
    margin = (highest - lowest) * 0.08 or 1.0
    low = min(0.0, lowest) if lowest < highest * 0.5 else lowest - margin
    ticks = _ticks(low, highest + margin)
    scale = alt.Scale(domain=[min(low, ticks[0]), max(highest + margin, ticks[-1])], nice=False)
    x = alt.X(
        "x:Q",
        scale=alt.Scale(domain=[-0.18, 1.18], nice=False),
        axis=axes.labelled({0: _("Before"), 1: _("After")}),
    )
    y = alt.Y("value:Q", scale=scale, axis=axes.labelled({t: number(t, 2) for t in ticks}, grid=True))
    tooltip = [
        alt.Tooltip("home:N", title=_("Home")),
        alt.Tooltip("when:N", title=_("Period")),
        alt.Tooltip("shown:N", title=_("Value")),
    ]
    homes = alt.Chart(pd.DataFrame(points)).encode(x=x, y=y, detail="home:N", tooltip=tooltip)
    layers = [
        homes.transform_filter("!datum.proxy").mark_line(color=HOME_LINE, strokeWidth=1.5),
        homes.transform_filter("datum.proxy").mark_line(color=HOME_LINE, strokeWidth=1.5, strokeDash=[4, 3]),
        homes.mark_circle(color=HOME_LINE, size=32, opacity=1),
    ]
    if gain["before_mean"] is not None and gain["after_mean"] is not None:
        means = [
            {"x": x, "value": value, "home": _("Mean"), "when": when, "shown": number(value, 1)}
            for x, when, value in ((0, _("Before"), gain["before_mean"]), (1, _("After"), gain["after_mean"]))
        ]
        mean = alt.Chart(pd.DataFrame(means)).encode(x=x, y=y, tooltip=tooltip)
        text = alt.Chart(pd.DataFrame(means)).encode(x=x, y=y, text="shown:N")
        layers += [
            mean.mark_line(color=USED, strokeWidth=4),
            mean.mark_circle(color=USED, size=110, opacity=1),
            text.transform_filter("datum.x == 0").mark_text(
                align="right", dx=-9, color=INK, fontWeight="bold"
            ),
            text.transform_filter("datum.x == 1").mark_text(align="left", dx=9, color=INK, fontWeight="bold"),
        ]
    return alt.layer(*layers)


def _ticks(low: float, high: float) -> list[float]:
    """Some four round values from about `low` to about `high`."""
    span = high - low
    step = next(s * 10.0**e for e in range(-4, 9) for s in (1, 2, 5) if span <= 5 * s * 10.0**e)
    first = int(low // step) if low % step == 0 else int(low // step) + 1
    return [round(k * step, 6) for k in range(first, int(high // step) + 1)] or [low, high]
