"""Local days as cells: what covers them and what is counted in them, minute by minute, over both changes of the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nyttig.figures.local_days import local_days
from nyttig.figures.minutes import NEVER, united

SPANS = {"spring": datetime(2026, 3, 28, 20, tzinfo=UTC), "autumn": datetime(2026, 10, 24, 20, tzinfo=UTC)}
LENGTH = 4 * 1440

minute = st.integers(0, LENGTH)
stretch = st.tuples(minute, minute)


@settings(max_examples=150, deadline=None)
@given(
    season=st.sampled_from(sorted(SPANS)),
    exposed=st.lists(st.tuples(st.sampled_from([-1, 0, 1]), stretch), max_size=4),
    covering=st.lists(st.tuples(st.sampled_from([-1, 0, 1, 2]), stretch), max_size=5),
    moments=st.lists(minute, max_size=8),
    zone=st.sampled_from(["Europe/Oslo", "Asia/Kathmandu"]),
)
def test_cells_hold_what_counting_minute_by_minute_finds(
    season: str,
    exposed: list[tuple[int, tuple[int, int]]],
    covering: list[tuple[int, tuple[int, int]]],
    moments: list[int],
    zone: str,
) -> None:
    begin = int(SPANS[season].timestamp()) // 60
    times = [[pd.Timestamp((begin + edge) * 60, unit="s", tz="UTC") for edge in span] for _, span in exposed]
    table = pd.DataFrame(times, columns=["from_at", "to_at"]).astype("datetime64[us, UTC]")
    days = local_days(table, zone)
    owner = np.array([whose for whose, _ in exposed], dtype=np.int64)
    numbers = np.array([(whose, *span) for whose, span in covering], dtype=np.int64).reshape(-1, 3)
    covered = days.covered(owner, numbers[:, 0], numbers[:, 1] + begin, numbers[:, 2] + begin)

    expected = []
    for place, (whose, (first, behind)) in enumerate(exposed):
        local = [
            datetime.fromtimestamp((begin + each) * 60, UTC).astimezone(pd.Timestamp(0, tz=zone).tz).date()
            for each in range(first, behind)
        ]
        for day in sorted(set(local)):
            minutes = [first + n for n, each in enumerate(local) if each == day]
            under = sum(
                any(whose >= 0 and whose == w and s <= each < e for w, (s, e) in covering) for each in minutes
            )
            expected.append((place, pd.Timestamp(day), minutes[0], minutes[-1] + 1, under))
    found = zip(
        days.exposure.tolist(), pd.DatetimeIndex(days.day), (days.start - begin).tolist(),
        (days.end - begin).tolist(), covered.tolist(), strict=True,
    )  # fmt: skip
    assert list(found) == expected

    inside = [(n, each) for n, (_, (s, e)) in enumerate(exposed) for each in moments if s <= each < e]
    pairs = np.array(inside, dtype=np.int64).reshape(-1, 2)
    counted = days.counted(pairs[:, 0], pairs[:, 1] + begin).tolist()
    assert counted == [sum(n == place and s <= m < e for n, m in inside) for place, _, s, e, _ in expected]


def test_a_stretch_without_an_end_covers_what_is_left_of_the_exposure() -> None:
    begin = SPANS["spring"]
    table = pd.DataFrame({"from_at": [begin], "to_at": [begin + timedelta(days=3)]})
    days = local_days(table, "Europe/Oslo")
    since = np.array([int(begin.timestamp()) // 60 + 60])
    covered = days.covered(np.array([0]), np.array([0]), since, np.array([NEVER]))
    assert int(covered.sum()) == 3 * 1440 - 60
    assert (days.end - days.start).tolist() == [180, 1380, 1440, 1320]  # a day of 23 hours among them


@pytest.mark.parametrize("apart", [0, 1])
def test_stretches_that_touch_are_one_and_those_of_others_are_not(apart: int) -> None:
    owner, start, end = united(np.array([1, 0, 0]), np.array([5, 10 + apart, 5]), np.array([9, 20, 10]))
    both = [(0, 5, 10), (0, 11, 20), (1, 5, 9)] if apart else [(0, 5, 20), (1, 5, 9)]
    assert list(zip(owner.tolist(), start.tolist(), end.tolist(), strict=True)) == both
