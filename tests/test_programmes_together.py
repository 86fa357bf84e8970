"""What several units show of the same gain stands side by side, and is taken together only where that can be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from statistics import fmean, stdev
from typing import Any

import pytest
from scipy import stats

from nyttig.entries.life import Transfer
from nyttig.figures.adoption import Coverage, UseDayRate
from nyttig.figures.gates import Outcome
from nyttig.figures.ordinal import ordinal
from nyttig.figures.pooled import pool, unit_estimate
from nyttig.gains import Change
from nyttig.model import Entry
from nyttig.programmes import programme
from nyttig.report import TrialFacts
from nyttig.side_by_side import (
    GainInTrial,
    GainTogether,
    GateStanding,
    TransferSeen,
    TrialInProgramme,
    TrialPart,
    UnitAdoption,
    seen_by,
    together,
)

ALNA, GAMLE_OSLO, SAGENE = "Bydel Alna", "Bydel Gamle Oslo", "Bydel Sagene"
FIRST = {ALNA: (-30.0, -22.0, -41.0, -18.0, -25.0), GAMLE_OSLO: (-4.0, -12.0, -9.0, 2.0, -7.0, -11.0)}
SECOND = {SAGENE: (-15.0, -21.0, -9.0, -17.0, -30.0)}
RATE = UseDayRate(0, 0, 0, 0, 0, 0, 0, None, None, None, None, "nothing")
COVERAGE = Coverage(0, 0, None)
Changes = Mapping[str, Sequence[float]]


def part(trial: str, changes: Changes, *, technology: str = "medicine_dispenser", **said: Any) -> TrialPart:
    """A trial with one gain, and these changes in the homes of its units."""
    facts = TrialFacts(
        id=trial, title=trial, programme="Oslo+", units=tuple(changes), technology=technology, technology_titles={},
        usage_class="scheduled", timezone="Europe/Oslo", currency=said.pop("currency", "NOK"),
        starts=date(2026, 9, 1), ends=None,
    )  # fmt: skip
    holds: Outcome = said.pop("useful", "cannot_tell")
    gates = (
        *(GateStanding("new", unit, "passed", "first_in_unit", "passed", False) for unit in changes),
        GateStanding("useful", None, holds, "nothing_measured", holds, False),
        GateStanding("put_to_use", None, "not_passed", "not_handed_over", "not_passed", False),
    )
    quoted = Change("before_after", "before_after", 1, 9, -9.0, -12.0, -6.0, 0.01, ())
    gain = {
        "id": "g", "title": "Fewer minutes", "type": "time", "perspective": "organisation", "indicator": "minutes",
        "better": "lower", "target": None, "planned": True, "uncertain": False, "change": quoted, "answers": None,
    }  # fmt: skip
    told = TrialInProgramme(
        facts, datetime(2026, 11, 22, tzinfo=UTC), 11, None, gates, RATE, COVERAGE, None,
        tuple(UnitAdoption(unit, 5, RATE, COVERAGE, None) for unit in changes), (GainInTrial(**{**gain, **said}),),
    )  # fmt: skip
    transfers = tuple(
        TransferSeen(trial, technology, {}, "e", 1, Transfer(origin_unit=here, receiving_unit=there, status="agreed"))
        for here, there in zip(list(changes), list(changes)[1:], strict=False)
    )  # fmt: skip
    return TrialPart(told, {"g": {unit: tuple(each) for unit, each in changes.items()}}, transfers)


def gathered(*parts: TrialPart) -> list[GainTogether]:
    return list(together(parts))


def test_the_units_of_a_trial_are_pooled_as_its_benefit_pools_them() -> None:
    (found,) = gathered(part("a", FIRST))
    assert found.pooled == pool([unit_estimate(unit, changes) for unit, changes in FIRST.items()])
    assert found.pooled.random is not None
    for row in found.units:
        changes = FIRST[row.unit]
        half = stats.t.ppf(0.975, len(changes) - 1) * stdev(changes) / len(changes) ** 0.5
        assert row.estimate == pytest.approx(fmean(changes))
        assert (row.low, row.high) == pytest.approx((fmean(changes) - half, fmean(changes) + half))
        assert (row.level, row.pooled) == (1, True)


def test_a_unit_with_few_homes_stands_beside_the_others_without_an_interval_and_outside_the_pool() -> None:
    (found,) = gathered(part("a", {**FIRST, SAGENE: (-50.0, -60.0, -55.0, -52.0)}))
    row = found.units[2]
    assert (row.homes, row.low, row.level, row.pooled) == (4, None, 0, False)
    assert found.pooled.not_pooled == (SAGENE,)
    (alone,) = gathered(part("a", {ALNA: FIRST[ALNA], SAGENE: ()}))
    assert alone.pooled.random is None
    assert [unit.pooled for unit in alone.units] == [False, False], "one unit is no pool"
    assert alone.units[1].estimate is None


def test_trials_of_one_technology_with_one_indicator_are_pooled_over_all_their_units() -> None:
    across, *of_one = gathered(part("a", FIRST), part("b", SECOND))
    assert (across.trials, [each.trials for each in of_one]) == (("a", "b"), [("a",)])
    assert [(unit.trial, unit.unit) for unit in across.units] == [
        ("a", ALNA),
        ("a", GAMLE_OSLO),
        ("b", SAGENE),
    ]
    peer = pool([unit_estimate(unit, changes) for unit, changes in {**FIRST, **SECOND}.items()])
    assert across.pooled.random == peer.random
    assert across.pooled.prediction_low is not None
    assert across.units_twice == ()


@pytest.mark.parametrize(
    "other",
    [
        {"technology": "stove_guard"},
        {"indicator": "visits"},
        {"better": "higher"},
        {"type": "cost", "currency": "DKK"},
    ],
)
def test_what_is_not_the_same_is_not_pooled(other: dict[str, Any]) -> None:
    kind = {"type": "cost"} if "currency" in other else {}
    found = gathered(part("a", FIRST, **kind), part("b", {**SECOND, ALNA: FIRST[ALNA]}, **other))
    assert sorted(each.trials for each in found) == [("a",), ("b",)]


def test_a_unit_that_took_part_in_two_of_the_trials_is_named() -> None:
    across = gathered(part("a", FIRST), part("b", {ALNA: FIRST[ALNA]}))[0]
    assert across.units_twice == (ALNA,)
    assert across.pooled.k == 3


def test_an_item_without_a_mean_is_not_pooled() -> None:
    before, after = dict.fromkeys("abcde", 2), dict.fromkeys("abcde", 4)
    assert gathered(part("a", FIRST, answers=ordinal(before, after, range(1, 6), (4, 5)))) == []


def test_whoever_may_see_one_unit_sees_nothing_of_the_others() -> None:
    seen = seen_by(part("a", {**FIRST, **SECOND}), frozenset({ALNA}))
    assert seen.told.trial.units == (ALNA,)
    assert [each.unit for each in seen.told.units] == [ALNA]
    assert [gate.unit for gate in seen.told.gates] == [ALNA, None, None]
    assert seen.changes == {"g": {ALNA: FIRST[ALNA]}}
    assert (seen.transfers, gathered(seen)) == ((), [])
    two = seen_by(part("a", {**FIRST, **SECOND}), frozenset({ALNA, GAMLE_OSLO}))
    assert gathered(two)[0].pooled == gathered(part("a", FIRST))[0].pooled
    assert [each.transfer.receiving_unit for each in two.transfers] == [GAMLE_OSLO]


def test_a_technology_stands_at_a_gate_as_the_best_of_its_trials_does() -> None:
    parts = {
        "a": part("a", FIRST, useful="not_passed"),
        "b": part("b", SECOND, useful="passed"),
        "c": part("c", SECOND, technology="stove_guard", useful="not_passed"),
        "d": part("d", SECOND, technology="stove_guard"),
        "e": part("e", SECOND, technology="door_sensor", useful="not_passed"),
    }
    none: list[Entry] = []
    told = programme("Oslo+", none, [each.told.trial for each in parts.values()], parts)
    assert {each.technology: each.useful for each in told.technologies} == {
        "medicine_dispenser": "passed",
        "stove_guard": "cannot_tell",
        "door_sensor": "not_passed",
    }
    useful = next(count for count in told.gates if count.gate == "useful")
    assert (useful.of, useful.passed, useful.cannot_tell, useful.not_passed) == (3, 1, 1, 1)
