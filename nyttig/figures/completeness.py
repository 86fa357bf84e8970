"""Were the forms filled in? Registrations made of those expected, so that no gain rests on what nobody wrote down.

The Danish method of fourteen days before and after with the same form underestimates delivered time where forms are
missing; so every gain shows the share. Told in docs/money.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import product
from typing import NamedTuple

RATIO_REQUIRED = 0.8
"""Under so large a share of forms what rests on them is uncertain; the trial's `registration_ratio_required`."""


class Form(NamedTuple):
    """One form, expected or made: the local day, the shift ("day", "evening", "night"), and the unit or home."""

    day: date
    shift: str
    place: str


@dataclass(frozen=True, slots=True)
class Filled:
    """`made` of `expected` forms under one key; `ratio` 0..1, None where none was expected.

    Uncertain: under the share that the trial requires, or none expected.
    """

    key: str
    made: int
    expected: int
    ratio: float | None
    uncertain: bool


@dataclass(frozen=True, slots=True)
class Completeness:
    """Forms made of those expected: in all, by shift, by day (ISO date) and by unit or home, each in order.

    A form made twice fills one place; those more than expected are `extra` and do not make up for missing ones.
    """

    total: Filled
    by_shift: tuple[Filled, ...]
    by_day: tuple[Filled, ...]
    by_place: tuple[Filled, ...]
    extra: int


def expected_forms(days: Iterable[date], shifts: Iterable[str], places: Iterable[str]) -> list[Form]:
    """Return one form for each day, shift and unit (or home)."""
    return [Form(*choice) for choice in product(days, shifts, places)]


def completeness(
    expected: Iterable[Form], made: Iterable[Form], ratio_required: float = RATIO_REQUIRED
) -> Completeness:
    """Return how complete registration is. A form listed twice in `expected` (two visits a shift) is wanted twice."""
    wanted, written = Counter(expected), Counter(made)
    filled = {form: min(written[form], count) for form, count in wanted.items()}

    def of(key: str, forms: Sequence[Form]) -> Filled:
        there, due = sum(filled[form] for form in forms), sum(wanted[form] for form in forms)
        ratio = there / due if due else None
        return Filled(key, there, due, ratio, ratio is None or ratio < ratio_required)

    def by(part: Callable[[Form], Hashable]) -> tuple[Filled, ...]:
        groups: dict[Hashable, list[Form]] = {}
        for form in wanted:
            groups.setdefault(part(form), []).append(form)
        return tuple(of(str(key), groups[key]) for key in sorted(groups, key=str))

    return Completeness(
        total=of("total", list(wanted)),
        by_shift=by(lambda form: form.shift),
        by_day=by(lambda form: form.day),
        by_place=by(lambda form: form.place),
        extra=sum(written.values()) - sum(filled.values()),
    )
