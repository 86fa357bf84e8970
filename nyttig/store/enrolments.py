"""Homes' parts in a trial and their pauses, as a package says; what people entered since stays."""

from __future__ import annotations

from typing import Any

from psycopg import Connection

from nyttig.model import TrialPackage


def load(connection: Connection[Any], package: TrialPackage) -> None:
    """The trial has the package's homes and pauses, in the current transaction, and what people entered on them stays.

    An end that somebody entered stays where the package names none and no later installation; a pause stays as long as
    its home does. Where the package says otherwise, with an end of its own or another pause that begins at the same
    moment, the package counts; where it says the same, what was entered is still entered.
    """
    _load_enrolments(connection, package)
    _load_pauses(connection, package)


def _load_enrolments(connection: Connection[Any], package: TrialPackage) -> None:
    trial_id = package.trial.id
    ends = {
        home: end
        for home, *end in connection.execute(
            "SELECT s.code, e.ended_on, e.end_reason, e.end_entered_by FROM enrolments e JOIN sites s ON s.id = e.site_id"
            " WHERE e.trial_id = %s AND e.end_entered_by IS NOT NULL AND e.ended_on IS NOT NULL",
            (trial_id,),
        ).fetchall()
    }
    connection.execute("DELETE FROM enrolments WHERE trial_id = %s", (trial_id,))
    rows = []
    for home in package.homes:
        end: list[Any] = [home.ended_on, home.end_reason, None]
        entered = ends.get(home.home)
        if entered is not None and (
            end[:2] == entered[:2]
            or (home.ended_on is None and (home.installed_on is None or home.installed_on <= entered[0]))
        ):
            end = entered
        rows.append(
            (trial_id, home.asked_on, home.consented_on, home.installed_on, *end, home.legal_basis, home.home)
        )
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO enrolments (trial_id, site_id, asked_on, consented_on, installed_on, ended_on, end_reason,"
            " end_entered_by, legal_basis) SELECT %s, id, %s, %s, %s, %s, %s, %s, %s FROM sites WHERE code = %s",
            rows,
        )


def _load_pauses(connection: Connection[Any], package: TrialPackage) -> None:
    trial_id = package.trial.id
    connection.execute(
        "DELETE FROM pauses WHERE trial_id = %s AND (entered_by IS NULL OR site_id NOT IN"
        " (SELECT id FROM sites WHERE code = ANY (%s)))",
        (trial_id, [home.home for home in package.homes]),
    )
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            INSERT INTO pauses (trial_id, site_id, paused_from, paused_to, reason)
            SELECT %s, id, %s, %s, %s FROM sites WHERE code = %s
            ON CONFLICT (trial_id, site_id, paused_from) DO UPDATE
            SET paused_to = excluded.paused_to, reason = excluded.reason, entered_by = NULL
            WHERE (pauses.paused_to, pauses.reason) IS DISTINCT FROM (excluded.paused_to, excluded.reason)
            """,
            [(trial_id, p.paused_from, p.paused_to, p.reason, p.home) for p in package.pauses],
        )
