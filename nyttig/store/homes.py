"""Homes of a trial: what a coordinator notes about them, their pauses and their end. Changes are in the history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from psycopg import Connection

from nyttig.errors import ClashError, NotFoundError
from nyttig.model import EndReason, Pause
from nyttig.store import history, registry
from nyttig.store.history import Subject

PAUSE_DAYS_MAX = 366
"""Longer is a slip of the year, or no pause any more."""


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody wrote about a home; until `snoozed_until` (a local day, None: not at all) it is not to be called."""

    id: int
    home: str
    text: str
    snoozed_until: date | None
    noted_by: str
    noted_at: datetime


@dataclass(frozen=True, slots=True)
class HomeRecord:
    """One home's part in a trial. Pauses the last first, notes the newest first, those taken back left out."""

    home: str
    unit: str
    timezone: str
    installed_on: date | None
    ended_on: date | None
    end_reason: str | None
    pauses: tuple[Pause, ...]
    notes: tuple[Note, ...]


def record(connection: Connection[Any], trial_id: str, home: str) -> HomeRecord:
    """What the registry says of the home. Raises NotFoundError."""
    registry.require(connection, trial_id)
    row = connection.execute(
        """
        SELECT s.code, u.name, t.timezone, e.installed_on, e.ended_on, e.end_reason
        FROM enrolments e JOIN trials t ON t.id = e.trial_id JOIN sites s ON s.id = e.site_id
        JOIN units u ON u.id = s.unit_id WHERE e.trial_id = %s AND s.code = %s
        """,
        (trial_id, home),
    ).fetchone()
    if row is None:
        raise NotFoundError("there is no home {home!r} in the trial {trial!r}", home=home, trial=trial_id)
    pauses = connection.execute(
        "SELECT s.code, p.paused_from, p.paused_to, p.reason FROM pauses p JOIN sites s ON s.id = p.site_id"
        " WHERE p.trial_id = %s AND s.code = %s ORDER BY p.paused_from DESC",
        (trial_id, home),
    ).fetchall()
    told = tuple(one for one in notes(connection, trial_id) if one.home == home)
    return HomeRecord(*(*row, tuple(Pause(*each) for each in pauses), told))


def notes(connection: Connection[Any], trial_id: str) -> list[Note]:
    """All notes about homes of the trial that were not taken back, the newest first."""
    rows = connection.execute(
        "SELECT n.id, s.code, n.text, n.snoozed_until, n.noted_by, n.noted_at FROM home_notes n"
        " JOIN sites s ON s.id = n.site_id WHERE n.trial_id = %s AND n.withdrawn_at IS NULL ORDER BY n.id DESC",
        (trial_id,),
    ).fetchall()
    return [Note(*row) for row in rows]


def note(
    connection: Connection[Any],
    trial_id: str,
    home: str,
    text: str,
    *,
    snoozed_until: date | None,
    by: str,
    at: datetime,
) -> None:
    """The note stands, in the current transaction. Raises NotFoundError."""
    record(connection, trial_id, home)
    connection.execute(
        "INSERT INTO home_notes (trial_id, site_id, text, snoozed_until, noted_by, noted_at)"
        " SELECT %s, id, %s, %s, %s, %s FROM sites WHERE code = %s",
        (trial_id, text, snoozed_until, by, at, home),
    )


def withdraw_note(
    connection: Connection[Any], trial_id: str, home: str, note_id: int, *, by: str, at: datetime
) -> None:
    """The note is taken back, and with it the putting off; in the current transaction. Raises NotFoundError."""
    gone = connection.execute(
        "UPDATE home_notes n SET withdrawn_by = %s, withdrawn_at = %s FROM sites s"
        " WHERE s.id = n.site_id AND n.id = %s AND n.trial_id = %s AND s.code = %s AND n.withdrawn_at IS NULL",
        (by, at, note_id, trial_id, home),
    ).rowcount
    if not gone:
        raise NotFoundError(
            "there is no note {note} about {home!r}; it may have been taken back already",
            note=note_id,
            home=home,
        )


def pause(
    connection: Connection[Any],
    trial_id: str,
    home: str,
    from_day: date,
    to_day: date,
    reason: str | None,
    *,
    by: str,
) -> None:
    """The home is excused from `from_day` to `to_day`, both included and local to the trial; in the current transaction.

    Raises NotFoundError, and ClashError where the days are the wrong way round, too many, or overlap another pause.
    """
    history.lock(connection)
    known = record(connection, trial_id, home)
    if to_day < from_day:
        raise ClashError(
            "a pause from {from_day} cannot end on {to_day}; turn the days round",
            from_day=from_day,
            to_day=to_day,
        )
    if (to_day - from_day).days >= PAUSE_DAYS_MAX:
        raise ClashError(
            "a pause from {from_day} to {to_day} is longer than {days} days; check the year, or end the home's part in the trial",
            from_day=from_day,
            to_day=to_day,
            days=PAUSE_DAYS_MAX,
        )
    zone = ZoneInfo(known.timezone)
    paused_from = datetime.combine(from_day, datetime.min.time(), zone)
    paused_to = datetime.combine(to_day + timedelta(days=1), datetime.min.time(), zone)
    for other in known.pauses:
        if paused_from < other.paused_to and other.paused_from < paused_to:
            raise ClashError(
                "{home} is paused already from {from_time} to {to_time}; take that pause back first, or choose other days",
                home=home,
                from_time=f"{other.paused_from.astimezone(zone):%Y-%m-%d %H:%M}",
                to_time=f"{other.paused_to.astimezone(zone):%Y-%m-%d %H:%M}",
            )
    connection.execute(
        "INSERT INTO pauses (trial_id, site_id, paused_from, paused_to, reason, entered_by)"
        " SELECT %s, id, %s, %s, %s, %s FROM sites WHERE code = %s",
        (trial_id, paused_from, paused_to, reason, by, home),
    )
    told = _told(Pause(home, paused_from, paused_to, reason))
    history.record(
        connection, by=by, action="home_paused", subject=Subject("trial", trial_id), before=None, after=told
    )


def withdraw_pause(
    connection: Connection[Any], trial_id: str, home: str, paused_from: datetime, *, by: str
) -> None:
    """The pause that began then never was, in the current transaction; the history keeps it. Raises NotFoundError."""
    history.lock(connection)
    known = record(connection, trial_id, home)
    found = next((each for each in known.pauses if each.paused_from == paused_from), None)
    if found is None:
        began = ", ".join(each.paused_from.isoformat() for each in known.pauses) or "none"
        raise NotFoundError(
            "no pause of {home!r} began at {time}; there are: {began}",
            home=home,
            time=paused_from.isoformat(),
            began=began,
        )
    connection.execute(
        "DELETE FROM pauses WHERE trial_id = %s AND paused_from = %s"
        " AND site_id = (SELECT id FROM sites WHERE code = %s)",
        (trial_id, paused_from, home),
    )
    history.record(
        connection,
        by=by,
        action="home_pause_withdrawn",
        subject=Subject("trial", trial_id),
        before=_told(found),
        after={"home": home},
    )


def end(
    connection: Connection[Any],
    trial_id: str,
    home: str,
    ended_on: date,
    reason: EndReason,
    *,
    today: date,
    by: str,
) -> None:
    """The home's part in the trial ended on that local day for that reason, in the current transaction.

    Raises NotFoundError, and ClashError where it has ended already, was not installed by then, or the day is to come.
    """
    history.lock(connection)
    known = record(connection, trial_id, home)
    if known.ended_on is not None:
        raise ClashError(
            "{home} ended already on {day} ({end_reason}); take that back first",
            home=home,
            day=known.ended_on,
            end_reason=known.end_reason,
        )
    if ended_on > today:
        raise ClashError("{day} is still to come; enter the end when it has come", day=ended_on)
    begins = known.installed_on
    if begins is not None and ended_on < begins:
        raise ClashError(
            "{home} cannot end on {day}: it was installed on {first_day}",
            home=home,
            day=ended_on,
            first_day=begins,
        )
    _set_end(connection, trial_id, home, ended_on, reason, by)
    history.record(
        connection,
        by=by,
        action="home_ended",
        subject=Subject("trial", trial_id),
        before={"home": home, "ended_on": None, "end_reason": None},
        after={"home": home, "ended_on": ended_on, "end_reason": reason},
    )


def withdraw_end(connection: Connection[Any], trial_id: str, home: str, *, by: str) -> None:
    """The home takes part as before, in the current transaction. Raises NotFoundError, ClashError where it never ended."""
    history.lock(connection)
    known = record(connection, trial_id, home)
    if known.ended_on is None:
        raise ClashError("{home} has not ended; there is nothing to take back", home=home)
    _set_end(connection, trial_id, home, None, None, None)
    history.record(
        connection,
        by=by,
        action="home_end_withdrawn",
        subject=Subject("trial", trial_id),
        before={"home": home, "ended_on": known.ended_on, "end_reason": known.end_reason},
        after={"home": home, "ended_on": None, "end_reason": None},
    )


def _set_end(
    connection: Connection[Any],
    trial_id: str,
    home: str,
    ended_on: date | None,
    reason: str | None,
    entered_by: str | None,
) -> None:
    connection.execute(
        "UPDATE enrolments SET ended_on = %s, end_reason = %s, end_entered_by = %s WHERE trial_id = %s"
        " AND site_id = (SELECT id FROM sites WHERE code = %s)",
        (ended_on, reason, entered_by, trial_id, home),
    )


def _told(told: Pause) -> dict[str, Any]:
    return {
        "home": told.home,
        "paused_from": told.paused_from,
        "paused_to": told.paused_to,
        "reason": told.reason,
    }
