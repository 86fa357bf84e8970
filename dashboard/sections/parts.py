"""By whom, part by part: each unit, and each technology, with the same figures side by side and no ranking."""

from __future__ import annotations

from html import escape

import streamlit as st

from dashboard import table
from dashboard.client import Json
from dashboard.language import _, ngettext, number, percent, percent_range, signed, titled
from dashboard.palette import FAINT, GRID, INK, USED
from dashboard.sections import explaining
from dashboard.table import Column
from dashboard.wording import (
    coverage_note,
    coverage_title,
    coverage_value,
    homes,
    rate_note,
    rate_value,
    share_interval,
    share_value,
    usage_class,
)


def show(report: Json) -> None:
    """Units stand side by side where there is more than one, and so do technologies."""
    units, technologies = report["units"], report["technologies"]
    several_units, several_technologies = len(units) > 1, len(technologies) > 1
    if not (several_units or several_technologies):
        return
    if several_units:
        st.subheader(_("Unit by unit"), anchor=False)
        standby = report["trial"]["usage_class"] == "standby"
        _blocks([_block(unit["unit"], homes(unit["homes"]), unit, standby=standby) for unit in units])
        st.caption(
            f"{coverage_title(report['coverage'])}. "
            + _("Units differ in who lives there; this is no ranking.")
            if standby
            else _("Share of days in use. Units differ in who lives there; this is no ranking.")
        )
    if several_technologies:
        st.subheader(_("Technology by technology"), anchor=False)
        _blocks([_technology(each) for each in technologies])
        st.caption(
            _("The first is the one that is tried. The others stand beside it and are in no figure above.")
        )
    rows = [_row(unit["unit"], unit) for unit in units if several_units]
    rows += [
        _row(titled(each["titles"], each["technology"]), each)
        for each in technologies
        if several_technologies
    ]
    table.beside("parts", rows, _columns())
    explaining.beside("parts", report, _("part by part"))


def _blocks(blocks: list[str]) -> None:
    st.markdown("".join(blocks), unsafe_allow_html=True)


def _technology(part: Json) -> str:
    size = " · ".join(
        [
            usage_class(part["usage_class"]),
            ngettext("{n} device", "{n} devices", part["devices"]),
            homes(part["homes"]),
        ]
    )
    name = titled(part["titles"], part["technology"])
    return _block(name, size, part, standby=part["usage_class"] == "standby")


def _block(name: str, size: str, part: Json, *, standby: bool) -> str:
    """A part's name, its main figure with a bar of its bounds, and below it what else is known of it."""
    rate, coverage = part["use_day_rate"], part["coverage"]
    if standby:
        value, note = coverage_value(coverage), coverage_note(coverage, part["homes"])
        bar = bar_between(
            coverage["ratio"], coverage["upper"], coverage["ratio"] if coverage["show"] == "point" else None
        )
    else:
        value, note = rate_value(rate), rate_note(rate)
        bar = bar_between(rate["lower"], rate["upper"], rate["point"] if rate["show"] == "point" else None)
    small = f"font-size:.85rem;color:{FAINT};line-height:1.35"
    return (
        f'<div style="padding:.2rem 0 .7rem;line-height:1.35;overflow-wrap:anywhere;color:{INK}">'
        f'<b>{escape(name)}</b> <span style="{small}">{escape(size)}</span>{bar}'
        f'<div><b>{escape(value)}</b> <span style="{small}">{escape(note)}</span></div>'
        f'<div style="{small}">{escape(" · ".join(_beside(part, standby=standby)))}</div></div>'
    )


def bar_between(low: float | None, high: float | None, point: float | None) -> str:
    """Between the bounds on a line from 0 to 100 %; the words beside it say the same."""
    if low is None or high is None:
        return ""
    dot = (
        ""
        if point is None
        else f'<div style="position:absolute;left:calc({100 * point:.1f}% - 5px);top:-2px;width:10px;height:10px;'
        f'border-radius:5px;background:{INK}"></div>'
    )
    return (
        f'<div aria-hidden="true" style="position:relative;height:6px;margin:.45rem 5px;background:{GRID}">'
        f'<div style="position:absolute;left:{100 * low:.1f}%;width:{100 * (high - low):.1f}%;height:6px;'
        f'background:{USED}"></div>{dot}</div>'
    )


def _beside(part: Json, *, standby: bool) -> list[str]:
    """What else is known of a part, each with what it rests on."""
    told = []
    staying, habit, uses = part["staying"], part["sustained"]["share"], part["intensity"]
    if not standby:
        if (due := part.get("participation")) is not None and due["done"]["of"]:
            told.append(_("done in time: {share}").format(share=share_interval(due["done"])))
        if uses["uses_per_home_week"] is not None:
            told.append(_("{uses} uses in a home’s week").format(uses=number(uses["uses_per_home_week"], 1)))
        if habit["of"]:
            told.append(_("a habit in {share}").format(share=share_value(habit)))
        if staying["homes"]:
            stopped = share_value({"count": staying["abandoned"], "of": staying["homes"]})
            told.append(_("stopped: {share}").format(share=stopped))
        if staying["still_using"] is not None:
            told.append(
                _("{share} still use it after {days} days (95% interval {range})").format(
                    share=percent(staying["still_using"]),
                    days=number(staying["on_day"]),
                    range=percent_range(staying["low"], staying["high"]),
                )
            )
    if (comparison := part["periods"]["comparison"]) is not None and comparison["difference"]["n"]:
        told.append(_change(comparison))
    return told


def _change(comparison: Json) -> str:
    verdict = {
        "more": _("more than before"),
        "less": _("less than before"),
        "no_clear_change": _("no clear change"),
        "too_few_homes": _("too few homes to tell"),
    }[comparison["verdict"]]
    found = comparison["difference"]
    count = homes(found["n"])
    if found["low"] is not None:
        count = _("95% interval {low} to {high}, {homes}").format(
            low=signed(100 * found["low"], 0), high=signed(100 * found["high"], 0), homes=count
        )
    return _("{change} points in four weeks ({basis}): {verdict}").format(
        change=signed(100 * found["mean"], 0), basis=count, verdict=verdict
    )


def _row(name: str, part: Json) -> Json:
    rate, staying, habit = part["use_day_rate"], part["staying"], part["sustained"]["share"]
    comparison = part["periods"]["comparison"]
    change = {} if comparison is None else comparison["difference"]
    done = (part.get("participation") or {}).get("done") or {}
    return {
        "part": name,
        "homes": part["homes"],
        "use_day_rate": rate["point"] if rate["show"] == "point" else None,
        "use_day_rate_lower": rate["lower"],
        "use_day_rate_upper": rate["upper"],
        "observability": rate["observability"],
        "coverage_ratio": part["coverage"]["ratio"],
        "uses_per_home_week": part["intensity"]["uses_per_home_week"],
        "done_ratio": done.get("ratio"),
        "done_low": done.get("low"),
        "done_high": done.get("high"),
        "habit_homes": habit["count"],
        "habit_of": habit["of"],
        "began": staying["homes"],
        "stopped": staying["abandoned"],
        "still_using": staying["still_using"],
        "still_using_low": staying["low"],
        "still_using_high": staying["high"],
        "change_points": _points(change.get("mean")),
        "change_points_low": _points(change.get("low")),
        "change_points_high": _points(change.get("high")),
        "change_homes": change.get("n"),
    }


def _points(ratio: float | None) -> float | None:
    return None if ratio is None else 100 * ratio


def _columns() -> list[Column]:
    return [
        Column("part", _("Part")),
        Column("homes", _("Homes"), "number"),
        Column("use_day_rate", _("Share of days in use"), "ratio"),
        Column("use_day_rate_lower", _("At least"), "ratio"),
        Column("use_day_rate_upper", _("At most"), "ratio"),
        Column("observability", _("Days observed"), "ratio"),
        Column("coverage_ratio", _("Time covered"), "ratio"),
        Column("uses_per_home_week", _("Uses in a home’s week"), "number", 1),
        Column("done_ratio", _("Share in time"), "ratio"),
        Column("habit_homes", _("Homes with a habit"), "number"),
        Column("habit_of", _("Homes that can be judged"), "number"),
        Column("began", _("Homes that have begun"), "number"),
        Column("stopped", _("Homes that have stopped"), "number"),
        Column("still_using", _("Still use it"), "ratio"),
        Column("change_points", _("Change (points)"), "number", 1),
        Column("change_homes", _("Homes compared"), "number"),
    ]
