"""The days behind a figure are the same whether hours or folds are read, of one home or of all."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from conftest import Database
from test_report_folded import DAYS, STARTS, said, trial
from told import tell

from nyttig import folding
from nyttig.evidence import evidence
from nyttig.explain import explained_days
from nyttig.package.technologies import builtin_technologies
from nyttig.store import db, registry


@pytest.mark.parametrize("seed", range(4))
def test_the_days_behind_a_figure_are_the_same_from_folds_and_of_one_home(
    embedded_database: Database, seed: int
) -> None:
    chance = random.Random(seed)
    package = trial(chance, f"days-{seed}")
    as_of = STARTS + timedelta(days=DAYS - 2, hours=7, minutes=20)
    with db.connect(embedded_database.conninfo) as connection:
        registry.save(connection, package, builtin_technologies())
        connection.commit()
        tell(connection, said(chance, package, DAYS))
        folding.fold_all(connection, as_of - timedelta(days=3))
        everything = explained_days(evidence(connection, package.trial.id, as_of))
        folded = evidence(connection, package.trial.id, as_of, folded=True)
        assert explained_days(folded, connection=connection) == everything
        assert sum(day.events_total for day in everything) > 0
        for home in {day.home for day in everything}:
            own = evidence(connection, package.trial.id, as_of, folded=True, home=home)
            assert set(own.exposures["home"]) == {home}
            told = explained_days(own, home=home, connection=connection)
            assert told == [day for day in everything if day.home == home]
        from_day = (STARTS + timedelta(days=5)).date()
        asked = explained_days(folded, state="KN", from_day=from_day, connection=connection)
        assert asked == [day for day in everything if day.state in "KN" and day.day >= from_day]
