"""Demo apartments: what is shown and tried there. Never part of a trial's figures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pandas as pd

from nyttig.device_health import device_health
from nyttig.health.findings import Status
from nyttig.store import db, registry, rollups
from nyttig.store import sites as sites_known
from nyttig.store.db import Session


@dataclass(frozen=True, slots=True)
class ShownDevice:
    """One device of a demo apartment: per day how often staff demonstrated it and visitors used it."""

    device: str
    technology: str
    technology_titles: dict[str, str]
    status: Status
    demonstrations: tuple[int, ...]
    visitor_uses: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DemoSite:
    """One demo apartment over the last days, local to its time zone."""

    site: str
    unit: str
    timezone: str
    days: tuple[date, ...]
    devices: tuple[ShownDevice, ...]


def demo_sites(connection: Session, now: datetime, *, days: int = 56) -> tuple[DemoSite, ...]:
    """All demo apartments with what happened there on the last `days` local days since they were furnished, with today.

    Those in which nothing stands come last.
    """
    health = device_health(connection, now)
    sites: dict[str, list[str]] = {}
    for device in health.devices:
        if device.site_type == "demo":
            sites.setdefault(device.site, []).append(device.device)
    by_code = {device.device: device for device in health.devices}
    found = []
    with db.translated():
        for site, codes in sorted(sites.items()):
            first = by_code[codes[0]]
            timezone = registry.timezone(connection, first.trials[0]) if first.trials else "UTC"
            zone = ZoneInfo(timezone)
            today = now.astimezone(zone).date()
            furnished = min(by_code[code].placed_at for code in codes).astimezone(zone).date()
            length = min(days, (today - furnished).days + 1)
            shown = [today - timedelta(days=back) for back in range(length - 1, -1, -1)]
            begins = datetime.combine(shown[0], time(), zone).astimezone(UTC)
            hours = rollups.read(connection, codes, begins, now)
            hours["day"] = hours["hour"].dt.tz_convert(timezone).dt.date
            sums = hours.groupby(["device", "day"])[["uses", "other_uses"]].sum()
            found.append(
                DemoSite(
                    site,
                    first.unit,
                    timezone,
                    tuple(shown),
                    tuple(
                        ShownDevice(
                            code,
                            by_code[code].technology,
                            by_code[code].technology_titles,
                            by_code[code].status,
                            _per_day(sums, code, "other_uses", shown),
                            _per_day(sums, code, "uses", shown),
                        )
                        for code in sorted(codes, key=lambda code: (by_code[code].technology, code))
                    ),
                )
            )
        bare = [each for each in sites_known.demo_homes(connection) if each.site not in sites]
    found += [DemoSite(each.site, each.unit, each.timezone, (), ()) for each in bare]
    return tuple(found)


def _per_day(sums: pd.DataFrame, code: str, column: str, days: list[date]) -> tuple[int, ...]:
    counts = sums[column].to_dict()
    return tuple(int(counts.get((code, day), 0)) for day in days)
