"""The days behind a figure are the same whether hours or folds are read, of one home or of all, of some days or of all."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from conftest import Database
from test_report_folded import DAYS, STARTS, moment, said, trial
from told import tell

from nyttig import explain, folding
from nyttig.errors import NyttigError
from nyttig.evidence import evidence
from nyttig.explain import explained_days
from nyttig.model import TrialPackage
from nyttig.package.technologies import builtin_technologies
from nyttig.store import db, platform, registry
from nyttig.store.platform import Outage

AS_OF = STARTS + timedelta(days=DAYS - 2, hours=7, minutes=20)


def filled(connection: db.Session, chance: random.Random, package: TrialPackage) -> None:
    """The store holds what the devices said, some of it folded, with an outage, and gaps in what they numbered."""
    registry.save(connection, package, builtin_technologies())
    began = moment(chance)
    platform.record(connection, Outage("session", began, began + timedelta(hours=9), True))
    tell(connection, said(chance, package, DAYS))
    for n, device in enumerate(package.devices):
        lost = moment(chance)
        ends = lost + timedelta(minutes=chance.choice([0, 50, 5000]))
        connection.execute(
            "INSERT INTO gaps (device_id, boot_id, first_seq, last_seq, from_at, to_at)"
            " SELECT id, 'b', %s, %s, %s, %s FROM devices WHERE code = %s",
            (n, n, lost, ends, device.device),
        )
    connection.commit()
    folding.fold_all(connection, AS_OF - timedelta(days=3))


@pytest.mark.parametrize("zone", ["Europe/Oslo", "Asia/Kolkata"])
@pytest.mark.parametrize("can_be_worn", [True, False])
@pytest.mark.parametrize("seed", range(2))
def test_the_days_behind_a_figure_are_the_same_from_folds_of_one_home_and_of_some_days(
    embedded_database: Database, seed: int, can_be_worn: bool, zone: str
) -> None:
    chance = random.Random(seed)
    package = trial(chance, f"days-{seed}")
    technology = "safety_alarm" if can_be_worn else "door_sensor"
    package = replace(
        package,
        trial=replace(package.trial, timezone=zone),
        devices=tuple(replace(device, technology=technology) for device in package.devices),
    )
    name = package.trial.id
    with db.connect(embedded_database.conninfo) as connection:
        filled(connection, chance, package)
        everything = explained_days(evidence(connection, name, AS_OF))
        folded = evidence(connection, name, AS_OF, folded=True)
        assert explained_days(folded, connection=connection) == everything
        assert sum(day.events_total for day in everything) > 0
        homes = {day.home for day in everything}
        periods = [(None, None), (date.min, date.max)]
        for _ in range(6):
            periods.append((moment(chance).date(), chance.choice([None, moment(chance).date()])))
        for home in (None, *homes):
            for from_day, to_day in periods:
                by_hour = chance.random() < 0.5
                own = evidence(connection, name, AS_OF, folded=not by_hour, home=home, from_day=from_day)
                assert home is None or set(own.exposures["home"]) == {home}
                state = chance.choice([None, "KN"])
                told = explained_days(
                    own,
                    home=home,
                    state=state,
                    from_day=from_day,
                    to_day=to_day,
                    connection=None if by_hour else connection,
                )
                assert told == [
                    day
                    for day in everything
                    if home in (None, day.home)
                    and (state is None or day.state in state)
                    and (from_day or date.min) <= day.day <= (to_day or date.max)
                ]


def test_a_day_shows_every_gap_that_touches_it(database: Database) -> None:
    chance = random.Random(7)
    package = trial(chance, "gaps")
    zone = ZoneInfo(package.trial.timezone)
    with db.connect(database.conninfo) as connection:
        filled(connection, chance, package)
        found = evidence(connection, "gaps", AS_OF, folded=True)
        days = explained_days(found, connection=connection)
    seen = 0
    for day in days:
        begins, ends = (
            datetime(each.year, each.month, each.day, tzinfo=zone)
            for each in (day.day, day.day + timedelta(days=1))
        )
        gaps = found.gaps[found.gaps["device"] == day.device]
        touching = gaps[(gaps["from_at"] < ends) & (gaps["to_at"] >= begins)]
        assert [(gap.from_at, gap.to_at) for gap in day.gaps] == [
            *zip(touching["from_at"], touching["to_at"], strict=True)
        ]
        seen += len(day.gaps)
    assert seen > 3


def test_more_days_than_one_answer_holds_are_refused_and_told_how_to_be_had(
    embedded_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(1)
    package = trial(chance, "many")
    with db.connect(embedded_database.conninfo) as connection:
        filled(connection, chance, package)
        found = evidence(connection, "many", AS_OF, folded=True)
        days = explained_days(found, connection=connection)
        monkeypatch.setattr(explain, "DAYS_MAX", len(days) - 1)
        with pytest.raises(
            NyttigError, match=f"{len(days)} device-days are more than .* by home, .*nyttig export many"
        ):
            explained_days(found, connection=connection)
        home = days[0].home
        assert explained_days(found, home=home, connection=connection)
        monkeypatch.setattr(explain, "DAYS_MAX", len(days))
        assert explained_days(found, connection=connection) == days
