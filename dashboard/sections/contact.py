"""What was not heard: whole homes in silence, each as one finding."""

from __future__ import annotations

import streamlit as st

from dashboard import table
from dashboard.client import Json
from dashboard.facts import plain
from dashboard.language import _, lasting, moment, ngettext, number, parse_moment
from dashboard.table import Column
from dashboard.wording import homes

SPELLED_OUT = 3


def silences(report: Json) -> None:
    """Times in which no device of a home was heard stand as one finding each."""
    st.subheader(_("Silent homes"), anchor=False)
    found = report["silences"]
    if not found:
        st.markdown(_("No home fell silent as a whole. What is unknown comes from single devices."))
        return
    timezone = report["trial"]["timezone"]
    silent = homes(len({silence["home"] for silence in found}))
    summary = ngettext(
        "Once no device of a home was heard", "{n} times no device of a home was heard", len(found)
    )
    st.markdown(
        f"{summary} ({silent}). "
        + _("That is the home’s gateway or its power, not its resident: these hours count as unknown.")
        + " "
        + _(
            "Told of homes with two devices or more, where none was heard for {times} times the interval at which it usually is."
        ).format(times=number(report["parameters"]["heartbeat_tolerance"], 1))
    )
    newest = sorted(found, key=lambda silence: (silence["to_at"] is not None, -_start(silence)))
    for silence in newest[:SPELLED_OUT]:
        sentence = _("silent for {time} from {moment}, {devices}").format(
            time=lasting(silence["hours"] * 3600),
            moment=moment(parse_moment(silence["from_at"]), timezone),
            devices=ngettext("{n} device", "{n} devices", silence["devices"]),
        )
        still = _(" – still silent") if silence["to_at"] is None else ""
        st.markdown(f"- **{plain(silence['home'])}**: {sentence}{still}")
    table.beside(
        "silences",
        [
            {
                **silence,
                "from_words": moment(parse_moment(silence["from_at"]), timezone),
                "to_words": moment(parse_moment(silence["to_at"]), timezone)
                if silence["to_at"]
                else _("still silent"),
            }
            for silence in newest
        ],
        [
            Column("home", _("Home")),
            Column("from_words", _("From")),
            Column("to_words", _("To")),
            Column("hours", _("Hours"), "number", 1),
            Column("devices", _("Devices"), "number"),
        ],
        every_row=lambda: newest,
    )


def _start(silence: Json) -> float:
    start = parse_moment(silence["from_at"])
    return start.timestamp() if start else 0.0
