"""One gain: its picture, the sentence to read aloud, what it rests on, and what would break it."""

from __future__ import annotations

from datetime import date, timedelta

import streamlit as st

from dashboard import table
from dashboard.charts import change as change_charts
from dashboard.charts import slopes
from dashboard.charts.frame import legend, place
from dashboard.client import Json
from dashboard.entry_choices import choice
from dashboard.entry_words import label
from dashboard.facts import plain
from dashboard.gain_sentences import (
    BOOKKEEPING,
    against_target,
    aloud,
    amount,
    decimals,
    other_design,
    planned_days,
    skew_warning,
    told,
    verdict,
)
from dashboard.language import (
    _,
    day,
    ngettext,
    number,
    parse_day,
    parse_moment,
    percent,
    signed,
    titled,
)
from dashboard.palette import HOME_LINE, INK, UNUSED, USED
from dashboard.registry_words import who
from dashboard.sections import estimates
from dashboard.table import Column
from dashboard.wording import gain_type, homes, known_indicator, perspective, registered

PICTURE_HEIGHT_PX = 250
MEASURED_DAYS_BEFORE = 14
"""So many days before the day that was planned a measurement still counts as that day's."""


def short(gain: Json) -> None:
    """The picture and the sentence, with what weakens it: what a page that tells of more than gains shows."""
    with st.container(border=True):
        st.subheader(plain(gain["title"]), anchor=False)
        picture, words = st.columns([5, 4], gap="medium")
        with words:
            _about(gain)
            _sentence(gain)
            _doubts(gain)
            st.caption("  \n".join(plain(line) for line in _rests_on(gain)))
        with picture:
            _picture(gain)


def whole(found: Json, benefit: Json, today: date) -> None:
    """Everything about a gain of the benefit page."""
    gain = found["figures"]
    with st.container(border=True):
        st.subheader(plain(gain["title"]), anchor=False)
        picture, words = st.columns([5, 4], gap="medium")
        with words:
            _about(gain)
            _sentence(gain)
            _doubts(gain)
            _late(found, benefit)
            st.caption("  \n".join(plain(line) for line in _rests_on(gain)))
            st.markdown("\n".join(f"- {plain(line)}" for line in _agreed(gain, today)))
        with picture:
            _picture(gain)
        if told(gain) != "nothing":
            _granted(gain, benefit)
            estimates.show(found)


def due(gain: Json, today: date) -> list[date]:
    """The days on which it was to be measured and was not."""
    if gain["status"] == "dropped":
        return []
    last = parse_day(gain["last_measured_on"])
    wait = timedelta(days=MEASURED_DAYS_BEFORE)
    return [each for each in planned_days(gain) if each <= today and (last is None or last < each - wait)]


def _about(gain: Json) -> None:
    about = [gain_type(gain["type"]), perspective(gain["perspective"])]
    about += [gain["stakeholder"]] if gain["stakeholder"] else []
    about += known_indicator(gain["indicator"])
    about.append(_("lower is better") if gain["better"] == "lower" else _("higher is better"))
    st.caption(plain(" · ".join(about)))


def _sentence(gain: Json) -> None:
    st.markdown(f"**{plain(verdict(gain))}**  \n{plain(aloud(gain))}")


def _doubts(gain: Json) -> None:
    if warning := skew_warning(gain):
        st.warning(warning, icon=":material/help:")
    if words := other_design(gain):
        st.warning(words, icon=":material/help:")
    # Where there is more to tell, the sentence itself says it.
    if gain["uncertain"] and told(gain) == "few" and gain["registration_ratio"] is not None:
        st.warning(
            _("Uncertain: in one of the periods only {share} was registered.").format(
                share=percent(gain["registration_ratio"])
            ),
            icon=":material/help:",
        )


def _late(found: Json, benefit: Json) -> None:
    """What was changed of it after the start stays visible, and that it was named after the start."""
    gain = found["figures"]
    fixed = parse_moment(found["fixed_at"])
    starts = parse_day(benefit["trial"]["starts"])
    if (
        gain["planned"]
        and fixed is not None
        and starts is not None
        and not found["loaded"]
        and fixed.date() > starts
    ):
        st.warning(
            _("Entered after the start, on {day}.").format(day=day(fixed.date())), icon=":material/edit:"
        )
    for each in found["late_changes"]:
        fields = [field for field in each["fields"] if field not in BOOKKEEPING]
        if fields:
            st.warning(
                plain(
                    _("Changed after the start, on {day} by {who}: {fields}.").format(
                        day=day(parse_day(each["changed_at"])),
                        who=who(each["changed_by"]),
                        fields=", ".join(label("gain", field) for field in fields),
                    )
                ),
                icon=":material/edit:",
            )


def _rests_on(gain: Json) -> list[str]:
    """What the sentence rests on: how much was registered, whom it lacks, and who answered."""
    share = registered(gain)
    if gain["change"]["method"] == "interrupted":
        share = _("{share} of the periods counted").format(share=percent(gain["registration_ratio"]))
    lines = [share] if share and not gain["uncertain"] else []
    if gain["homes_missing"] and gain["homes"]:
        lines.append(
            ngettext(
                "{n} home lacks a value before or after",
                "{n} homes lack a value before or after",
                gain["homes_missing"],
            )
        )
    if gain["answers_without_score"]:
        lines.append(
            ngettext(
                "{n} questionnaire has no score, because an item was left out",
                "{n} questionnaires have no score, because an item was left out",
                gain["answers_without_score"],
            )
        )
    if any(pair["by_proxy"] for pair in gain["homes"]):
        lines.append(_("dashed: somebody answered for the resident"))
    if not gain["planned"]:
        found = parse_day(gain["found_on"])
        lines.append(
            _("not planned, but seen on {day}").format(day=day(found))
            if found
            else _("not planned, but seen")
        )
    return lines


def _agreed(gain: Json, today: date) -> list[str]:
    """What was agreed on: where it started, what is wanted, who answers for it, and when it is measured."""
    lines = [_baseline(gain)]
    if gain["target"] is not None:
        wanted = _("Wanted change: {target}").format(target=signed(gain["target"], decimals(gain)))
        reached = against_target(gain)
        lines.append(f"{wanted} – {reached}" if reached else wanted)
    if gain["owner"]:
        lines.append(_("Answers for it: {owner}").format(owner=gain["owner"]))
    if gain["payer"]:
        lines.append(_("Whose money or time: {payer}").format(payer=gain["payer"]))
    if gain["status"]:
        lines.append(_("Stands: {status}").format(status=choice("gain", "status", gain["status"])))
    overdue, coming = due(gain, today), [each for each in planned_days(gain) if each > today]
    if overdue:
        lines.append(_("To be measured now: was due on {days}").format(days=", ".join(map(day, overdue))))
    if coming:
        lines.append(_("To be measured on {days}").format(days=", ".join(map(day, coming))))
    return lines


def _baseline(gain: Json) -> str:
    found = gain["baseline"]
    if found["kind"] == "missing":
        return _("No baseline yet: enter a value from before the start, or say why there is none.")
    if found["kind"] == "waived":
        return _("No baseline: {reason} ({who})").format(
            reason=found["reason"], who=found["by"] or _("nobody named")
        )
    where = [
        day(parse_day(found["measured_on"])) if found["measured_on"] else "",
        found["by"] or "",
        homes(found["homes"]) if found["homes"] else "",
    ]
    words = _("Baseline: {value}").format(
        value=_("answers") if found["value"] is None else number(found["value"], decimals(gain))
    )
    told = ", ".join(part for part in where if part)
    return f"{words} ({told})" if told else words


def _granted(gain: Json, benefit: Json) -> None:
    with st.expander(_("What this takes for granted, and what would break it"), icon=":material/balance:"):
        st.markdown(
            _(
                "The interval says what chance could do. It knows nothing of these; ask whether one of them holds:"
            )
        )
        st.markdown(
            "\n".join(
                f"- {plain(titled(benefit['assumptions'].get(key), key))}"
                for key in gain["change"]["assumptions"]
            )
        )


def _picture(gain: Json) -> None:
    """The picture that the method asks for, with its numbers as a table."""
    method = gain["change"]["method"]
    if gain["answers"] is not None and gain["answers"]["homes"]:
        _answers(gain)
    elif method == "staggered" and gain["months"]:
        _by_start(gain)
    elif gain["points"] and (method == "interrupted" or not gain["homes"]):
        _series(gain)
    elif gain["homes"]:
        _lines(gain)
    else:
        st.info(
            _(
                "No home has a value both before and after. Measure the same thing in the same homes in two periods, and "
                "enter it under “Measurements”, as registered work or as a questionnaire."
            )
        )


def _lines(gain: Json) -> None:
    words = _(
        "A line a home from before to after, and the mean: {before} to {after} in {homes}. {change}"
    ).format(
        before=amount(gain, gain["before_mean"]),
        after=amount(gain, gain["after_mean"]),
        homes=homes(len(gain["homes"])),
        change=aloud(gain),
    )
    place(f"gain-{gain['id']}", slopes.lines(gain), PICTURE_HEIGHT_PX, words)
    entries = [(HOME_LINE, _("a home")), (USED, _("mean of the homes with it"))]
    if gain["homes_compared"]:
        entries.append((UNUSED, _("mean of the homes without it")))
    legend(entries)
    rows = [
        {**pair, "change": pair["after"] - pair["before"], "group": group}
        for group, pairs in ((_("with it"), gain["homes"]), (_("without it"), gain["homes_compared"]))
        for pair in pairs
    ]
    columns = [
        Column("home", _("Home")),
        Column("unit", _("Unit")),
        Column("before", _("Before"), "number", decimals(gain)),
        Column("after", _("After"), "number", decimals(gain)),
        Column("change", _("Change"), "number", decimals(gain)),
    ]
    if gain["homes_compared"]:
        columns.insert(1, Column("group", _("Group")))
    table.beside(f"gain-{gain['id']}", rows, columns)


def _by_start(gain: Json) -> None:
    words = _("{homes} month by month, filled from the month in which each had started. {change}").format(
        homes=homes(len({row["home"] for row in gain["months"]})), change=aloud(gain)
    )
    place(f"gain-{gain['id']}", change_charts.by_start(gain), PICTURE_HEIGHT_PX, words)
    legend([(HOME_LINE, _("a home")), ("#FFFFFF", _("not started yet")), (USED, _("started"))])
    table.beside(
        f"gain-{gain['id']}",
        [
            {**row, "state": _("started") if row["started"] else _("not started yet")}
            for row in gain["months"]
        ],
        [
            Column("home", _("Home")),
            Column("month", _("Month"), "day"),
            Column("value", _("Value"), "number", decimals(gain)),
            Column("state", _("State")),
        ],
    )


def _series(gain: Json) -> None:
    points = gain["points"]
    words = _("{n} periods, and where the time before was going. {change}").format(
        n=number(len(points)), change=aloud(gain)
    )
    place(f"gain-{gain['id']}", change_charts.series(gain), PICTURE_HEIGHT_PX, words)
    legend([(INK, _("counted")), (USED, _("its line")), (UNUSED, _("had it gone on as before"))])
    table.beside(
        f"gain-{gain['id']}",
        [{**point, "state": _("after") if point["after"] else _("before")} for point in points],
        [
            Column("starts_on", _("From"), "day"),
            Column("value", _("Value"), "number", decimals(gain)),
            Column("state", _("Period")),
        ],
    )


def _answers(gain: Json) -> None:
    found = gain["answers"]
    words = _("How many of {homes} gave each answer, before and after. {change}").format(
        homes=homes(found["homes"]), change=aloud(gain)
    )
    place(f"gain-{gain['id']}", change_charts.answers(gain), PICTURE_HEIGHT_PX, words)
    legend([("#8DB9D8", _("before")), (USED, _("after"))])
    table.beside(
        f"gain-{gain['id']}",
        [
            {"answer": step, "before": before, "after": after}
            for step, before, after in zip(
                found["before"]["answers"], found["before"]["counts"], found["after"]["counts"], strict=True
            )
        ],
        [
            Column("answer", _("Answer"), "number"),
            Column("before", _("Homes before"), "number"),
            Column("after", _("Homes after"), "number"),
        ],
    )
