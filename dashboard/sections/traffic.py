"""What came of one device's messages: stored, double, late, lost, or set aside because they could not be read."""

from __future__ import annotations

import streamlit as st

from dashboard import table
from dashboard.client import Json
from dashboard.facts import plain
from dashboard.language import _, moment, ngettext, number, parse_moment, percent
from dashboard.table import Column
from dashboard.wording import quarantine_reason


def messages(device: Json) -> None:
    """How many messages came, came twice, came late or never came, by each start of the device."""
    st.header(_("Messages"), anchor=False)
    entries: list[Json] = device["ledger"]
    if not entries:
        st.markdown(_("None has been stored yet."))
        return
    numbered = any(entry["last_seq"] is not None for entry in entries)
    sentences = [
        ngettext("{n} message stored", "{n} messages stored", device["received_total"]),
        ngettext(
            "{n} came twice and counts once", "{n} came twice and count once", device["duplicates_total"]
        ),
        _("{share} came late, as history").format(share=percent(device["late_ratio"])),
        ngettext("{n} never arrived", "{n} never arrived", device["lost_messages"])
        if numbered
        else _("it does not number its messages, so nobody knows whether some were lost"),
    ]
    st.markdown(" · ".join(sentences) + ".")
    zone = device["timezone"]
    table.beside(
        f"messages-{device['device']}",
        [
            {
                **entry,
                "first": moment(parse_moment(entry["first_received_at"]), zone),
                "last": moment(parse_moment(entry["last_received_at"]), zone),
            }
            for entry in entries
        ],
        [
            Column("first", _("First")),
            Column("last", _("Last")),
            Column("received_total", _("Stored"), "number"),
            Column("duplicates_total", _("Came twice"), "number"),
            Column("late_total", _("Came late"), "number"),
            Column("lost_messages", _("Never arrived"), "number"),
            Column("boot_id", _("Start of the device")),
        ],
        every_row=lambda: [
            {name: value for name, value in entry.items() if name != "gaps"} for entry in entries
        ],
    )


def set_aside(device: Json) -> None:
    """Messages with the device's address that could not be used, each kind with its reason."""
    st.subheader(_("Messages set aside"), anchor=False)
    kinds: list[Json] = device["quarantined"]
    if not kinds:
        st.markdown(_("None. Every message with its address was understood."))
        return
    zone = device["timezone"]
    st.markdown(
        "\n".join(
            "- "
            + _("{n} × {reason}: {detail} (last {moment})").format(
                n=number(kind["messages_total"]),
                reason=quarantine_reason(kind["reason"]),
                detail=plain(kind["detail"]),
                moment=moment(parse_moment(kind["last_received_at"]), zone),
            )
            for kind in kinds
        )
    )
    st.caption(_("They are kept, and count again once the cause is mended and they are replayed."))
