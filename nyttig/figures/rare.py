"""Harms and other events that hardly happen: what none, or a few, still leaves possible."""

from __future__ import annotations

from dataclasses import dataclass

_ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class RareShare:
    """In how many homes it happened at all, as a ratio 0..1 with exact bounds; None without homes.

    `low` to `high` is the two-sided 95 % interval; `at_most` the one-sided 95 % upper bound, to be said where nothing
    happened. The evidence `level` is 0: a count of events says nothing of what caused them.
    """

    homes_with_event: int
    homes: int
    ratio: float | None
    low: float | None
    high: float | None
    at_most: float | None
    level: int = 0
    assumptions: tuple[str, ...] = ("every_event_known", "homes_independent")


@dataclass(frozen=True, slots=True)
class RareRate:
    """Events per home-month with exact bounds, as in `RareShare`; None without home-months."""

    events: int
    home_months: float
    rate: float | None
    low: float | None
    high: float | None
    at_most: float | None
    level: int = 0
    assumptions: tuple[str, ...] = ("every_event_known", "events_independent")


def rare_share(homes_with_event: int, homes: int) -> RareShare:
    """Return the share of homes with an event and its exact bounds (Clopper & Pearson 1934).

    With none in n homes `at_most` is 1 − 0.05^(1/n), some 3/n (Hanley & Lippman-Hand 1983).
    Raises ValueError for a number that is not between 0 and that of homes.
    """
    from scipy.special import betaincinv  # importing SciPy takes longer than most reports

    if not 0 <= homes_with_event <= homes:
        raise ValueError(f"{homes_with_event} of {homes} homes: count each home with an event once")
    if homes == 0:
        return RareShare(0, 0, None, None, None, None)
    without = homes - homes_with_event

    def upper(tail: float) -> float:
        return float(betaincinv(homes_with_event + 1, without, 1 - tail)) if without else 1.0

    return RareShare(
        homes_with_event,
        homes,
        homes_with_event / homes,
        low=float(betaincinv(homes_with_event, without + 1, _ALPHA / 2)) if homes_with_event else 0.0,
        high=upper(_ALPHA / 2),
        at_most=upper(_ALPHA),
    )


def rare_rate(events: int, home_months: float) -> RareRate:
    """Return the events per home-month and their exact bounds (Garwood 1936).

    Raises ValueError for negative numbers, and for events in no time.
    """
    from scipy.special import gammaincinv  # importing SciPy takes longer than most reports

    if events < 0 or home_months < 0 or (events and not home_months):
        raise ValueError(
            f"{events} events in {home_months} home-months: give the time in which they were looked for"
        )
    if home_months == 0:
        return RareRate(0, home_months, None, None, None, None)
    return RareRate(
        events,
        home_months,
        events / home_months,
        low=float(gammaincinv(events, _ALPHA / 2)) / home_months if events else 0.0,
        high=float(gammaincinv(events + 1, 1 - _ALPHA / 2)) / home_months,
        at_most=float(gammaincinv(events + 1, 1 - _ALPHA)) / home_months,
    )
