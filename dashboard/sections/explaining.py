"""How was this computed? Under each figure: its definition, thresholds, counts, and the days behind it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import streamlit as st

from dashboard import live, table
from dashboard.client import Json
from dashboard.facts import plain
from dashboard.figure_words import count_value, counted, threshold, threshold_value
from dashboard.language import _, moment, ngettext, number, parse_day, parse_moment, titled
from dashboard.registry_words import who
from dashboard.table import Column
from dashboard.wording import coverage_title, coverage_value, day_state, rate_value, share_value

COUNTED_FROM_DAYS = (
    "use_day_rate",
    "coverage",
    "weeks",
    "intensity",
    "participation",
    "first_use",
    "sustained",
    "retention",
)
STATES = "UuNKE-"
EVERYONE, ANY = "", ""
DAYS_SHOWN = 400
WEEKS_OF_EVERYONE = 4


def beside(
    figure: str, report: Json, title: str | None = None, *, place: str = "", lines: Sequence[str] = ()
) -> None:
    """A reader who doubts the figure can unfold how it was computed; nothing is asked of the API before.

    `place` tells two of the same figure on a page apart. `lines` say more than the definition does, a line each.
    """
    name = f"{figure}{place}"
    label = (
        _("How was this computed?")
        if title is None
        else _("How was this computed? · {figure}").format(figure=title)
    )

    @live.apart
    def unfold() -> None:
        box = st.expander(label, icon=":material/calculate:", key=f"explain:{name}", on_change="rerun")
        if box.open:
            with box:
                _explain(figure, name, report, lines)

    unfold()


def _explain(figure: str, name: str, report: Json, lines: Sequence[str]) -> None:
    trial = report["trial"]["id"]
    told = next((each for each in live.explanations(trial) if each["figure"] == figure), None)
    if told is None:
        st.markdown(_("The data service has no definition of this figure."))
        return
    _definition(told, report, lines)
    _changes(trial, told)
    if figure in COUNTED_FROM_DAYS and st.toggle(_("See the days"), key=f"days:{name}"):
        _days(name, report)


def _definition(told: Json, report: Json, more: Sequence[str]) -> None:
    st.markdown("\n\n".join([plain(titled(told["meanings"], "")), *more]))
    lines = [(_("What it is not"), titled(told["is_not"], "")), (_("Formula"), titled(told["formulas"], ""))]
    if told["value"] is None:
        lines.append((_("What went in"), _("this trial has none of it, so nothing was counted.")))
    elif told["counts"]:
        lines.append((_("What went in"), _counts(told["counts"], report)))
    if told["left_out"]:
        lines.append((_("Left out, and shown apart"), _counts(told["left_out"], report)))
    if told["parameters"]:
        words = (
            f"{threshold(code)}: {threshold_value(code, value)}" for code, value in told["parameters"].items()
        )
        lines.append((_("Thresholds of this trial"), "; ".join(words)))
    lines.append((_("Source"), titled(told["sources"], "")))
    for name, told_of_it in lines:
        st.markdown(f"**{name}:** {plain(told_of_it)}")
    st.caption(
        _("Definition version {version}; figures as of {moment}.").format(
            version=told["definition_version"],
            moment=moment(parse_moment(report["as_of"]), report["trial"]["timezone"]),
        )
    )


def _counts(counts: Json, report: Json) -> str:
    titles = {
        each["technology"]: titled(each["titles"], each["technology"]) for each in report["technologies"]
    }
    return "; ".join(f"{counted(code)}: {count_value(value, titles)}" for code, value in counts.items())


def _changes(trial: str, told: Json) -> None:
    """Where a threshold of the figure was changed: who, when, from what to what, and both values of that day."""
    if not told["parameters"]:
        return
    for change in live.threshold_changes(trial):
        names = [name for name in change["after"] if name in told["parameters"]]
        if not names:
            continue
        words = "; ".join(
            f"{threshold(name)}: {threshold_value(name, change['before'][name])} → "
            f"{threshold_value(name, change['after'][name])}"
            for name in names
        )
        before, after = change["figures_before"], change["figures_after"]
        st.markdown(
            plain(
                _("Changed on {moment} by {who}: {words}. {figures}").format(
                    moment=moment(parse_moment(change["changed_at"]), st.context.timezone),
                    who=who(change["changed_by"]),
                    words=words,
                    figures=_both(told["figure"], before, after),
                )
            )
        )


def _both(figure: str, before: Json, after: Json) -> str:
    """The figures of the day of a change, under the thresholds before it and after."""
    if figure == "alarms" and before["alarms_in_time"] and after["alarms_in_time"]:
        return _("Handled in time {before} → {after}.").format(
            before=share_value(before["alarms_in_time"]), after=share_value(after["alarms_in_time"])
        )
    if figure == "participation" and before["done_in_time"] and after["done_in_time"]:
        return _("Done in time {before} → {after}.").format(
            before=share_value(before["done_in_time"]), after=share_value(after["done_in_time"])
        )
    if figure == "coverage":
        return f"{coverage_title(after['coverage'])} {coverage_value(before['coverage'])} → {coverage_value(after['coverage'])}."
    if figure == "retention":
        return _("Homes that stopped {before} → {after}.").format(
            before=number(before["homes_stopped"]), after=number(after["homes_stopped"])
        )
    if figure == "weeks" and before["active_last_week"] and after["active_last_week"]:
        return _("Used last week {before} → {after}; regularly {first} → {second}.").format(
            before=share_value(before["active_last_week"]),
            after=share_value(after["active_last_week"]),
            first=share_value(before["regular_last_week"]),
            second=share_value(after["regular_last_week"]),
        )
    return _("Share of days in use {before} → {after}; sustained {first} → {second}.").format(
        before=rate_value(before["use_day_rate"]),
        after=rate_value(after["use_day_rate"]),
        first=share_value(before["sustained"]),
        second=share_value(after["sustained"]),
    )


def _days(name: str, report: Json) -> None:
    standby = report["trial"]["usage_class"] == "standby"
    homes = {EVERYONE: _("All homes, last 4 weeks")} | {
        home["home"]: home["home"] for home in report["homes"]
    }
    states = {ANY: _("All states")} | {letter: day_state(letter, standby=standby) for letter in STATES}
    left, right = st.columns(2)
    with left:
        home = st.selectbox(_("Home"), list(homes), format_func=homes.__getitem__, key=f"days:{name}:home")
    with right:
        state = st.selectbox(
            _("State"), list(states), format_func=states.__getitem__, key=f"days:{name}:state"
        )
    last = parse_day(report["last_day"])
    assert last is not None
    from_day = None if home else (last - timedelta(days=7 * WEEKS_OF_EVERYONE - 1)).isoformat()
    found = live.days(report["trial"]["id"], home or None, state or None, from_day)
    st.markdown(ngettext("{n} device-day.", "{n} device-days.", len(found)))
    rows = [
        {
            **each,
            "state_words": day_state(each["state"], standby=standby),
            "observed_words": _("{observed} of {exposed}").format(
                observed=number(each["observed_minutes"]), exposed=number(each["exposed_minutes"])
            ),
            "gaps_count": len(each["gaps"]),
            "counted": _("yes") if each["in_steady_figures"] else _("first days"),
        }
        for each in reversed(found)
    ]
    if len(rows) > DAYS_SHOWN:
        st.caption(_("The newest {shown} are shown; the file holds all.").format(shown=number(DAYS_SHOWN)))
    columns = [
        Column("day", _("Day"), "day"),
        Column("home", _("Home")),
        Column("state_words", _("State")),
        Column("uses", _("Uses"), "number"),
        Column("observed_words", _("Minutes observed")),
        Column("events_total", _("Events"), "number"),
        Column("gaps_count", _("Gaps"), "number"),
        Column("counted", _("In the figure")),
        Column("device", _("Device")),
    ]
    if any(each.get("armed_minutes") is not None for each in found):
        columns.insert(5, Column("armed_minutes", _("Minutes worn or armed"), "number"))
    table.show(f"days-{name}", rows[:DAYS_SHOWN], columns)
    gaps = [(each, gap) for each in found for gap in each["gaps"]]
    if gaps:
        zone = report["trial"]["timezone"]
        st.caption(
            _("Newest gap in what devices numbered: {home}, between {first} and {last}.").format(
                home=plain(gaps[-1][0]["home"]),
                first=moment(parse_moment(gaps[-1][1]["from_at"]), zone),
                last=moment(parse_moment(gaps[-1][1]["to_at"]), zone),
            )
        )
    table.download(f"days-{name}", lambda: found)
