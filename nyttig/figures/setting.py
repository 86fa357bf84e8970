"""Does the setting take it up? Units and their ambassadors. Definitions: docs/figures.md, section 3."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nyttig.figures.intervals import Share, wilson
from nyttig.model import UnitPart


@dataclass(frozen=True, slots=True)
class SettingAdoption:
    """Units that take part of those invited, and employees trained and active as ambassadors.

    This is what RE-AIM (Glasgow et al. 1999) calls adoption: of settings and staff, never mixed with the homes'.
    `trained` counts only units that say both how many employees they have and how many of them were trained,
    `active` only those that say both of trained and active; `units_silent` say neither.
    """

    units: Share
    trained: Share
    active: Share
    units_silent: int


def setting_adoption(parts: Sequence[UnitPart], taking_part: Sequence[str]) -> SettingAdoption:
    """Return setting adoption; `taking_part` are the trial's units, which count as invited whether listed or not."""
    by_unit = {part.unit: part for part in parts}
    invited = {*by_unit, *taking_part}
    joined = {*taking_part, *(part.unit for part in parts if part.joined_on is not None)}
    trained, staff, active, of_trained = 0, 0, 0, 0
    for part in parts:
        if part.staff is not None and part.ambassadors_trained is not None:
            trained, staff = trained + part.ambassadors_trained, staff + part.staff
        if part.ambassadors_trained is not None and part.ambassadors_active is not None:
            active, of_trained = active + part.ambassadors_active, of_trained + part.ambassadors_trained
    silent = [unit for unit in invited if unit not in by_unit or by_unit[unit].ambassadors_trained is None]
    return SettingAdoption(
        units=wilson(len(joined), len(invited)),
        trained=wilson(trained, staff),
        active=wilson(active, of_trained),
        units_silent=len(silent),
    )
