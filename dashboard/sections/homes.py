"""Each home as a strip of days."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import streamlit as st

from dashboard import live, table
from dashboard.address import choose, earlier
from dashboard.charts import strips as strip_charts
from dashboard.charts.frame import legend, place
from dashboard.client import Json
from dashboard.facts import fact
from dashboard.figure_words import concern
from dashboard.language import _, day, number, parse_day, percent
from dashboard.sections import doing
from dashboard.sections.adoption import is_standby
from dashboard.sections.calls import DEVICE_SIGN, SIGNS
from dashboard.table import Column
from dashboard.wording import day_state, end_reason, rate_note, rate_value

HOMES_SHOWN = 40
"""More strips than this are a wall; the file holds all of them."""

EVERYONE = "all"


def strips(report: Json) -> None:
    """The homes chosen stand below each other, day by day."""
    st.subheader(_("Each home, day by day"), anchor=False)
    standby = is_standby(report)
    signs = _signs(report)
    rank = {home: place for place, home in enumerate(signs)}
    homes = sorted(
        report["homes"], key=lambda home: (rank.get(home["home"], len(rank)), home["unit"], home["home"])
    )
    units = sorted({home["unit"] for home in homes})
    names = {EVERYONE: _("All homes")}
    if len(units) > 1:
        names |= {f"unit:{unit}": _("All homes in {unit}").format(unit=unit) for unit in units}
    names |= {code: code for code in sorted(home["home"] for home in homes)}
    left, right = st.columns(2)
    with left:
        who = choose("home", _("Homes"), list(names), names.__getitem__, st.selectbox, default=EVERYONE)
    periods = {"4": _("4 weeks"), "13": _("13 weeks"), "all": _("Whole trial")}
    with right:
        weeks = choose(
            "weeks", _("Period"), list(periods), periods.__getitem__, st.segmented_control, default="13"
        )
    last = parse_day(report["last_day"])
    first = parse_day(report["first_day"])
    assert first is not None
    assert last is not None
    if weeks != "all":
        first = max(first, last - timedelta(days=7 * int(weeks) - 1))
    chosen = [home for home in homes if who in (EVERYONE, home["home"], f"unit:{home['unit']}")]
    shown = strip_charts.cut(chosen[:HOMES_SHOWN], first, last)
    if len(chosen) > HOMES_SHOWN:
        st.caption(
            _(
                "{shown} of {all} homes are drawn. Choose a unit or one home; the file below holds all."
            ).format(shown=number(HOMES_SHOWN), all=number(len(chosen)))
        )
    legend(strip_charts.swatches(shown, standby=standby))
    shown_signs = {home["home"]: signs[home["home"]] for home in shown if home["home"] in signs}
    if shown_signs:
        kinds = {SIGNS[kind]: concern({"kind": kind}) for kind in SIGNS} | {
            DEVICE_SIGN: _("the device first")
        }
        used = [f"{sign} {words.lower()}" for sign, words in kinds.items() if sign in shown_signs.values()]
        st.caption(_("On top: {signs}.").format(signs=", ".join(used)))
    if len(chosen) == 1:
        _facts(chosen[0], standby=standby)
    words = _(
        "A strip for each of {homes} homes from {first} to {last}. The table below holds the days of each state."
    )
    place(
        "strips",
        strip_charts.days(shown, first, last, standby=standby, signs=shown_signs),
        strip_charts.ROW_HEIGHT_PX * max(2, len(shown)) + 36,
        words.format(homes=number(len(shown)), first=day(first), last=day(last)),
    )
    if len(chosen) == 1 and earlier().as_of is None:
        doing.record(report, chosen[0]["home"])
    _table(chosen, first, last, standby=standby)


def _signs(report: Json) -> dict[str, str]:
    """A sign for each home with a concern, in the order in which they are to be looked at; of an earlier day none."""
    if earlier().as_of is not None:
        return {}
    found = live.calls(report["trial"]["id"])
    signs = {
        call["concern"]["home"]: SIGNS[call["concern"]["kind"]]
        for call in (*found["calls"], *found["snoozed"])
    }
    return signs | {one["home"]: DEVICE_SIGN for one in found["device_first"]}


def _facts(home: Json, *, standby: bool) -> None:
    left, middle, right = st.columns(3)
    with left:
        reason = home["end_reason"]
        ended = (
            _("still taking part")
            if home["ended_on"] is None
            else _("ended {day}: {reason}").format(
                day=day(parse_day(home["ended_on"])), reason=end_reason(reason or "other")
            )
        )
        fact(_("Installed"), day(parse_day(home["installed_on"])), f"{home['unit']} · {ended}")
    with middle:
        first_use = _("first use {day}").format(day=day(parse_day(home["first_use_on"])))
        fact(_("Last use"), day(parse_day(home["last_use_on"])), first_use)
    with right:
        if standby:
            known = sum(letter in "UN" for letter in home["states"])
            whole = sum(letter in "UuNK" for letter in home["states"])
            fact(
                _("Days in contact"),
                _("{count} of {of}").format(count=number(known), of=number(whole)),
                _("days of this home"),
            )
        else:
            fact(_("Share of days in use"), rate_value(home["use_day_rate"]), rate_note(home["use_day_rate"]))


def _table(homes: list[Json], first: date, last: date, *, standby: bool) -> None:
    rows = []
    for home in strip_charts.cut(homes, first, last):
        count: Counter[str] = Counter(home["states"])
        observed = [ratio for ratio in home["observed_ratio"] if ratio is not None]
        rows.append(
            {
                "home": home["home"],
                "unit": home["unit"],
                "installed_on": home["installed_on"],
                "last_use_on": home["last_use_on"],
                "ended": end_reason(home["end_reason"]) if home["end_reason"] else None,
                "observed": percent(sum(observed) / len(observed)) if observed else None,
                "lossy": sum(first.isoformat() <= lossy <= last.isoformat() for lossy in home["lossy_on"]),
                **{letter: count[letter] for letter in "UuNKE"},
            }
        )
    table.beside(
        "homes-day-by-day",
        rows,
        [
            Column("home", _("Home")),
            Column("unit", _("Unit")),
            *(Column(letter, day_state(letter, standby=standby), "number") for letter in "UuNKE"),
            Column("lossy", _("Days with lost messages"), "number"),
            Column("observed", _("Observed")),
            Column("installed_on", _("Installed"), "day"),
            Column("last_use_on", _("Last use"), "day"),
            Column("ended", _("Ended")),
        ],
        every_row=lambda: strip_charts.day_rows(homes),
    )
