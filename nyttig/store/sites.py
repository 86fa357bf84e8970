"""Sites: the homes and demo apartments that there are, and the trials they belong to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg import Connection


@dataclass(frozen=True, slots=True)
class Site:
    """A home or demo apartment, the unit it lies in, and each trial it is enrolled in with that trial's time zone."""

    home: str
    unit: str
    timezones: dict[str, str]


def read(connection: Connection[Any]) -> list[Site]:
    """All sites, ordered by code."""
    rows = connection.execute(
        """
        SELECT s.code, u.name,
               (SELECT coalesce(jsonb_object_agg(t.id, t.timezone), '{}')
                FROM enrolments e JOIN trials t ON t.id = e.trial_id WHERE e.site_id = s.id)
        FROM sites s JOIN units u ON u.id = s.unit_id ORDER BY s.code
        """
    ).fetchall()
    return [Site(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class DemoHome:
    """A demo apartment, its unit, and the trials in whose folders it stands; their first one's time zone."""

    site: str
    unit: str
    timezone: str
    trials: tuple[str, ...]


def demo_homes(connection: Connection[Any]) -> list[DemoHome]:
    """All demo apartments of trials, ordered by code, furnished or not."""
    rows = connection.execute(
        """
        SELECT s.code, u.name, (array_agg(t.timezone ORDER BY t.starts, t.id))[1],
               array_agg(t.id ORDER BY t.starts, t.id)
        FROM sites s JOIN units u ON u.id = s.unit_id
        JOIN enrolments e ON e.site_id = s.id JOIN trials t ON t.id = e.trial_id
        WHERE s.site_type = 'demo' GROUP BY s.code, u.name ORDER BY s.code
        """
    ).fetchall()
    return [DemoHome(site, unit, timezone, tuple(trials)) for site, unit, timezone, trials in rows]
