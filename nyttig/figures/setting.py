"""Does the setting take it up? Units and their ambassadors. Definitions: docs/figures.md, section 3."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple

from nyttig.entries.people import Ambassador, AmbassadorActivity
from nyttig.figures.ambassadors import AmbassadorMonth, UnitAmbassadors, ambassador_months, unit_ambassadors
from nyttig.figures.intervals import Share, wilson
from nyttig.model import UnitPart


class Entered(NamedTuple):
    """Ambassadors as they were entered one by one, what they did (`ambassadors.done_by_ambassadors`), and the day that
    is asked about."""

    ambassadors: Sequence[Ambassador]
    done: Sequence[AmbassadorActivity]
    on: date


@dataclass(frozen=True, slots=True)
class UnitSetting:
    """One unit's part. `told_by`: its ambassadors were entered one by one (`entries`), or counted in units.csv
    (`units_table`); None: nobody said. What is None was not said; `entered` is None unless they were entered.
    """

    unit: str
    takes_part: bool
    staff: int | None
    trained: int | None
    active: int | None
    told_by: Literal["entries", "units_table"] | None
    entered: UnitAmbassadors | None


@dataclass(frozen=True, slots=True)
class SettingAdoption:
    """Units that take part of those invited, and employees trained and active as ambassadors.

    This is what RE-AIM (Glasgow et al. 1999) calls adoption: of settings and staff, never mixed with the homes'.
    `trained` counts only units that say both how many employees they have and how many of them were trained,
    `active` only those that say both of trained and active; `units_silent` say neither. Where a unit's ambassadors were
    entered one by one, they win over the numbers of units.csv, and `by_unit` says so. `months` are of those entered.
    """

    units: Share
    trained: Share
    active: Share
    units_silent: int
    by_unit: tuple[UnitSetting, ...] = ()
    months: tuple[AmbassadorMonth, ...] = ()


def setting_adoption(
    parts: Sequence[UnitPart], taking_part: Sequence[str], entered: Entered | None = None
) -> SettingAdoption:
    """Return setting adoption; `taking_part` are the trial's units, which count as invited whether listed or not."""
    by_unit = {part.unit: part for part in parts}
    joined = {*taking_part, *(part.unit for part in parts if part.joined_on is not None)}
    named = {} if entered is None else {each.unit: each for each in unit_ambassadors(*entered)}
    told = [
        _unit(unit, unit in joined, by_unit.get(unit), named.get(unit))
        for unit in dict.fromkeys((*taking_part, *by_unit))
    ]
    of_staff = [
        (each.trained, each.staff)
        for each in told
        if each.trained is not None and each.staff is not None and each.trained <= each.staff
    ]
    of_trained = [
        (each.active, each.trained) for each in told if each.active is not None and each.trained is not None
    ]
    return SettingAdoption(
        units=wilson(len(joined), len({*by_unit, *taking_part})),
        trained=wilson(
            sum(trained for trained, _staff in of_staff), sum(staff for _trained, staff in of_staff)
        ),
        active=wilson(
            sum(active for active, _trained in of_trained), sum(trained for _active, trained in of_trained)
        ),
        units_silent=sum(each.trained is None for each in told),
        by_unit=tuple(told),
        months=() if entered is None else ambassador_months(*entered),
    )


def _unit(unit: str, takes_part: bool, part: UnitPart | None, entered: UnitAmbassadors | None) -> UnitSetting:
    staff = None if part is None else part.staff
    if entered is not None:
        return UnitSetting(unit, takes_part, staff, entered.trained, entered.active, "entries", entered)
    if part is None or part.ambassadors_trained is None:
        return UnitSetting(unit, takes_part, staff, None, None, None, None)
    return UnitSetting(
        unit, takes_part, staff, part.ambassadors_trained, part.ambassadors_active, "units_table", None
    )
