"""Placements: where each device stands, from when to when. A device is in one place at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from psycopg import Connection

from nyttig.errors import ClashError, NotFoundError
from nyttig.model import Placement, RetireReason
from nyttig.saying import Saying
from nyttig.store import devices, history
from nyttig.store.devices import RegisteredDevice, moment
from nyttig.store.history import Subject


def of_device(connection: Connection[Any], device: str) -> list[Placement]:
    """Where the device stood and stands, the first placement first. Raises NotFoundError."""
    devices.one(connection, device)
    rows = connection.execute(
        "SELECT d.code, s.code, p.placed_at, p.removed_at FROM placements p JOIN devices d ON d.id = p.device_id"
        " JOIN sites s ON s.id = p.site_id WHERE d.code = %s ORDER BY p.placed_at",
        (device,),
    ).fetchall()
    return [Placement(*row) for row in rows]


def place(
    connection: Connection[Any],
    device: str,
    home: str,
    placed_at: datetime,
    *,
    by: str,
    removed_at: datetime | None = None,
) -> None:
    """The device stands at the home from `placed_at` (until `removed_at`, where given), in the current transaction.

    Raises NotFoundError, and ClashError naming what it clashes with: another placement of the device, or its
    retirement.
    """
    history.lock(connection)
    _require_in_service(devices.one(connection, device))
    _require_site(connection, home)
    _require_order(placed_at, removed_at)
    _require_free(connection, device, placed_at, removed_at)
    _insert(connection, device, home, placed_at, removed_at)
    history.record(
        connection,
        by=by,
        action="placed",
        subject=Subject("device", device),
        before=None,
        after={"home": home, "placed_at": placed_at, "removed_at": removed_at},
    )


def remove(connection: Connection[Any], device: str, at: datetime, *, by: str) -> str:
    """The device stands nowhere from `at` on, in the current transaction; returns the home it stood at.

    Raises NotFoundError, and ClashError where it does not stand anywhere then.
    """
    history.lock(connection)
    standing = _standing(connection, device, at)
    _end(connection, standing, at)
    history.record(
        connection,
        by=by,
        action="removed",
        subject=Subject("device", device),
        before=_told(standing),
        after=_told(standing) | {"removed_at": at},
    )
    return standing.home


def move(connection: Connection[Any], device: str, home: str, at: datetime, *, by: str) -> str:
    """The device stands at `home` from `at` on and no longer where it stood; in the current transaction.

    Returns the home it came from. Raises NotFoundError, and ClashError where it stands nowhere then, or there
    already.
    """
    history.lock(connection)
    _require_in_service(devices.one(connection, device))
    _require_site(connection, home)
    standing = _standing(connection, device, at)
    if standing.home == home:
        raise ClashError(
            "{device!r} stands at {home} already, since {time}",
            device=device,
            home=home,
            time=moment(standing.placed_at),
        )
    _end(connection, standing, at)
    _insert(connection, device, home, at, None)
    history.record(
        connection,
        by=by,
        action="moved",
        subject=Subject("device", device),
        before=_told(standing),
        after={"home": home, "placed_at": at, "removed_at": None},
    )
    return standing.home


def swap(
    connection: Connection[Any],
    old: str,
    new: str,
    at: datetime,
    *,
    by: str,
    retire_because: RetireReason | None = None,
) -> str:
    """From `at` on, `new` stands where `old` stood, in the same trials with the same roles; in the current transaction.

    The home's series goes on: until `at` it is what the old device says, from then on what the new one says. With
    `retire_because` the old device is retired in the same step. Returns the home. Raises NotFoundError, and
    ClashError where the old one stands nowhere then, or the new one is retired, stands somewhere, or is of
    another technology.
    """
    history.lock(connection)
    going, coming = devices.one(connection, old), devices.one(connection, new)
    if old == new:
        raise ClashError("{device!r} cannot be swapped for itself; name the new device", device=old)
    _require_in_service(coming)
    if coming.technology != going.technology:
        raise ClashError(
            "{new!r} is a {technology} and {old!r} a {old_technology}; a swap keeps the technology",
            new=new,
            technology=coming.technology,
            old=old,
            old_technology=going.technology,
        )
    standing = _standing(connection, old, at)
    _require_free(connection, new, at, None)
    if retire_because is None:
        _end(connection, standing, at)
    else:
        devices.retire(connection, old, retire_because, at, by=by)
    devices.join(connection, new, going.roles)
    _insert(connection, new, standing.home, at, None)
    history.record(
        connection,
        by=by,
        action="swapped_out",
        subject=Subject("device", old),
        before=_told(standing),
        after=_told(standing) | {"removed_at": at, "replaced_by": new},
    )
    history.record(
        connection,
        by=by,
        action="swapped_in",
        subject=Subject("device", new),
        before={"roles": coming.roles},
        after={
            "home": standing.home,
            "placed_at": at,
            "replaces": old,
            "roles": coming.roles | going.roles,
        },
    )
    return standing.home


def correct(
    connection: Connection[Any], device: str, placed_at: datetime, to: Placement | None, *, by: str
) -> None:
    """What was put down wrongly stands right: the device's placement that began at `placed_at` is `to`, or there was
    none (None); in the current transaction. What stood there before is in the history.

    Raises NotFoundError, and ClashError where no placement began then, or `to` clashes with another one or with the
    device's retirement.
    """
    history.lock(connection)
    found = devices.one(connection, device)
    stood = of_device(connection, device)
    wrong = next((each for each in stood if each.placed_at == placed_at), None)
    if wrong is None:
        began = ", ".join(f"{each.placed_at.isoformat()} at {each.home}" for each in stood) or "none"
        raise ClashError(
            "no placement of {device!r} began at {time}; there are: {began}",
            device=device,
            time=placed_at.isoformat(),
            began=began,
        )
    if to is not None:
        _require_site(connection, to.home)
        _require_order(to.placed_at, to.removed_at)
        if found.retired_at is not None and (to.removed_at is None or to.removed_at > found.retired_at):
            raise ClashError(
                "{device!r} is retired since {time} and stands nowhere after that; say until when",
                device=device,
                time=moment(found.retired_at),
            )
        _require_free(connection, device, to.placed_at, to.removed_at, besides=wrong)
    connection.execute(
        "DELETE FROM placements WHERE placed_at = %s AND device_id = (SELECT id FROM devices WHERE code = %s)",
        (placed_at, device),
    )
    if to is not None:
        _insert(connection, device, to.home, to.placed_at, to.removed_at)
    history.record(
        connection,
        by=by,
        action="corrected",
        subject=Subject("device", device),
        before=_told(wrong),
        after=None if to is None else _told(to),
    )


def write(
    connection: Connection[Any], ended: Iterable[tuple[str, datetime]], begun: Sequence[Placement]
) -> None:
    """Where these devices stand now they stand until then, and the placements begin; in the current transaction.

    What may be written was checked before, under the lock; nothing is recorded.
    """
    with connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE placements p SET removed_at = %s FROM devices d"
            " WHERE d.id = p.device_id AND d.code = %s AND p.removed_at IS NULL",
            [(at, device) for device, at in ended],
        )
        cursor.executemany(
            "INSERT INTO placements (device_id, site_id, placed_at, removed_at)"
            " SELECT d.id, s.id, %s, %s FROM devices d, sites s WHERE d.code = %s AND s.code = %s",
            [(each.placed_at, each.removed_at, each.device, each.home) for each in begun],
        )


def _told(placement: Placement) -> dict[str, Any]:
    return {
        "home": placement.home,
        "placed_at": placement.placed_at,
        "removed_at": placement.removed_at,
    }


def _require_in_service(device: RegisteredDevice) -> None:
    if device.retired_at is not None:
        raise ClashError(
            "{device!r} is retired since {time} ({retired_because}); take it into service again first, or choose another device",
            device=device.device,
            time=moment(device.retired_at),
            retired_because=device.retired_because,
        )


def _require_site(connection: Connection[Any], home: str) -> None:
    if connection.execute("SELECT FROM sites WHERE code = %s", (home,)).fetchone() is None:
        raise NotFoundError(
            "there is no home {home!r}; homes come with a trial's package (homes.csv)", home=home
        )


def _require_order(placed_at: datetime, removed_at: datetime | None) -> None:
    if removed_at is not None and removed_at <= placed_at:
        raise ClashError(
            "{time} is not after {first_time}; check both times",
            time=moment(removed_at),
            first_time=moment(placed_at),
        )


def _require_free(
    connection: Connection[Any],
    device: str,
    from_at: datetime,
    to_at: datetime | None,
    *,
    besides: Placement | None = None,
) -> None:
    for standing in of_device(connection, device):
        if standing == besides:
            continue
        if (to_at is None or standing.placed_at < to_at) and (
            standing.removed_at is None or standing.removed_at > from_at
        ):
            if standing.placed_at >= from_at:
                remedy = Saying("say until when it is to stand there before that, or correct the time")
            elif standing.removed_at is None:
                remedy = Saying("move it, or remove it from there first")
            else:
                remedy = Saying("correct the time")
            raise ClashError(
                "{device!r} stands at {home} {span}; {remedy}",
                device=device,
                home=standing.home,
                span=_span(standing),
                remedy=remedy,
            )


def _standing(connection: Connection[Any], device: str, at: datetime) -> Placement:
    """The device's placement that goes on at `at`. Raises ClashError where there is none, or another comes later."""
    stood = of_device(connection, device)
    if not stood:
        raise ClashError("{device!r} was never placed anywhere; place it first", device=device)
    last = stood[-1]
    if last.removed_at is not None:
        raise ClashError(
            "{device!r} stands nowhere: it stood at {home} {span}; place it, or correct that placement",
            device=device,
            home=last.home,
            span=_span(last),
        )
    if at <= last.placed_at:
        raise ClashError(
            "{device!r} stands at {home} {span}, and {time} is not after that; correct the time",
            device=device,
            home=last.home,
            span=_span(last),
            time=moment(at),
        )
    return last


def _span(placement: Placement) -> Saying:
    """From when to when, in words."""
    if placement.removed_at is None:
        return Saying("since {time}", time=moment(placement.placed_at))
    return Saying(
        "from {time} to {end_time}", time=moment(placement.placed_at), end_time=moment(placement.removed_at)
    )


def _end(connection: Connection[Any], standing: Placement, at: datetime) -> None:
    connection.execute(
        "UPDATE placements SET removed_at = %s WHERE placed_at = %s"
        " AND device_id = (SELECT id FROM devices WHERE code = %s)",
        (at, standing.placed_at, standing.device),
    )


def _insert(
    connection: Connection[Any], device: str, home: str, placed_at: datetime, removed_at: datetime | None
) -> None:
    connection.execute(
        "INSERT INTO placements (device_id, site_id, placed_at, removed_at)"
        " SELECT d.id, s.id, %s, %s FROM devices d, sites s WHERE d.code = %s AND s.code = %s",
        (placed_at, removed_at, device, home),
    )
