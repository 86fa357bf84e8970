"""The history of the registry: who changed what, when, from what to what. It only grows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Literal, NamedTuple

from psycopg import Connection

_LOCK = 5_017_003  # one change of the registry at a time, so that entries stand in the order of their commits

COMMAND_LINE = "command line"
"""Who made a change that came from the command line."""


class Subject(NamedTuple):
    """What an entry is about."""

    kind: Literal["trial", "device", "proposal"]
    code: str


class Change(NamedTuple):
    """What happened to a subject: before and after, as far as they differ (None: it was not there)."""

    action: str
    subject: Subject
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One change of the registry. `trials` are those that it concerned then."""

    id: int
    changed_at: datetime
    changed_by: str
    action: str
    subject_kind: Literal["trial", "device", "proposal"]
    subject: str
    trials: tuple[str, ...]
    before: dict[str, Any] | None
    after: dict[str, Any] | None


def lock(connection: Connection[Any]) -> None:
    """Nobody else changes the registry until this transaction ends; what is read from now on stands."""
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))


def record(
    connection: Connection[Any],
    *,
    by: str,
    action: str,
    subject: Subject,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    trials: Iterable[str] | None = None,
) -> None:
    """The change is in the history, in the transaction that makes it.

    `by` is the principal's name or COMMAND_LINE; `action` a verb in the past (`placed`). `trials` it concerns: by
    default the trial itself, or those to which the device belongs now.
    """
    record_all(connection, [Change(action, subject, before, after)], by=by, trials=trials)


def record_all(
    connection: Connection[Any], changes: Iterable[Change], *, by: str, trials: Iterable[str] | None = None
) -> None:
    """All these changes are in the history, in this order and of one moment; `by` and `trials` as for `record`."""
    lock(connection)
    moment = connection.execute("SELECT clock_timestamp()").fetchone()
    assert moment is not None
    given = None if trials is None else sorted(set(trials))
    rows = [
        {
            "at": moment[0],
            "by": by,
            "action": change.action,
            "kind": change.subject.kind,
            "code": change.subject.code,
            "trials": [change.subject.code] if given is None and change.subject.kind == "trial" else given,
            "before": _json(change.before),
            "after": _json(change.after),
        }
        for change in changes
    ]
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            INSERT INTO registry_changes (changed_at, changed_by, action, subject_kind, subject, trials, before, after)
            SELECT %(at)s, %(by)s, %(action)s, %(kind)s, %(code)s,
                   coalesce(%(trials)s::text[],
                            (SELECT array_agg(t.trial_id ORDER BY t.trial_id) FROM trial_devices t
                             JOIN devices d ON d.id = t.device_id WHERE d.code = %(code)s AND %(kind)s = 'device'),
                            '{}'),
                   %(before)s::jsonb, %(after)s::jsonb
            """,
            rows,
        )


def entries(
    connection: Connection[Any],
    *,
    device: str | None = None,
    trial_id: str | None = None,
    before_id: int | None = None,
    limit: int = 200,
) -> list[HistoryEntry]:
    """The history of a device, of a trial with all that concerned it, or of everything; the newest first.

    `before_id` goes on where an earlier answer of `limit` entries ended.
    """
    rows = connection.execute(
        """
        SELECT id, changed_at, changed_by, action, subject_kind, subject, trials, before, after
        FROM registry_changes
        WHERE (%(device)s::text IS NULL OR (subject_kind = 'device' AND subject = %(device)s))
          AND (%(trial)s::text IS NULL OR trials @> ARRAY[%(trial)s::text])
          AND (%(before)s::bigint IS NULL OR id < %(before)s)
        ORDER BY id DESC LIMIT %(limit)s
        """,
        {"device": device, "trial": trial_id, "before": before_id, "limit": limit},
    ).fetchall()
    return [HistoryEntry(*(*row[:6], tuple(row[6]), *row[7:])) for row in rows]


def since(
    connection: Connection[Any], moment: datetime, *, trial_id: str, devices: Sequence[str]
) -> list[HistoryEntry]:
    """The changes from `moment` on of the trial itself and of these devices; the newest first."""
    rows = connection.execute(
        """
        SELECT id, changed_at, changed_by, action, subject_kind, subject, trials, before, after
        FROM registry_changes
        WHERE changed_at >= %s AND (subject_kind = 'trial' AND subject = %s OR subject_kind = 'device' AND subject = ANY (%s))
        ORDER BY id DESC
        """,
        (moment, trial_id, list(devices)),
    ).fetchall()
    return [HistoryEntry(*(*row[:6], tuple(row[6]), *row[7:])) for row in rows]


def of_trial_parameters(connection: Connection[Any], trial_id: str, *, limit: int) -> list[HistoryEntry]:
    """The changes of a trial's thresholds, newest first: entries whose before and after are the parameters alone."""
    rows = connection.execute(
        """
        SELECT id, changed_at, changed_by, action, subject_kind, subject, trials, before->'parameters', after->'parameters'
        FROM registry_changes
        WHERE subject_kind = 'trial' AND subject = %s AND before ? 'parameters' AND after ? 'parameters'
        ORDER BY id DESC LIMIT %s
        """,
        (trial_id, limit),
    ).fetchall()
    return [HistoryEntry(*(*row[:6], tuple(row[6]), *row[7:])) for row in rows]


def newest_at(connection: Connection[Any]) -> datetime | None:
    """When the registry last changed; None where it never did. Each change moves it."""
    row = connection.execute("SELECT changed_at FROM registry_changes ORDER BY id DESC LIMIT 1").fetchone()
    return None if row is None else row[0]


def _json(value: Mapping[str, Any] | None) -> str | None:
    return None if value is None else json.dumps(value, default=_text)


def _text(value: object) -> str:
    if isinstance(value, (date, time)):  # a datetime is a date, too
        return value.isoformat()
    raise TypeError(f"{value!r} cannot stand in the history")
