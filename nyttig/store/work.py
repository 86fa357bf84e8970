"""Work: what installers did about findings, and who was told of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection

from nyttig.health.visits import Mark

_NOTIFIER_LOCK = 5_017_010  # one notifier sends at a time; others find nothing left to send


def mark(connection: Connection[Any], marks: Iterable[Mark]) -> None:
    """The marks stand, in the current transaction, and hide what they are about."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO work_marks (subject_kind, subject, finding, action, postponed_until, note, marked_by, marked_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (
                    one.subject_kind,
                    one.subject,
                    one.finding,
                    one.action,
                    one.postponed_until,
                    one.note,
                    one.marked_by,
                    one.marked_at,
                )
                for one in marks
            ],
        )


def newest_marks(connection: Connection[Any]) -> list[Mark]:
    """The newest mark of each subject and finding."""
    rows = connection.execute(
        "SELECT DISTINCT ON (subject_kind, subject, finding) subject_kind, subject, finding, action, postponed_until,"
        " note, marked_by, marked_at FROM work_marks ORDER BY subject_kind, subject, finding, marked_at DESC, id DESC"
    ).fetchall()
    return [Mark(*row) for row in rows]


def marks_of_device(connection: Connection[Any], device: str) -> list[Mark]:
    """All marks of a device, newest first."""
    rows = connection.execute(
        "SELECT subject_kind, subject, finding, action, postponed_until, note, marked_by, marked_at FROM work_marks"
        " WHERE subject_kind = 'device' AND subject = %s ORDER BY marked_at DESC, id DESC",
        (device,),
    ).fetchall()
    return [Mark(*row) for row in rows]


def take_turn(connection: Connection[Any]) -> bool:
    """Whether this transaction is the one in which notices are sent; another notifier waits until it ends."""
    row = connection.execute("SELECT pg_try_advisory_xact_lock(%s)", (_NOTIFIER_LOCK,)).fetchone()
    assert row is not None
    return bool(row[0])


def told_since(connection: Connection[Any], channel: str, since: datetime) -> set[tuple[str, str]]:
    """The subjects and findings that this channel was told of since then."""
    return set(
        connection.execute(
            "SELECT subject, finding FROM notices WHERE channel = %s AND told_at > %s", (channel, since)
        ).fetchall()
    )


def tell(connection: Connection[Any], channel: str, told: Iterable[tuple[str, str]], at: datetime) -> None:
    """The channel was told of these subjects and findings, in the current transaction. Old notices are forgotten."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO notices (channel, subject, finding, told_at) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (channel, subject, finding) DO UPDATE SET told_at = excluded.told_at",
            [(channel, subject, finding, at) for subject, finding in told],
        )
    connection.execute("DELETE FROM notices WHERE told_at < %s", (at - timedelta(days=400),))
