"""What a load or a list changed: the registry as it was and as it is, told as entries of its history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, fields
from typing import Any

from psycopg import Connection

from nyttig.model import Device, TrialPackage
from nyttig.store.history import Change, Subject

State = dict[str, Any]
"""All that the registry says of one device, or of one row of a trial."""

_TABLES = tuple(each.name for each in fields(TrialPackage) if each.name not in ("trial", "technologies"))

TOLD_WHOLE = ("homes", "pauses", "schedules", "units")
"""Tables of which every row that came or went is told: nothing else says how they were. Placements stand in the entries of
their devices; visits would be thousands."""


def described(device: Device) -> State:
    """What is said of a device itself: its fields but for the code, and the role, which is a trial's."""
    return {name: value for name, value in asdict(device).items() if name not in ("device", "role")}


def devices_of(connection: Connection[Any], package: TrialPackage) -> list[str]:
    """The devices that saving the package may change: its own, those in the trial, those at its addresses."""
    rows = connection.execute(
        """
        SELECT d.code FROM devices d
        WHERE (d.dialect, d.address) IN (SELECT * FROM unnest(%s::text[], %s::text[]))
           OR EXISTS (SELECT FROM trial_devices t WHERE t.device_id = d.id AND t.trial_id = %s)
        """,
        (
            [device.dialect for device in package.devices],
            [device.address for device in package.devices],
            package.trial.id,
        ),
    ).fetchall()
    return sorted({device.device for device in package.devices} | {code for (code,) in rows})


def states(connection: Connection[Any], devices: Collection[str]) -> dict[str, State]:
    """What the registry says of these devices, as far as they are there."""
    rows = connection.execute(
        """
        SELECT d.code, d.technology_id, d.dialect, d.address, d.heartbeat_minutes, d.power, d.hardware_id,
               d.retired_at, d.retired_because,
               (SELECT coalesce(jsonb_object_agg(t.trial_id, t.role), '{}') FROM trial_devices t
                WHERE t.device_id = d.id),
               (SELECT coalesce(jsonb_agg(jsonb_build_object('home', s.code, 'placed_at', p.placed_at,
                                                             'removed_at', p.removed_at) ORDER BY p.placed_at), '[]')
                FROM placements p JOIN sites s ON s.id = p.site_id WHERE p.device_id = d.id)
        FROM devices d WHERE d.code = ANY (%s)
        """,
        (list(devices),),
    ).fetchall()
    names = (
        "technology",
        "dialect",
        "address",
        "heartbeat_minutes",
        "power",
        "hardware_id",
        "retired_at",
        "retired_because",
        "roles",
        "placements",
    )
    return {code: dict(zip(names, values, strict=True)) for code, *values in rows}


def of_devices(
    before: Mapping[str, State], after: Mapping[str, State], *, action: str, new: str = "registered"
) -> Iterator[Change]:
    """An entry for each device whose state differs, with what differs: `new` where it was not there before."""
    for device, now in sorted(after.items()):
        was = before.get(device)
        subject = Subject("device", device)
        if was is None:
            yield Change(new, subject, None, now)
        elif was != now:
            different = [name for name in now if was[name] != now[name]]
            yield Change(
                action,
                subject,
                {name: was[name] for name in different},
                {name: now[name] for name in different},
            )


def of_trial(before: TrialPackage | None, after: TrialPackage) -> Iterator[Change]:
    """One entry where the trial's package differs: the trial's own fields that do, and how many rows came and went.

    A row that was changed counts as one that went and one that came. Of a trial that was there already, `rows` holds by
    table, of those in TOLD_WHOLE, the rows that went (before) and came (after).
    """
    if before == after:
        return
    was, now = ({} if before is None else _told(before)), _told(after)
    different = [name for name in now if was.get(name) != now[name]]
    came, went = {}, {}
    rows_gone: dict[str, list[State]] = {}
    rows_new: dict[str, list[State]] = {}
    for table in _TABLES:
        rows_before = Counter(() if before is None else getattr(before, table))
        rows_after = Counter(getattr(after, table))
        new, gone = rows_after - rows_before, rows_before - rows_after
        came[table], went[table] = new.total(), gone.total()
        if before is not None and table in TOLD_WHOLE and (new or gone):
            rows_new[table], rows_gone[table] = _rows(new), _rows(gone)
    yield Change(
        "loaded",
        Subject("trial", after.trial.id),
        None if before is None else {name: was[name] for name in different} | _if_any("rows", rows_gone),
        {name: now[name] for name in different}
        | _if_any("rows", rows_new)
        | {"rows_added": _some(came), "rows_removed": _some(went)},
    )


def _told(package: TrialPackage) -> dict[str, Any]:
    technologies = {technology.id: asdict(technology) for technology in package.technologies}
    return asdict(package.trial) | {"technologies": technologies}


def _rows(rows: Counter[Any]) -> list[State]:
    return [asdict(row) for row in rows.elements()]


def _if_any(name: str, rows: dict[str, list[State]]) -> State:
    return {name: rows} if rows else {}


def _some(counts: Mapping[str, int]) -> dict[str, int]:
    return {table: count for table, count in counts.items() if count}
