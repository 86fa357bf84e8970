"""A package moved in time, so that an example becomes current."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from nyttig.model import TrialPackage


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

    return replace(
        package,
        trial=dates(package.trial, "starts", "ends"),
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
    )


def _later(moment: datetime, by: timedelta, zone: ZoneInfo) -> datetime:
    local = moment.astimezone(zone)
    return (local + by).replace(fold=local.fold).astimezone(UTC)
