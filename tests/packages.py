"""Small trial packages for tests, made in code."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from nyttig.errors import Problem
from nyttig.model import Device, Home, Parameters, Placement, Technology, Trial, TrialPackage
from nyttig.package.section import parse_toml
from nyttig.package.technologies import parse_technologies

PLACED_AT = datetime(2026, 8, 31, 22, 0, tzinfo=UTC)  # local midnight of 1 September in Oslo


def one_home(
    technology: str, *, trial: str = "trial", homes: int = 1, dialect: str = "nyttig"
) -> TrialPackage:
    """A trial with `homes` homes (h1, h2, ...), each with one device (d1, d2, ...), from 1 September 2026."""
    return TrialPackage(
        trial=Trial(
            id=trial,
            title="A trial",
            programme="Oslo+",
            units=("Bydel Alna",),
            technology=technology,
            timezone="Europe/Oslo",
            currency="NOK",
            starts=date(2026, 9, 1),
            parameters=Parameters(ramp_in_days=0),
        ),
        homes=tuple(
            Home(f"h{n}", "home", "Bydel Alna", date(2026, 8, 1), date(2026, 8, 10), date(2026, 9, 1))
            for n in range(1, homes + 1)
        ),
        devices=tuple(
            Device(f"d{n}", technology, dialect, f"d{n}", 60.0, "mains", "primary")
            for n in range(1, homes + 1)
        ),
        placements=tuple(Placement(f"d{n}", f"h{n}", PLACED_AT) for n in range(1, homes + 1)),
    )


def technologies_of(text: str) -> tuple[dict[str, Technology], list[Problem]]:
    """The technologies of a TOML text, and everything that is wrong in it."""
    problems: list[Problem] = []
    data = parse_toml(text, "technologies.toml", problems)
    return parse_technologies("technologies.toml", "", data, problems), problems


def renamed(package: TrialPackage, address: str) -> TrialPackage:
    """The package with its first device at another address."""
    first, *others = package.devices
    return replace(package, devices=(replace(first, address=address), *others))
