"""Is it used? The headline, the weeks, the way to first use, and unit by unit."""

from __future__ import annotations

import streamlit as st

from dashboard import table
from dashboard.charts import bars
from dashboard.charts import weeks as week_charts
from dashboard.charts.frame import legend, place
from dashboard.client import Json
from dashboard.facts import fact
from dashboard.language import _, day, ngettext, number, parse_day, percent, signed
from dashboard.sections import explaining, standby
from dashboard.sections.benefit import visit_gain
from dashboard.table import Column
from dashboard.wording import (
    below_note,
    due_note,
    end_reason,
    funnel_step,
    homes,
    lossy_note,
    rate_note,
    rate_value,
    registered,
    share_interval,
    share_value,
)

WEEKS_HEIGHT_PX = 260
RATES_HEIGHT_PX = 190


def is_standby(report: Json) -> bool:
    """Whether the technology is useful by being there rather than by being used."""
    return bool(report["trial"]["usage_class"] == "standby")


def headline(report: Json) -> None:
    """Three figures answer at a glance; the measure of the technology's class comes first, what alarms came to next."""
    week = _last_full_week(report)
    told = report["participation"]
    first, second, third = st.columns(3)
    with first:
        if is_standby(report):
            standby.covered(report)
        elif told is not None:
            ratio = percent(told["steady"]["done"]["ratio"])
            fact(_("Done in time"), ratio, due_note(told, len(told["homes"])))
        else:
            _used_last_week(week)
    with second:
        if is_standby(report) and report["alarms"] is not None:
            standby.answered(report)
        elif is_standby(report):
            _last_week_in_contact(week)
        elif told is not None:
            _used_last_week(week)
        else:
            _days_in_use(report)
    with third:
        _net(report)


def _used_last_week(week: Json | None) -> None:
    if week is None:
        fact(_("Used it last week"), "–", _("no full week yet"))
        return
    fact(
        _("Used it last week"),
        share_value(week["active"]),
        _("homes observed · {share}").format(share=share_interval(week["active"])),
    )


def _days_in_use(report: Json) -> None:
    rate = report["use_day_rate"]
    fact(_("Share of days in use"), rate_value(rate), rate_note(rate))


def _last_week_in_contact(week: Json | None) -> None:
    if week is None:
        fact(_("In contact last week"), "–", _("no full week yet"))
        return
    known = week["homes_used"] + week["homes_unused"]
    everyone = known + week["homes_unknown"] + week["homes_paused"]
    fact(
        _("In contact last week"),
        _("{count} of {of}").format(count=number(known), of=number(everyone)),
        _("homes · {unknown} unknown, {paused} paused").format(
            unknown=number(week["homes_unknown"]), paused=number(week["homes_paused"])
        ),
    )


def _net(report: Json) -> None:
    net = report["net_minutes"]
    if net["net_minutes"] is not None:
        note = _("visits and new work, before to after · {homes} · no interval computed").format(
            homes=homes(net["homes"])
        )
        gain = visit_gain(report)
        if gain is not None and (share := registered(gain)):
            note += " · " + (_("uncertain: {share}").format(share=share) if gain["uncertain"] else share)
        minutes = _("{minutes} min").format(minutes=signed(-net["net_minutes"], 0))
        fact(_("Staff time per home and week"), minutes, note)
        return
    measured = [gain for gain in report["gains"] if gain["difference"]["n"]]
    fact(
        _("Benefit"),
        ngettext("{n} gain measured", "{n} gains measured", len(measured))
        if measured
        else _("not measured yet"),
        _("see “Does it help?” below"),
    )


def _last_full_week(report: Json) -> Json | None:
    full = [week for week in report["weeks"] if week["complete"]]
    return full[-1] if full else None


def _last_week_sentence(week: Json, regular_days: int) -> str:
    return _(
        "Last complete week: used in **{active}** observed homes, {share}; on at least {days} days in {regular}."
    ).format(
        active=share_value(week["active"]),
        share=share_interval(week["active"]),
        days=number(regular_days),
        regular=share_value(week["regular"]),
    )


def weeks(report: Json) -> None:
    """Each week's homes as a stacked column, and the share of days in use with its bounds."""
    standby = is_standby(report)
    heading = (
        _("How many homes are in contact, week by week")
        if standby
        else _("How many homes use it, week by week")
    )
    st.subheader(heading, anchor=False)
    if not report["weeks"]:
        st.info(_("The first week is not over yet. Come back on Monday."))
        return
    if not standby and (week := _last_full_week(report)) is not None:
        st.markdown(_last_week_sentence(week, report["parameters"]["regular_use_days_per_week"]))
    legend(week_charts.swatches(standby=standby))
    rows = week_charts.rows(report["weeks"])
    last = rows[-1]
    words = _("Stacked columns, one a week. In the last week, from {day}: ").format(
        day=day(parse_day(last["starts_on"]))
    )
    words += ", ".join(
        f"{name} {number(last[field])}" for field, name, _c in week_charts.bands(standby=standby)
    )
    place("weeks", week_charts.homes(report["weeks"], standby=standby), WEEKS_HEIGHT_PX, words)
    if not last["complete"]:
        st.caption(_("The last week is not over; its column is paler."))
    columns = [Column("iso_week", _("Week")), Column("starts_on", _("Monday"), "day")]
    columns += [Column(field, name, "number") for field, name, _c in week_charts.bands(standby=standby)]
    columns += [Column("observed_homes", _("Homes observed"), "number")]
    if not standby:
        columns += [
            Column("active_ratio", _("Share using it"), "ratio"),
            Column("active_low", _("95% from"), "ratio"),
            Column("active_high", _("95% to"), "ratio"),
            Column("regular_homes", _("Homes using it regularly"), "number"),
            Column("recovered_uses", _("Uses known from counters alone"), "number"),
        ]
    columns += [Column("observability", _("Days observed"), "ratio")]
    table.beside("weeks", rows, columns)
    explaining.beside("weeks", report)


def rates(report: Json) -> None:
    """The share of days in use with its bounds, week by week, and how much it is used."""
    st.subheader(
        _("Share of days in use"),
        anchor=False,
        help=_(
            "Days on which a home used it, of the days on which we would have noticed. The bounds say what the share "
            "would be if none, or all, of the unknown days had been days of use. No standard for this figure has been "
            "published: the definition is Nyttig’s own proposal."
        ),
    )
    rate = report["use_day_rate"]
    sentence = f"**{rate_value(rate)}** · {rate_note(rate)}. "
    sentence += ngettext(
        "The first {n} day in each home is left out.",
        "The first {n} days in each home are left out.",
        report["parameters"]["ramp_in_days"],
    )
    for note in (lossy_note(rate), below_note(rate)):
        sentence += f" {note}" if note else ""
    st.markdown(sentence)
    bounded = [week for week in report["weeks"] if week["use_day_rate"]["show"] != "nothing"]
    if bounded:
        _rate_weeks(report, bounded)
    explaining.beside("use_day_rate", report)


def _rate_weeks(report: Json, bounded: list[Json]) -> None:
    last = bounded[-1]
    words = _(
        "A bar a week between the bounds, a dot where one number can be given. Last: {rate}, {note}."
    ).format(rate=rate_value(last["use_day_rate"]), note=rate_note(last["use_day_rate"]))
    place("rates", week_charts.rates(report["weeks"]), RATES_HEIGHT_PX, words)
    if any(week["use_day_rate"]["show"] == "bounds" for week in bounded):
        st.caption(_("A bar without a dot: too few days were observed that week to give one number."))
    table.beside(
        "use-day-rate",
        week_charts.rows(report["weeks"]),
        [
            Column("iso_week", _("Week")),
            Column("use_day_rate", _("Share of days in use"), "ratio"),
            Column("use_day_rate_lower", _("At least"), "ratio"),
            Column("use_day_rate_upper", _("At most"), "ratio"),
            Column("observability", _("Days observed"), "ratio"),
            Column("observed_homes", _("Homes observed"), "number"),
        ],
    )


def intensity(report: Json) -> None:
    """How often it is used where it is used."""
    told = report["intensity"]
    if told["uses_per_used_day"] is None:
        return
    st.subheader(_("How much it is used"), anchor=False)
    left, right = st.columns(2)
    with left:
        fact(
            _("Uses on a day with use"),
            number(told["uses_per_used_day"], 1),
            _("{uses} uses on {days} days").format(
                uses=number(told["uses_total"]), days=number(told["used_days"])
            ),
        )
    with right:
        fact(
            _("Uses in a home’s week"),
            number(told["uses_per_home_week"], 1),
            _("of observed days · {homes}").format(homes=homes(report["use_day_rate"]["homes"])),
        )
    if recovered := told["recovered_uses"]:
        st.caption(
            ngettext(
                "The devices’ own counters know of {n} more use whose message was lost.",
                "The devices’ own counters know of {n} more uses whose messages were lost.",
                recovered,
            )
        )
    explaining.beside("intensity", report)


def funnel(report: Json) -> None:
    """How many homes were asked, said yes, were installed and started, and why homes ended."""
    st.subheader(_("From asked to started"), anchor=False)
    steps = report["funnel"]["steps"]
    if not any(step["homes"] for step in steps):
        st.info(_("No home has been asked yet. Homes are listed in homes.csv of the trial’s folder."))
        return
    words = ", ".join(f"{funnel_step(step['step'])} {number(step['homes'])}" for step in steps)
    place("funnel", bars.funnel(steps), bars.STEP_HEIGHT_PX * len(steps), words)
    ended = {code: count for code, count in report["funnel"]["ended"].items() if count}
    if ended:
        reasons = ", ".join(f"{end_reason(code)} ({number(count)})" for code, count in ended.items())
        total = sum(ended.values())
        st.markdown(ngettext("{n} home has ended", "{n} homes have ended", total) + ": " + reasons + ".")
    rows = [
        {
            "step": funnel_step(step["step"]),
            "homes": step["homes"],
            "ratio": step["share"]["ratio"] if step["share"] else None,
            "low": step["share"]["low"] if step["share"] else None,
            "high": step["share"]["high"] if step["share"] else None,
        }
        for step in steps
    ]
    shares = [
        _("{step}: {share}").format(step=funnel_step(step["step"]), share=share_interval(step["share"]))
        for step in steps
        if step["share"]
    ]
    st.caption(_("Of the step before") + " – " + " · ".join(shares))
    table.beside(
        "funnel",
        rows,
        [
            Column("step", _("Step")),
            Column("homes", _("Homes"), "number"),
            Column("ratio", _("Of the step before"), "ratio"),
            Column("low", _("95% from"), "ratio"),
            Column("high", _("95% to"), "ratio"),
        ],
    )
    explaining.beside("funnel", report)
