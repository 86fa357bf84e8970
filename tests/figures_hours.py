"""Hours of messages and exposures for the tests of the figures, written as times at which devices were heard."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
from hypothesis import strategies as st

OSLO = ZoneInfo("Europe/Oslo")
MINUTE = timedelta(minutes=1)


def oslo(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=OSLO).astimezone(UTC)


def every(minutes: float, begin: datetime, end: datetime) -> list[datetime]:
    return [
        begin + n * timedelta(minutes=minutes) for n in range(math.ceil((end - begin) / MINUTE / minutes))
    ]


def hours(
    heard: Mapping[str, Iterable[datetime]], uses: Mapping[str, Iterable[datetime]] | None = None
) -> pd.DataFrame:
    """The rollups of these messages and uses; a use is a message too."""
    uses = {device: list(times) for device, times in (uses or {}).items()}
    rows: dict[tuple[str, datetime], list[int]] = {}
    for device in {*heard, *uses}:
        for at in [*heard.get(device, []), *uses.get(device, [])]:
            row = rows.setdefault((device, at.replace(minute=0, second=0, microsecond=0)), [0, 0, 0])
            row[0] |= 1 << at.minute
        for at in uses.get(device, []):
            row = rows[device, at.replace(minute=0, second=0, microsecond=0)]
            row[1] += 1
            row[2] |= 1 << at.minute
    table = pd.DataFrame(
        [(device, hour, *row) for (device, hour), row in rows.items()],
        columns=["device", "hour", "alive_minutes", "uses", "use_minutes"],
    )
    return table.assign(hour=pd.to_datetime(table["hour"], utc=True))


def with_armed(table: pd.DataFrame, turns: Mapping[str, Sequence[int]]) -> pd.DataFrame:
    """The rollups with armed_minutes: a device turns on, off, on … in those minutes; before the first nobody knows."""
    masks = []
    for device, hour in zip(table["device"], table["hour"], strict=True):
        begin, theirs = int(hour.timestamp()) // 60, turns.get(device, [])
        known = any(turn < begin + 60 for turn in theirs)
        masks.append(sum(is_armed(begin + m, theirs) << m for m in range(60)) if known else None)
    return table.assign(armed_minutes=pd.array(masks, dtype="Int64"))


def is_armed(minute: int, turns: Sequence[int]) -> bool:
    return sum(turn <= minute for turn in turns) % 2 == 1


def called(raised: Mapping[str, Iterable[int]], handled: Mapping[str, Sequence[int]]) -> pd.DataFrame:
    """Alarms raised in those minutes, each handled in the first of those after it, if within a day."""
    rows = []
    for device, times in raised.items():
        for call in sorted(set(times)):
            answers = [one for one in sorted(handled.get(device, [])) if call < one <= call + 1440]
            done = (at(answers[0]), "staff") if answers else (None, None)
            rows.append((device, at(call), "citizen", *done))
    table = pd.DataFrame(
        rows, columns=["device", "raised_at", "raised_by", "handled_at", "handled_by"], dtype="object"
    )
    return table.assign(
        **{name: pd.to_datetime(table[name], utc=True) for name in ("raised_at", "handled_at")}
    )


Exposure = tuple[str, str, datetime, datetime, float]
"""home, device, from, to, heartbeat minutes"""


def exposed(*rows: Exposure) -> pd.DataFrame:
    return pd.DataFrame(
        [(home, "Bydel Alna", *rest) for home, *rest in rows],
        columns=["home", "unit", "device", "from_at", "to_at", "heartbeat_minutes"],
    )


# --- Days of random minutes, and the definition of proof of life ---------------------------------

BEGIN = int(oslo("2026-03-28").timestamp()) // 60
"""The day before the change to summer time."""
LENGTH = 4 * 1440

minute = st.integers(BEGIN - 400, BEGIN + LENGTH + 100)
stretch = st.tuples(minute, minute).map(lambda pair: (min(pair), max(pair)))
near = st.integers(BEGIN + 1440, BEGIN + 1440 + 200)  # crowded around a midnight
heartbeat = st.sampled_from([0.5, 1, 2, 7, 19, 20, 45, 60, 200, 1500])


def at(minute: int) -> datetime:
    return datetime.fromtimestamp(minute * 60, UTC)


def under_proof(t: int, heard: Iterable[int], reach: int, outages: Sequence[tuple[int, int]] = ()) -> bool:
    """Whether minute t is covered; `outages` lie apart."""
    return any(
        m <= t < m + reach and not any(m < began <= t < ended for began, ended in outages) for m in heard
    )


def apart(outages: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The outages in order, those that touch or overlap as one."""
    found: list[tuple[int, int]] = []
    for began, ended in sorted(outages):
        if found and began <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], ended))
        else:
            found.append((began, ended))
    return found
