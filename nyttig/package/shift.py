"""A package moved in time, so that an example becomes current."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from nyttig.column import columns_of
from nyttig.model import Entry, TrialPackage

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def shift(package: TrialPackage, days: int) -> TrialPackage:
    """The package with all dates and times `days` later (earlier, if negative); times keep their local clock.

    A clock time that the new day skips moves on by what was skipped. A span that would come to nothing that
    way keeps its length. Whole weeks keep the weekdays.
    """
    by = timedelta(days=days)
    zone = ZoneInfo(package.trial.timezone)

    def dates(noun: Any, *names: str) -> Any:
        moved = {name: getattr(noun, name) for name in names}
        return replace(noun, **{name: day + by for name, day in moved.items() if day is not None})

    def span(noun: Any, start: str, end: str) -> Any:
        begins, ends = getattr(noun, start), getattr(noun, end)
        moved_start = _later(begins, by, zone)
        if ends is None:
            return replace(noun, **{start: moved_start})
        moved_end = _later(ends, by, zone)
        if moved_end < moved_start or (moved_end == moved_start and ends > begins):
            moved_end = moved_start + (ends - begins)
        return replace(noun, **{start: moved_start, end: moved_end})

    def version(entry: Entry) -> Entry:
        return replace(
            entry,
            data=None if entry.data is None else _entered(entry.data, by),
            entered_at=None if entry.entered_at is None else _later(entry.entered_at, by, zone),
        )

    return replace(
        package,
        trial=replace(
            dates(package.trial, "starts", "ends"),
            gains=tuple(_entered(gain, by) for gain in package.trial.gains),
        ),
        homes=tuple(
            dates(each, "asked_on", "consented_on", "installed_on", "ended_on") for each in package.homes
        ),
        devices=tuple(
            each if each.retired_at is None else replace(each, retired_at=_later(each.retired_at, by, zone))
            for each in package.devices
        ),
        placements=tuple(span(each, "placed_at", "removed_at") for each in package.placements),
        pauses=tuple(span(each, "paused_from", "paused_to") for each in package.pauses),
        schedules=tuple(dates(each, "from_day", "to_day") for each in package.schedules),
        units=tuple(dates(each, "invited_on", "joined_on") for each in package.units),
        visits=tuple(span(each, "started_at", "ended_at") for each in package.visits),
        measures=tuple(dates(each, "measured_on") for each in package.measures),
        entries=tuple(version(each) for each in package.entries),
        versions=tuple(version(each) for each in package.versions),
    )


def _entered(data: Any, by: timedelta) -> Any:
    """What was entered, with the days in it later; so is a list of days."""
    kinds = {column.name: column.kind for column in columns_of(type(data))}
    moved: dict[str, Any] = {}
    for name, kind in kinds.items():
        value = getattr(data, name)
        if kind == "date" and value is not None:
            moved[name] = value + by
        elif name == "measure_on" and value is not None:
            moved[name] = _DAY.sub(lambda found: (date.fromisoformat(found[0]) + by).isoformat(), value)
    return replace(data, **moved)


def _later(moment: datetime, by: timedelta, zone: ZoneInfo) -> datetime:
    local = moment.astimezone(zone)
    return (local + by).replace(fold=local.fold).astimezone(UTC)
