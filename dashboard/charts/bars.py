"""Plain bars: the way from asked to started, and minutes before, after and new."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from dashboard.charts import axes
from dashboard.client import Json
from dashboard.language import _, number
from dashboard.palette import CAREFUL, IN_CONTACT, INK, USED
from dashboard.wording import funnel_step, share_interval

STEP_HEIGHT_PX = 46


def funnel(steps: list[Json]) -> alt.Chart:
    """A bar a step, as long as homes reached it, with their number."""
    top = max((step["homes"] for step in steps), default=0) or 1
    bars = [
        {
            "row": row,
            "y": row + 0.2,
            "y2": row + 0.8,
            "x": 0,
            "value": step["homes"],
            "step": funnel_step(step["step"]),
            "text": number(step["homes"]),
            "share": share_interval(step["share"]) if step["share"] else "–",
        }
        for row, step in enumerate(steps)
    ]
    return _rows(bars, top, [alt.Tooltip("share:N", title=_("Of the step before"))], USED)


def minutes(net: Json) -> alt.Chart:
    """Staff minutes per home and week: before, after, new work, and what is left over."""
    kinds = [
        (_("Visits before"), net["visit_minutes_before"], IN_CONTACT),
        (_("Visits after"), net["visit_minutes_after"], IN_CONTACT),
        (_("New work"), net["new_work_minutes"], CAREFUL),
        (_("Net freed"), net["net_minutes"], USED),
    ]
    bars = [
        {
            "row": row,
            "y": row + 0.2,
            "y2": row + 0.8,
            "x": 0,
            "value": value,
            "step": words,
            "text": number(value, 1),
        }
        for row, (words, value, _colour) in enumerate(kinds)
        if value is not None
    ]
    for bar in bars:
        bar["colour"] = kinds[int(bar["row"])][2]
    top = max((abs(float(bar["value"])) for bar in bars), default=0) or 1
    low = min((float(bar["value"]) for bar in bars), default=0)
    return _rows(bars, top, [], None, low=min(0.0, low))


def _rows(
    bars: list[dict[str, Any]],
    top: float,
    more: list[alt.Tooltip],
    colour: str | None,
    low: float = 0.0,
) -> alt.Chart:
    names = {bar["row"] + 0.5: bar["step"] for bar in bars}
    frame = pd.DataFrame([{**bar, "middle": bar["row"] + 0.5} for bar in bars])
    y_scale = alt.Scale(domain=[0, max(len(bars), 1)], reverse=True, nice=False)
    y_axis = axes.labelled(names, overlap=False)
    x = alt.X("value:Q", scale=alt.Scale(domain=[low * 1.15, top * 1.15], nice=False), axis=None)
    paint = alt.value(colour) if colour else alt.Color("colour:N", scale=None, legend=None)
    tooltip = [alt.Tooltip("step:N", title=" "), alt.Tooltip("text:N", title=_("Number")), *more]
    chart = alt.Chart(frame)
    return alt.layer(
        chart.mark_rect(cornerRadius=2).encode(
            x=x, x2="x", y=alt.Y("y:Q", scale=y_scale, axis=y_axis), y2="y2", color=paint, tooltip=tooltip
        ),
        chart.mark_text(align="left", dx=6, color=INK, fontSize=13, fontWeight="bold").encode(
            x=x, y=alt.Y("middle:Q", scale=y_scale, axis=y_axis), text="text:N"
        ),
    )
