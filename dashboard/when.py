"""A moment that somebody tells: now, or a day and time where the device stands."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import streamlit as st

from dashboard.language import _, current

NOW, EARLIER = "now", "earlier"
STEP_SECONDS = 60


class NoMomentError(Exception):
    """What was told is no moment; the message says why."""


def ask(key: str, zone: str | None) -> datetime | NoMomentError | None:
    """The moment that the reader chose, with its offset; None: now. A time that the clock skips or repeats is none."""
    names = {NOW: _("Now"), EARLIER: _("Another time")}
    picked = st.segmented_control(
        _("When"), list(names), format_func=names.__getitem__, default=NOW, required=True, key=f"{key}:when"
    )
    if picked != EARLIER:
        return None
    known = ZoneInfo(zone or "UTC")
    today = datetime.now(known).replace(second=0, microsecond=0, tzinfo=None)
    told = st.datetime_input(
        _("Day and time ({zone})").format(zone=known.key),
        value=today,
        format="DD/MM/YYYY" if current().code == "en" else "DD.MM.YYYY",
        step=STEP_SECONDS,
        key=f"{key}:moment",
    )
    if told is None:
        return NoMomentError(_("Choose the day and the time."))
    return moment_at(told, known)


def moment_at(told: datetime, zone: ZoneInfo) -> datetime | NoMomentError:
    """The moment at which clocks in the zone show this time, if there is exactly one."""
    at = told.replace(tzinfo=zone)
    if at.replace(fold=0).utcoffset() != at.replace(fold=1).utcoffset():
        return NoMomentError(
            _("Clocks were changed then: this time is skipped or comes twice. Choose another.")
        )
    return at.astimezone(UTC)
