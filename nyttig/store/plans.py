"""What is due when in a trial's homes, and how the units that were invited came along."""

from __future__ import annotations

from typing import Any

from psycopg import Connection

from nyttig.model import Schedule, TrialPackage, UnitPart


def save(connection: Connection[Any], package: TrialPackage) -> None:
    """The trial's schedules and units' parts are those of the package, in its order."""
    trial_id = package.trial.id
    connection.execute("DELETE FROM schedules WHERE trial_id = %s", (trial_id,))
    connection.execute("DELETE FROM unit_parts WHERE trial_id = %s", (trial_id,))
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO schedules (trial_id, site_id, place, due_time, weekdays, from_day, to_day)"
            " SELECT %s, id, %s, %s, %s, %s, %s FROM sites WHERE code = %s",
            [
                (trial_id, place, each.due_time, each.weekdays, each.from_day, each.to_day, each.home)
                for place, each in enumerate(package.schedules)
            ],
        )
        cursor.executemany(
            "INSERT INTO units (name) VALUES (%s) ON CONFLICT DO NOTHING",
            [(each.unit,) for each in package.units],
        )
        cursor.executemany(
            "INSERT INTO unit_parts (trial_id, unit_id, place, invited_on, joined_on, staff, ambassadors_trained,"
            " ambassadors_active) SELECT %s, id, %s, %s, %s, %s, %s, %s FROM units WHERE name = %s",
            [
                (
                    trial_id,
                    place,
                    each.invited_on,
                    each.joined_on,
                    each.staff,
                    each.ambassadors_trained,
                    each.ambassadors_active,
                    each.unit,
                )
                for place, each in enumerate(package.units)
            ],
        )


def schedules(connection: Connection[Any], trial_id: str) -> tuple[Schedule, ...]:
    """What is due in the trial's homes, in the order in which it was loaded."""
    rows = connection.execute(
        "SELECT s.code, p.due_time, p.weekdays, p.from_day, p.to_day FROM schedules p"
        " JOIN sites s ON s.id = p.site_id WHERE p.trial_id = %s ORDER BY p.place",
        (trial_id,),
    ).fetchall()
    return tuple(Schedule(*row) for row in rows)


def unit_parts(connection: Connection[Any], trial_id: str) -> tuple[UnitPart, ...]:
    """The units' parts in the trial, in the order in which they were loaded."""
    rows = connection.execute(
        "SELECT u.name, p.invited_on, p.joined_on, p.staff, p.ambassadors_trained, p.ambassadors_active"
        " FROM unit_parts p JOIN units u ON u.id = p.unit_id WHERE p.trial_id = %s ORDER BY p.place",
        (trial_id,),
    ).fetchall()
    return tuple(UnitPart(*row) for row in rows)
