"""Where one device stood, what was done about it, and who changed what in the registry."""

from __future__ import annotations

from html import escape

import streamlit as st

from dashboard import registry, table
from dashboard.client import Json
from dashboard.language import _, moment, parse_moment
from dashboard.palette import FAINT, GRID, INK
from dashboard.sections import history
from dashboard.table import Column
from dashboard.wording import device_status

CHANGES_SHOWN = 20


def stood(device: Json) -> None:
    """Everywhere the device stood, the newest place first."""
    st.header(_("Where it stood"), anchor=False)
    zone = device["timezone"]
    table.show(
        f"placements-{device['device']}",
        [
            {
                "home": place["home"],
                "from": moment(parse_moment(place["placed_at"]), zone),
                "to": _("still there")
                if place["removed_at"] is None
                else moment(parse_moment(place["removed_at"]), zone),
            }
            for place in reversed(device["placements"])
        ],
        [Column("home", _("Home")), Column("from", _("From")), Column("to", _("To"))],
    )


def work_done(device: Json) -> None:
    """What installers did about its findings, the newest first."""
    st.header(_("What was done about it"), anchor=False)
    if not device["marks"]:
        st.markdown(_("Nothing has been entered in the work list."))
        return
    st.markdown(
        "".join(
            _line(
                mark["marked_at"], mark["marked_by"], mark_words(mark, device["timezone"]), device["timezone"]
            )
            for mark in device["marks"]
        ),
        unsafe_allow_html=True,
    )


def changes(device: Json) -> None:
    """Who changed what about the device in the registry, the newest first."""
    st.header(_("Changes in the registry"), anchor=False)
    entries = registry.history("devices", device["device"], CHANGES_SHOWN)
    if not entries:
        st.markdown(_("Nothing has been changed since this was first loaded."))
        return
    zone = device.get("timezone")
    st.markdown(
        "".join(
            _line(
                entry["changed_at"],
                entry["changed_by"],
                " · ".join([history.what(entry), *history.details(entry)]),
                zone,
            )
            for entry in entries
        ),
        unsafe_allow_html=True,
    )


def mark_words(mark: Json, zone: str | None) -> str:
    """What a mark says was done, with its note."""
    status = device_status(mark["finding"])
    until = parse_moment(mark["postponed_until"])
    marked = parse_moment(mark["marked_at"])
    if until is None:
        text = _("{finding}: done").format(finding=status)
    elif marked is not None and until <= marked:
        text = _("{finding}: put back on the list").format(finding=status)
    else:
        text = _("{finding}: postponed until {moment}").format(finding=status, moment=moment(until, zone))
    return f"{text} – {mark['note']}" if mark["note"] else text


def _line(at: str, by: str, text: str, zone: str | None) -> str:
    when = moment(parse_moment(at), zone or st.context.timezone)
    return (
        f'<div style="padding:.45rem 0;border-bottom:1px solid {GRID};overflow-wrap:anywhere">'
        f'<div style="color:{FAINT};font-size:.85rem">{escape(when)} · {escape(by)}</div>'
        f'<div style="color:{INK}">{escape(text)}</div></div>'
    )
