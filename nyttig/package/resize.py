"""A package with another number of homes, for demos and measurements."""

from __future__ import annotations

from dataclasses import replace

from nyttig.model import TrialPackage


def resize(package: TrialPackage, homes: int) -> TrialPackage:
    """The package with `homes` homes in which the technology was installed, and its demo apartments as they are.

    Fewer keeps the first; more copies them in turn, with all that belongs to them, under codes ending in -2, -3 …
    Homes that were asked and never got it are left out, and so is how what was entered about homes came to stand.
    """
    installed = [home.home for home in package.homes if home.site_type == "home" and home.installed_on]
    demos = [home.home for home in package.homes if home.site_type == "demo"]
    if not installed:
        return package
    of_homes = {each.entry for each in package.versions if getattr(each.data, "home", None) is not None}
    rounds = -(-homes // len(installed))
    kept: list[TrialPackage] = []
    for number in range(1, rounds + 1):
        chosen = set(installed[: homes - (number - 1) * len(installed)])
        kept.append(
            _part(
                package, chosen | (set(demos) if number == 1 else set()), "" if number == 1 else f"-{number}"
            )
        )
    return replace(
        package,
        homes=tuple(home for part in kept for home in part.homes),
        devices=tuple(device for part in kept for device in part.devices),
        placements=tuple(placement for part in kept for placement in part.placements),
        pauses=tuple(pause for part in kept for pause in part.pauses),
        schedules=tuple(schedule for part in kept for schedule in part.schedules),
        visits=tuple(visit for part in kept for visit in part.visits),
        measures=tuple(measure for part in kept for measure in part.measures),
        entries=(
            *(each for each in package.entries if getattr(each.data, "home", None) is None),
            *(each for part in kept for each in part.entries),
        ),
        versions=tuple(each for each in package.versions if each.entry not in of_homes),
    )


def _part(package: TrialPackage, homes: set[str], suffix: str) -> TrialPackage:
    """What belongs to `homes`, with every code ending in `suffix`."""
    placements = [placement for placement in package.placements if placement.home in homes]
    devices = {placement.device for placement in placements}
    return replace(
        package,
        homes=tuple(replace(each, home=each.home + suffix) for each in package.homes if each.home in homes),
        devices=tuple(
            replace(each, device=each.device + suffix, address=each.address + suffix)
            for each in package.devices
            if each.device in devices
        ),
        placements=tuple(
            replace(each, device=each.device + suffix, home=each.home + suffix) for each in placements
        ),
        pauses=tuple(replace(each, home=each.home + suffix) for each in package.pauses if each.home in homes),
        schedules=tuple(
            replace(each, home=each.home + suffix) for each in package.schedules if each.home in homes
        ),
        visits=tuple(replace(each, home=each.home + suffix) for each in package.visits if each.home in homes),
        measures=tuple(
            replace(each, home=each.home + suffix) for each in package.measures if each.home in homes
        ),
        entries=tuple(
            replace(
                each,
                entry=each.entry and each.entry + suffix,
                data=replace(each.data, home=each.data.home + suffix),
            )
            for each in package.entries
            if getattr(each.data, "home", None) in homes
        ),
    )
