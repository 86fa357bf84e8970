"""What several units show together, in sentences: the mean of them, how far they lie apart, what a further one may see."""

from __future__ import annotations

from dashboard.client import Json
from dashboard.language import _, between, number, percent, signed


def together(pooled: Json, decimals: int) -> str:
    """The pooled mean with its interval and how much of the spread is more than chance; or why there is none."""
    random = pooled["random"]
    if random is None:
        return _("Two units with five homes each are needed before they can be taken together.")
    return _(
        "Together: {change} (95% interval {interval}) over {n} units, each allowed an effect of its own. "
        "Of the spread between them {share} is more than chance."
    ).format(
        change=signed(random["estimate"], decimals),
        interval=between(random["low"], random["high"], decimals),
        n=number(pooled["k"]),
        share=percent(pooled["i2_ratio"]),
    )


def verdict(pooled: Json, better: str) -> str:
    """Whether the pooled change is clear, in a word or two; empty where nothing is pooled."""
    random = pooled["random"]
    if random is None:
        return ""
    if random["low"] <= 0 <= random["high"]:
        return _("No clear change.")
    return _("Better.") if (random["estimate"] < 0) == (better == "lower") else _("Worse.")


def each_alone(pooled: Json, units: list[Json]) -> str:
    """That each unit shows by itself what they do not show together, and why; empty where that is not so."""
    random = pooled["random"]
    if random is None or not random["low"] <= 0 <= random["high"]:
        return ""
    within = [unit for unit in units if unit["pooled"]]
    if not (all(unit["low"] > 0 for unit in within) or all(unit["high"] < 0 for unit in within)):
        return ""
    return _(
        "In each of them by itself the change is clear. Together it is not, because {n} units tell too little of how much "
        "units differ."
    ).format(n=number(len(within)))


def warnings(pooled: Json, decimals: int) -> list[str]:
    """What stands in the way of trusting the pooled mean: few units, their spread, and units that are not in it."""
    told = []
    if pooled["random"] is not None and pooled["heterogeneity"] == "poorly_known":
        told.append(
            _("With under ten units that spread is poorly known: none seen is no proof that they are alike.")
        )
    if pooled["random"] is not None:
        told.append(
            _("The units’ own effects have a variance (τ²) of {tau2}, 95% interval {low} to {high}.").format(
                tau2=number(pooled["tau2"], 2 * decimals),
                low=number(pooled["tau2_low"], 2 * decimals),
                high=number(pooled["tau2_high"], 2 * decimals),
            )
        )
    if pooled["not_pooled"]:
        told.append(
            _("Beside the pool and not in it, with fewer than five homes or all alike: {units}.").format(
                units=", ".join(pooled["not_pooled"])
            )
        )
    return told


def further(pooled: Json, decimals: int) -> str:
    """Where the change would lie in a further unit like these; empty where nothing is pooled."""
    if pooled["random"] is None:
        return ""
    low, high = pooled["prediction_low"], pooled["prediction_high"]
    if low is None:
        return _("What a further unit would see cannot be told from two.")
    found = _("In a further unit like these it would lie between {low} and {high}.").format(
        low=signed(low, decimals), high=signed(high, decimals)
    )
    if low <= 0 <= high:
        found += " " + _("So it may well come out otherwise there.")
    return found
