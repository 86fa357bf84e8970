"""Hours are the same whether they are looked for device by device or read by time."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from conftest import Database
from figures_hours import oslo
from packages import one_home
from told import beats, save, tell, uses

from nyttig.store import db, folds

BEGIN = oslo("2026-09-01")


def test_hours_read_by_time_are_those_that_each_device_has(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with db.connect(database.conninfo) as store:
        save(store, one_home("medicine_dispenser", homes=3))
        tell(
            store,
            beats("d1", BEGIN, BEGIN + timedelta(days=2), timedelta(minutes=50)),
            beats("d2", BEGIN + timedelta(hours=30), BEGIN + timedelta(days=2), timedelta(hours=3)),
            beats("d3", BEGIN, BEGIN + timedelta(days=2)),
            uses("d1", BEGIN + timedelta(hours=33)),
        )
        ids = folds.ids(store, ["d1", "d2"])
        begin = int(BEGIN.timestamp()) // 60
        shared, own = (begin + 25 * 60, begin + 40 * 60), (begin, begin + 5 * 60)
        asked = [(ids["d2"], *shared), (ids["d1"], *own), (ids["d1"], *shared)]
        apart = folds.hours(store, np.array(asked))
        assert len(apart.range) > 20
        assert int(apart.uses.sum()) == 1
        read: list[int] = []
        by_time = folds._hours_of_time
        monkeypatch.setattr(folds, "_hours_of_time", lambda *told: read.append(1) or by_time(*told))
        monkeypatch.setattr(folds, "SHARED_BY", 2)
        together = folds.hours(store, np.array(asked))
        assert read
    for one, other in zip(apart, together, strict=True):
        assert one.tolist() == other.tolist()
