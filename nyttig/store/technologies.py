"""Technologies as the store knows them, and what their readings mean."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from psycopg import Connection

from nyttig.model import Technology, UseRule
from nyttig.store import rollups


def read(connection: Connection[Any], names: Collection[str] | None = None) -> tuple[Technology, ...]:
    """The technologies of these names, or all; those that are not there are left out."""
    wanted = None if names is None else sorted(names)
    uses: dict[str, list[UseRule]] = {}
    for technology, *rule in connection.execute(
        "SELECT technology_id, type, above, below, release, until, bare, minimum_minutes, joining_gap_minutes FROM use_rules"
        " WHERE %(names)s::text[] IS NULL OR technology_id = ANY (%(names)s) ORDER BY type",
        {"names": wanted},
    ).fetchall():
        uses.setdefault(technology, []).append(UseRule(*rule))
    armed: dict[str, list[UseRule]] = {}
    for technology, *rule in connection.execute(
        "SELECT technology_id, type, above, below, release, until, bare FROM armed_rules"
        " WHERE %(names)s::text[] IS NULL OR technology_id = ANY (%(names)s) ORDER BY type",
        {"names": wanted},
    ).fetchall():
        armed.setdefault(technology, []).append(UseRule(*rule))
    return tuple(
        Technology(
            id=name,
            titles=titles,
            usage_class=usage_class,
            use_rules=tuple(uses.get(name, ())),
            joining_gap_minutes=gap,
            heartbeat_minutes=heartbeat,
            minimum_uses_per_day=minimum,
            armed_rules=tuple(armed.get(name, ())),
            alarm=tuple(alarm),
            alarm_handled=tuple(handled),
        )
        for name, titles, usage_class, gap, heartbeat, minimum, alarm, handled in connection.execute(
            "SELECT id, titles, usage_class, joining_gap_minutes, heartbeat_minutes, minimum_uses_per_day, alarm,"
            " alarm_handled FROM technologies WHERE %(names)s::text[] IS NULL OR id = ANY (%(names)s) ORDER BY id",
            {"names": wanted},
        ).fetchall()
    )


def save(connection: Connection[Any], technology: Technology) -> None:
    """The technology stands as described, in the current transaction; where its readings mean something else now, all
    that was worked out of them is marked."""
    before = read(connection, {technology.id})
    connection.execute(
        """
        INSERT INTO technologies (id, titles, usage_class, joining_gap_minutes, heartbeat_minutes, minimum_uses_per_day,
                                  alarm, alarm_handled)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
        ON CONFLICT (id) DO UPDATE SET
            titles = excluded.titles, usage_class = excluded.usage_class,
            joining_gap_minutes = excluded.joining_gap_minutes, heartbeat_minutes = excluded.heartbeat_minutes,
            minimum_uses_per_day = excluded.minimum_uses_per_day, alarm = excluded.alarm,
            alarm_handled = excluded.alarm_handled
        """,
        (
            technology.id,
            json.dumps(dict(technology.titles)),
            technology.usage_class,
            technology.joining_gap_minutes,
            technology.heartbeat_minutes,
            technology.minimum_uses_per_day,
            list(technology.alarm),
            list(technology.alarm_handled),
        ),
    )
    connection.execute("DELETE FROM use_rules WHERE technology_id = %s", (technology.id,))
    for rule in technology.use_rules:
        connection.execute(
            "INSERT INTO use_rules (technology_id, type, above, below, release, until, bare, minimum_minutes,"
            " joining_gap_minutes) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (
                technology.id,
                rule.type,
                rule.above,
                rule.below,
                rule.release,
                rule.until,
                rule.bare,
                rule.minimum_minutes,
                rule.joining_gap_minutes,
            ),
        )
    connection.execute("DELETE FROM armed_rules WHERE technology_id = %s", (technology.id,))
    for rule in technology.armed_rules:
        connection.execute(
            "INSERT INTO armed_rules (technology_id, type, above, below, release, until, bare)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)",
            (technology.id, rule.type, rule.above, rule.below, rule.release, rule.until, rule.bare),
        )
    if before and before != read(connection, {technology.id}):
        rollups.hold(connection)
        connection.execute(
            "DELETE FROM last_states WHERE device_id IN (SELECT id FROM devices WHERE technology_id = %s)",
            (technology.id,),
        )
        connection.execute(
            "INSERT INTO touched SELECT device_id, hour FROM rollups"
            " WHERE device_id IN (SELECT id FROM devices WHERE technology_id = %s)",
            (technology.id,),
        )
