"""An earlier day: how a trial stood then, as it was known then or as it is known now."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import streamlit as st

from dashboard import live
from dashboard.address import Earlier, earlier, keep
from dashboard.client import Json
from dashboard.language import _, current, day, moment, ngettext, parse_day, parse_moment

DAY, KNOWN = "widget:as-of", "widget:known"


def show(report: Json) -> bool:
    """A day can be chosen; of an earlier one it says how its figures were known. Whether an earlier day is shown."""
    asked = earlier()
    first = parse_day(report["trial"]["starts"])
    assert first is not None
    last = live.now().astimezone(ZoneInfo(report["trial"]["timezone"])).date()
    if first < last:
        with st.expander(_("How did it stand on an earlier day?"), icon=":material/history:", key="earlier"):
            _choose(asked, first, last)
    if asked.as_of is None or (report["known_at"] == report["as_of"] and report["known"] == "now"):
        return False
    st.info("  \n".join(_notice(report, asked)), icon=":material/history:")
    st.button(_("Back to today"), icon=":material/today:", on_click=_today)
    return True


def _choose(asked: Earlier, first: date, last: date) -> None:
    chosen = parse_day(asked.as_of)
    if chosen is not None:
        chosen = min(max(chosen, first), last)
    # As in dashboard/address.py: the address wins over what the field remembers.
    if st.session_state.get(DAY) != chosen:
        st.session_state[DAY] = chosen
    if st.session_state.get(KNOWN) != asked.known:
        st.session_state[KNOWN] = asked.known
    left, right = st.columns(2)
    with left:
        style = "DD/MM/YYYY" if current().code == "en" else "DD.MM.YYYY"
        st.date_input(
            _("At the end of which day?"),
            min_value=first,
            max_value=last,
            format=style,
            key=DAY,
            on_change=_keep_day,
        )
    with right:
        known = {"then": _("As it was known then"), "now": _("As it is known now")}
        st.radio(
            _("What is to count?"),
            list(known),
            format_func=known.__getitem__,
            key=KNOWN,
            on_change=_keep_known,
            help=_(
                "“Then” leaves out messages that came later and changes that were made later: it is the report that "
                "was shown that day. “Now” is with all that has become known about that time since."
            ),
        )


def _notice(report: Json, asked: Earlier) -> list[str]:
    at = parse_moment(report["as_of"])
    assert at is not None
    zone = report["trial"]["timezone"]
    shown = day((at.astimezone(ZoneInfo(zone)) - timedelta(microseconds=1)).date())
    if asked.known == "now":
        lines = [
            _("The trial at the end of {day}, with all that is known about that time now.").format(day=shown)
        ]
    else:
        lines = [_("The trial at the end of {day}, as it was known then.").format(day=shown)]
        if report["arrived_later_total"]:
            lines.append(
                ngettext(
                    "{n} message of that time came later and is not counted.",
                    "{n} messages of that time came later and are not counted.",
                    report["arrived_later_total"],
                )
                + " "
                + _("Choose “As it is known now” above to count what came later.")
            )
    lines += [_lost(each["reason"], parse_moment(each["at"]), zone) for each in report["not_recoverable"]]
    return [*lines, _("Whom to call is told for today only.")]


def _lost(reason: str, at: datetime | None, zone: str) -> str:
    """What of the past is not known any more, in a sentence."""
    sentences = {
        "registry": _("What was registered before {moment} is not on record; it is taken as it stood then."),
        "registrations": _(
            "Visits and other rows that were loaded anew on {moment} are taken as they are now."
        ),
        "use_rules": _("What counts as a use was changed on {moment}; uses are counted as they are now."),
        "raw_events": _(
            "When messages from before {moment} came is not known any more; all of them are counted."
        ),
    }
    return sentences[reason].format(moment=moment(at, zone))


def _keep_day() -> None:
    chosen = st.session_state[DAY]
    keep("as-of", chosen.isoformat() if isinstance(chosen, date) else "", default="")


def _keep_known() -> None:
    keep("known", st.session_state[KNOWN], default="then")


def _today() -> None:
    keep("as-of", "", default="")
    keep("known", "then", default="then")
