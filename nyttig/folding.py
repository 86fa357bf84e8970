"""Folding: rollups of years are kept as folds besides, so that a report reads hundreds of bytes and not a row an hour."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from nyttig.figures.heard import Fold, Hours, fold_hours
from nyttig.figures.minutes import SPAN, Integers, ranges
from nyttig.figures.proof import reach_minutes
from nyttig.model import Parameters
from nyttig.store import db, folds, registry, rollups
from nyttig.store.db import Session
from nyttig.store.folds import PERIOD_DAYS, Kept, KeptMany, Range

DAY_MINUTES = 1440
PERIOD_MINUTES = PERIOD_DAYS * DAY_MINUTES

SETTLED = timedelta(hours=3)
"""A day is folded so long after it is over: most of what comes late has come by then."""

AT_ONCE = 40
"""Folds made in one step: a tenth of a second's work."""

ROUND_EVERY_SECONDS = 1.0


class Misfolded(NamedTuple):
    """A fold that does not say what the rollups say: of a device's so many days from a day in UTC."""

    device: str
    first_day: date
    days: int


class Folder:
    """Keeps the folds behind the rollups, a little at a time."""

    def __init__(self) -> None:
        self._registry_at: datetime | None = None
        self._looked = False
        self._next_round = 0.0

    def fold(self, connection: Session, now: datetime, *, seconds: float = 0.2) -> int:
        """Some of what is due is folded and committed, for about so long and once a second at most; how much of it."""
        if time.monotonic() < self._next_round:
            return 0
        self._next_round = time.monotonic() + ROUND_EVERY_SECONDS
        self._forget_other_reaches(connection)
        ends = time.monotonic() + seconds
        total = 0
        while time.monotonic() < ends and (done := fold_due(connection, now, AT_ONCE)):
            total += done
        return total

    def _forget_other_reaches(self, connection: Session) -> None:
        """Folds under a heartbeat or tolerance that no longer holds hold nothing; looked at when the registry changed."""
        changed_at = registry.version(connection)
        if self._looked and changed_at == self._registry_at:
            return
        rollups.hold(connection)
        for device_id, reach, heartbeat, parameters in folds.reaches(connection):
            if reach != _reach(heartbeat, parameters):
                folds.forget(connection, device_id, reach)
        connection.commit()
        self._looked, self._registry_at = True, changed_at


def fold_due(connection: Session, now: datetime, limit: int) -> int:
    """Up to so many folds hold all settled days again, and that is committed; returns how many were behind."""
    rollups.hold(connection)
    behind = folds.due(connection, int((now - SETTLED).timestamp()) // 86_400, limit)
    if behind:
        wanted = [
            (each.device_id, each.period, each.days, _reach(each.heartbeat_minutes, each.parameters))
            for each in behind
        ]
        folds.write(connection, folded(connection, wanted))
    connection.commit()
    return len(behind)


def fold_all(connection: Session, now: datetime) -> int:
    """Nothing is due; returns how many folds were made."""
    total = 0
    while done := fold_due(connection, now, 500):
        total += done
    return total


def folded(connection: Session, wanted: Sequence[tuple[int, int, int, int]]) -> list[Kept]:
    """Folds made from the rollups as they are: of (device id, period, days, reach in minutes)."""
    columns = folds.hours(
        connection,
        [
            Range(device, period * PERIOD_MINUTES, period * PERIOD_MINUTES + days * DAY_MINUTES)
            for device, period, days, _ in wanted
        ],
    )
    reach = np.array([each[3] for each in wanted], dtype=np.int64)
    fold = fold_hours(Hours(*columns), reach)
    made = []
    for place, (device, period, days, its_reach) in enumerate(wanted):
        begins = period * PERIOD_MINUTES
        since = place * SPAN + begins
        stretches = _of(fold.stretch_of, place)
        uses = fold.uses[slice(*np.searchsorted(fold.uses, [since, since + PERIOD_MINUTES]))]
        more = slice(*np.searchsorted(fold.more_hours, [since, since + PERIOD_MINUTES]))
        turns = fold.turns[slice(*np.searchsorted(fold.turns, [2 * since, 2 * (since + PERIOD_MINUTES)]))]
        rows = _of(columns.range, place)
        day = (columns.hour_minute[rows] - begins) // DAY_MINUTES
        events = np.bincount(day, columns.events_total[rows], minlength=days)
        made.append(
            Kept(
                device_id=device,
                period=period,
                folded_days=days,
                reach_minutes=its_reach,
                stretches=_bytes(
                    np.column_stack([fold.first[stretches], fold.last[stretches]]) - begins, "<u2"
                ),
                uses=_bytes(uses - since, "<u2"),
                more_uses=_bytes(
                    np.column_stack([fold.more_hours[more] - since, fold.more_uses[more]]), "<i4"
                ),
                events=_bytes(events, "<u4"),
                turns=_bytes(turns - 2 * since, "<u4"),
            )
        )
    return made


def unfolded(kept: KeptMany) -> Fold:
    """The folds as minutes; stretches may reach each other from one period to the next."""
    begins = kept.period * PERIOD_MINUTES
    since = kept.device * SPAN + begins
    row = np.repeat(np.arange(len(begins)), kept.stretches_bytes // 4)
    stretches = np.frombuffer(kept.stretches, "<u2").reshape(-1, 2) + begins[row][:, None]
    uses = np.repeat(since, kept.uses_bytes // 2)
    uses += np.frombuffer(kept.uses, "<u2")
    more = np.frombuffer(kept.more_uses, "<i4").reshape(-1, 2).astype(np.int64)
    more_hours = np.repeat(since, kept.more_uses_bytes // 8) + more[:, 0]
    turns = np.repeat(2 * since, kept.turns_bytes // 4)
    turns += np.frombuffer(kept.turns, "<u4")
    return Fold(kept.device[row], stretches[:, 0], stretches[:, 1], uses, more_hours, more[:, 1], turns)


def total_events(kept: KeptMany) -> int:
    """Events of all folded days."""
    return int(np.frombuffer(kept.events, "<u4").sum(dtype=np.int64))


def events_by_day(kept: KeptMany, folds_: npt.NDArray[np.intp]) -> tuple[Integers, Integers, Integers]:
    """Device, UTC day since 1970 and events of every folded day of those folds (numbers of rows)."""
    first = (np.cumsum(kept.folded_days) - kept.folded_days)[folds_]
    row, place = ranges(first, first + kept.folded_days[folds_])
    day = kept.period[folds_][row] * PERIOD_DAYS + place - first[row]
    return kept.device[folds_][row], day, np.frombuffer(kept.events, "<u4")[place].astype(np.int64)


def differences(connection: Session, *, trial_id: str | None = None) -> list[Misfolded]:
    """Folds that are not what the rollups fold to; empty when all is well."""
    wrong = []
    with db.snapshot(connection):
        for part in _parts(folds.all_kept(connection, trial_id=trial_id), 500):
            made = folded(connection, [stored[:4] for _, stored in part])
            wrong += [
                Misfolded(
                    code, date(1970, 1, 1) + timedelta(days=stored.period * PERIOD_DAYS), stored.folded_days
                )
                for (code, stored), fresh in zip(part, made, strict=True)
                if stored != fresh
            ]
    return wrong


def _reach(heartbeat_minutes: float, parameters: dict[str, Any] | None) -> int:
    known = {field.name for field in fields(Parameters)}
    of_trial = Parameters(**{name: value for name, value in (parameters or {}).items() if name in known})
    return int(reach_minutes(pd.Series([heartbeat_minutes]), of_trial)[0])


def _of(owners: Integers, owner: int) -> slice:
    """Where the rows of one owner stand; they are sorted."""
    return slice(*np.searchsorted(owners, [owner, owner + 1]).tolist())


def _bytes(numbers: Integers, dtype: str) -> bytes:
    return np.ascontiguousarray(numbers).astype(dtype).tobytes()


def _parts(rows: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for begin in range(0, len(rows), size):
        yield rows[begin : begin + size]
