"""Forms of shifts: a cell a day and shift, and how many of those due were filled in, against what a trial requires."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import altair as alt
import pandas as pd

from dashboard.charts import axes
from dashboard.client import Json
from dashboard.entry_choices import choice
from dashboard.language import _, day, number, parse_day, percent, sentence, short_day
from dashboard.palette import CAREFUL, INK, UNKNOWN, UNUSED, USED, USED_LITTLE_OBSERVED

ROW_HEIGHT_PX = 40
COLOURS = {"made": USED, "missing": UNUSED, "to_come": UNKNOWN}


def state(code: str) -> str:
    """What became of a form, in words."""
    return {
        "made": _("filled in (how many lines)"),
        "missing": _("missing"),
        "to_come": _("still to come"),
    }[code]


def cells(plan: Json) -> alt.LayerChart:
    """A row a shift, a column a day; the number is how many lines the form has."""
    first, shifts = _first(plan), plan["shifts"]
    span = max((_of(form) - first).days for form in plan["forms"]) + 1
    rows: list[dict[str, Any]] = [
        {
            "x": (_of(form) - first).days,
            "x2": (_of(form) - first).days + 1,
            "middle": (_of(form) - first).days + 0.5,
            "y": shifts.index(form["shift"]) + 0.06,
            "y2": shifts.index(form["shift"]) + 0.94,
            "row": shifts.index(form["shift"]) + 0.5,
            "colour": COLOURS[form["state"]],
            "text": number(form["lines"]) if form["state"] == "made" else "",
            "day": day(_of(form)),
            "shift": choice("registration", "shift", form["shift"]),
            "said": state(form["state"]),
            "lines": number(form["lines"]),
            "homes": number(form["homes"]),
        }
        for form in plan["forms"]
    ]
    step = max(1, -(-span // 5))
    dates = {offset + 0.5: short_day(first + timedelta(days=offset)) for offset in range(0, span, step)}
    names = {row + 0.5: sentence(choice("registration", "shift", code)) for row, code in enumerate(shifts)}
    frame = alt.Chart(pd.DataFrame(rows))
    x = alt.X("x:Q", scale=alt.Scale(domain=[0, span], nice=False), axis=axes.labelled(dates))
    y = alt.Y(
        "y:Q", scale=alt.Scale(domain=[0, len(shifts)], reverse=True, nice=False),
        axis=axes.labelled(names, overlap=False),
    )  # fmt: skip
    boxes = frame.mark_rect(stroke="#8A8A8A66", strokeWidth=1).encode(
        x=x,
        x2="x2",
        y=y,
        y2="y2",
        color=alt.Color("colour:N", scale=None, legend=None),
        tooltip=[
            alt.Tooltip("day:N", title=_("Day")),
            alt.Tooltip("shift:N", title=_("Shift")),
            alt.Tooltip("said:N", title=_("Form")),
            alt.Tooltip("lines:N", title=_("Lines")),
            alt.Tooltip("homes:N", title=_("Homes")),
        ],
    )
    texts = frame.mark_text(color="white", fontSize=11).encode(x="middle:Q", y="row:Q", text="text:N")
    return alt.layer(boxes, texts)


def shares(plan: Json, required: float) -> alt.LayerChart:
    """A bar for all forms that are due and one a shift, each with its n, and the line of what is required."""
    due = plan["due"]
    found = [(_("All shifts"), due["total"])]
    found += [
        (sentence(choice("registration", "shift", each["key"])), each)
        for code in plan["shifts"]
        for each in due["by_shift"]
        if each["key"] == code
    ]
    rows = [
        {
            "y": row + 0.2,
            "y2": row + 0.8,
            "middle": row + 0.5,
            "zero": 0.0,
            "end": 1.02,
            "ratio": each["ratio"] or 0.0,
            "colour": USED if not each["uncertain"] else USED_LITTLE_OBSERVED,
            "text": _("{made} of {n}").format(made=number(each["made"]), n=number(each["expected"])),
            "said": percent(each["ratio"]),
        }
        for row, (_title, each) in enumerate(found)
    ]
    names = {row + 0.5: title for row, (title, _each) in enumerate(found)}
    frame = alt.Chart(pd.DataFrame(rows))
    x = alt.X("zero:Q", scale=alt.Scale(domain=[0, 1.3], nice=False), axis=axes.ratios())
    y = alt.Y(
        "y:Q", scale=alt.Scale(domain=[0, len(found)], reverse=True, nice=False),
        axis=axes.labelled(names, overlap=False),
    )  # fmt: skip
    bars = frame.mark_rect().encode(
        x=x, x2="ratio", y=y, y2="y2", color=alt.Color("colour:N", scale=None, legend=None),
        tooltip=[alt.Tooltip("text:N", title=_("Forms")), alt.Tooltip("said:N", title=_("Share"))],
    )  # fmt: skip
    texts = frame.mark_text(align="left", color=INK, fontSize=12).encode(
        x="end:Q", y="middle:Q", text="text:N"
    )
    line = (
        alt.Chart(pd.DataFrame([{"required": required}]))
        .mark_rule(color=CAREFUL, strokeDash=[5, 3], strokeWidth=2)
        .encode(x="required:Q")
    )
    return alt.layer(bars, line, texts)


def _first(plan: Json) -> date:
    found = parse_day(plan["from_day"])
    assert found is not None
    return found


def _of(form: Json) -> date:
    found = parse_day(form["day"])
    assert found is not None
    return found
