"""How many homes still use it, so many days after their first use: a curve with its interval, and who is left below."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from dashboard.charts import axes
from dashboard.client import Json
from dashboard.language import _, number, percent, percent_range
from dashboard.palette import FAINT, INK, PAUSED, USED

HEIGHT_PX = 300
ROW = -0.16
"""How far below the axis of shares the numbers at risk stand."""


def rows(curve: Json) -> list[dict[str, Any]]:
    """The steps of the curve, with everyone on day 0 and the last day of follow-up."""
    steps: list[dict[str, Any]] = [
        {"day": 0.0, "share": 1.0, "low": 1.0, "high": 1.0, "at_risk": curve["subjects"], "stopped": 0}
    ]
    for day, share, low, high, at_risk, stopped in zip(
        curve["days"],
        curve["survival"],
        curve["low"],
        curve["high"],
        curve["at_risk"],
        curve["events"],
        strict=True,
    ):
        steps.append(
            {"day": day, "share": share, "low": low, "high": high, "at_risk": at_risk, "stopped": stopped}
        )
    return steps


def curve(retention: Json) -> alt.LayerChart:
    """The curve, its pointwise 95 % interval as a band, and below it how many homes are under observation."""
    told: Json = retention["curve"]
    steps = rows(told)
    last = max(told["followed_days"], steps[-1]["day"], 1.0)
    at_risk = retention["at_risk"]
    drawn = [
        {
            **step,
            "low": step["share"] if step["low"] is None else step["low"],
            "high": step["share"] if step["high"] is None else step["high"],
            "when": number(step["day"]),
            "shown": percent(step["share"]),
            "range": percent_range(step["low"], step["high"]),
        }
        for step in steps
    ]
    drawn.append({**drawn[-1], "day": last})
    ticks = {float(day): number(day) for day, _homes in at_risk}
    x = alt.X(
        "day:Q",
        scale=alt.Scale(domain=[-0.03 * last, last * 1.03], nice=False),
        axis=axes.labelled(ticks),
    )
    scale = alt.Scale(domain=[ROW * 1.6, 1.0], nice=False)
    y_axis = axes.labelled({tick / 4: percent(tick / 4) for tick in range(5)}, grid=True)
    base = alt.Chart(pd.DataFrame(drawn)).encode(x=x)
    tooltip = [
        alt.Tooltip("when:N", title=_("Days since the first use")),
        alt.Tooltip("shown:N", title=_("Still use it")),
        alt.Tooltip("range:N", title=_("95% interval")),
        alt.Tooltip("at_risk:Q", title=_("Homes under observation")),
        alt.Tooltip("stopped:Q", title=_("Stopped on that day")),
    ]
    left = [{"day": float(day), "y": ROW, "homes": number(homes)} for day, homes in at_risk]
    below = (
        alt.Chart(pd.DataFrame(left, columns=["day", "y", "homes"]))
        .mark_text(color=INK, fontSize=12)
        .encode(x=x, y=alt.Y("y:Q", scale=scale, axis=y_axis), text="homes:N")
    )
    line = alt.Chart(pd.DataFrame([{"y": 0.0}])).mark_rule(color=FAINT, strokeWidth=0.8)
    return alt.layer(
        base.mark_area(color=PAUSED, interpolate="step-after", opacity=0.8).encode(
            y=alt.Y("low:Q", scale=scale, axis=y_axis), y2="high"
        ),
        line.encode(y=alt.Y("y:Q", scale=scale, axis=y_axis)),
        base.mark_line(color=USED, interpolate="step-after", strokeWidth=2.4).encode(
            y=alt.Y("share:Q", scale=scale, axis=y_axis)
        ),
        base.mark_circle(color=USED, size=40, opacity=1).encode(
            y=alt.Y("share:Q", scale=scale, axis=y_axis), tooltip=tooltip
        ),
        below,
    )
