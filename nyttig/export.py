"""Exporting a trial: everything its report rests on, as a package that loads again to the same digits."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from nyttig import __version__
from nyttig.package.columns import EVENT_SCHEMA, OUTAGE_SCHEMA
from nyttig.package.write import write
from nyttig.report import DEFINITIONS_VERSION, report
from nyttig.store import db, entries, events, platform, registry
from nyttig.store.db import Session


def export(
    connection: Session, trial_id: str, folder: Path, *, formats: Collection[str], now: datetime
) -> None:
    """`folder` holds the trial package with all events, and a manifest that says what is in it and what is missing.

    Everything is read from one snapshot of the store. Raises NotFoundError, and PackageError where the folder
    is not empty or a format unknown.
    """
    with db.translated(), db.snapshot(connection):
        package = registry.read(connection, trial_id)
        package = replace(package, versions=entries.carried(connection, package))
        made = report(connection, trial_id, now)
        outages = platform.outages(connection, trial_id=trial_id)
        columns = [
            [outage.cause for outage in outages],
            [outage.began_at for outage in outages],
            [outage.ended_at for outage in outages],
            [outage.lossy for outage in outages],
        ]
        arrays = [pa.array(column, field.type) for column, field in zip(columns, OUTAGE_SCHEMA, strict=True)]
        write(
            package,
            folder,
            formats=formats,
            events=events.stream(connection, trial_id, EVENT_SCHEMA),
            outages=pa.Table.from_arrays(arrays, schema=OUTAGE_SCHEMA),
            extra_manifest={
                "nyttig": {
                    "version": __version__,
                    "definitions_version": DEFINITIONS_VERSION,
                    "as_of": now.isoformat(),
                    "timezone": package.trial.timezone,
                    "period": {
                        "first_day": made.first_day.isoformat(),
                        "last_day": made.last_day.isoformat(),
                    },
                    "observability": made.use_day_rate_all_days.observability,
                    "unknown_device_days": made.use_day_rate_all_days.unknown_days,
                    "gaps": [
                        {
                            "home": silence.home,
                            "from": silence.from_at.isoformat(),
                            "to": None if silence.to_at is None else silence.to_at.isoformat(),
                            "devices": silence.devices,
                        }
                        for silence in made.silences
                    ],
                }
            },
        )
