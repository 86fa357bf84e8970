"""The board of a demo apartment: who came, what they asked for and what became of it. Never part of a trial's figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from nyttig.demo_sites import ShownDevice, demo_sites
from nyttig.entries.people import Ambassador, DemoVisit, Enquiry
from nyttig.errors import NotFoundError
from nyttig.figures.intervals import Share, wilson
from nyttig.model import Entry
from nyttig.package.technologies import builtin_technologies
from nyttig.store import db, entries, sites, technologies
from nyttig.store.db import Session

MONTHS_SHOWN: Final = 12
RECENT_DAYS: Final = 56
"""So far back demonstrations are counted: as far as `demo_sites` looks."""

KINDS: Final = ("demo_visit", "enquiry", "ambassador")


@dataclass(frozen=True, slots=True)
class GroupVisits:
    """How often one group came, and how many people that were."""

    group: str
    visits: int
    visitors: int


@dataclass(frozen=True, slots=True)
class MonthVisits:
    """A calendar month (2026-11): visits held, all and by group."""

    month: str
    visits: int
    visitors: int
    groups: tuple[GroupVisits, ...]


@dataclass(frozen=True, slots=True)
class Booking:
    """A visit that is booked; `entry` and `trial` are where it was entered."""

    entry: str
    trial: str
    visit: DemoVisit


@dataclass(frozen=True, slots=True)
class Guide:
    """Who showed visitors round, over all time; `unit` is None for a code that is no ambassador's."""

    ambassador: str
    unit: str | None
    visits: int
    visitors: int
    last_on: date


@dataclass(frozen=True, slots=True)
class Asked:
    """From interest to a trial, for one technology; for all of them together `technology` is empty.

    `demonstrations` and `tried` are what its devices here told on the last days (None: none stands here), `asked_visits`
    the visits held in which it was asked about, with so many `visitors`. `enquiries` came afterwards, from anyone;
    `became_trial`, `granted`, `nothing` and `open` tell what became of them. `led_on` is the share that led to a trial
    or was granted, of the enquiries that are settled.
    """

    technology: str
    titles: dict[str, str]
    demonstrations: int | None
    tried: int | None
    asked_visits: int
    asked_visitors: int
    enquiries: int
    became_trial: int
    granted: int
    nothing: int
    open: int
    led_on: Share
    trials: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DemoBoard:
    """One demo apartment as of the local day `today`.

    `trials`: in whose folders it stands; what is entered about it is entered under the first. `to_come` are bookings from
    today on, the next one first; `to_settle` those whose day is over and of which nobody said whether they were held.
    """

    site: str
    unit: str
    timezone: str
    trials: tuple[str, ...]
    today: date
    recent_days: int
    visits: int
    visitors: int
    cancelled: int
    months: tuple[MonthVisits, ...]
    groups: tuple[GroupVisits, ...]
    to_come: tuple[Booking, ...]
    to_settle: tuple[Booking, ...]
    guides: tuple[Guide, ...]
    unguided: int
    technologies: tuple[Asked, ...]
    asked: Asked


def demo_board(connection: Session, site: str, now: datetime) -> DemoBoard:
    """The board of the demo apartment called `site` at `now`. Raises NotFoundError naming those there are."""
    with db.translated():
        known = {each.site: each for each in sites.demo_homes(connection)}
        if site not in known:
            there = ", ".join(known) or "none yet; a home with site_type demo in homes.csv is one"
            raise NotFoundError(
                "there is no demo apartment {site!r}; demo apartments: {known}", site=site, known=there
            )
        home = known[site]
        told = [each for trial in home.trials for each in entries.current(connection, trial, KINDS)]
        titles = {
            each.id: dict(each.titles)
            for each in (*builtin_technologies().values(), *technologies.read(connection))
        }
    furnished = next(
        (each for each in demo_sites(connection, now, days=RECENT_DAYS) if each.site == site), None
    )
    return board_of(
        home,
        told,
        () if furnished is None else furnished.devices,
        titles,
        now.astimezone(ZoneInfo(home.timezone)).date(),
    )


def board_of(
    home: sites.DemoHome,
    told: Sequence[Entry],
    devices: Sequence[ShownDevice],
    titles: dict[str, dict[str, str]],
    today: date,
) -> DemoBoard:
    """The same of what is given: what was entered under its trials, and the devices that stand in it."""
    ours = [each for each in told if getattr(each.data, "home", None) == home.site]
    visits = [each for each in ours if isinstance(each.data, DemoVisit)]
    enquiries = [each.data for each in ours if isinstance(each.data, Enquiry) and each.data.asked_on <= today]
    held: list[DemoVisit] = [
        each.data for each in visits if each.data.status == "held" and each.data.visited_on <= today
    ]
    booked = sorted(
        (
            Booking(each.entry, each.trial_id or home.trials[0], each.data)
            for each in visits
            if each.data.status == "booked"
        ),
        key=lambda each: each.visit.visited_on,
    )
    asked = sorted(
        {
            *(device.technology for device in devices),
            *(technology for visit in held for technology in (visit.interest or "").split()),
            *(each.technology for each in enquiries),
        }
    )
    units = {each.data.code: each.data.unit for each in told if isinstance(each.data, Ambassador)}
    return DemoBoard(
        site=home.site,
        unit=home.unit,
        timezone=home.timezone,
        trials=home.trials,
        today=today,
        recent_days=RECENT_DAYS,
        visits=len(held),
        visitors=sum(each.visitors for each in held),
        cancelled=sum(each.data.status == "cancelled" for each in visits),
        months=_months(held),
        groups=_groups(held),
        to_come=tuple(each for each in booked if each.visit.visited_on >= today),
        to_settle=tuple(each for each in booked if each.visit.visited_on < today),
        guides=_guides(held, units),
        unguided=sum(each.guided_by is None for each in held),
        technologies=tuple(_asked(each, titles.get(each, {}), held, enquiries, devices) for each in asked),
        asked=_asked(None, {}, held, enquiries, devices),
    )


def _months(held: Sequence[DemoVisit]) -> tuple[MonthVisits, ...]:
    """The months from the first visit to the last, also those without one, at most `MONTHS_SHOWN`."""
    if not held:
        return ()
    numbers = [12 * each.visited_on.year + each.visited_on.month - 1 for each in held]
    found = []
    for number in range(min(numbers), max(numbers) + 1)[-MONTHS_SHOWN:]:
        here = [visit for visit, month in zip(held, numbers, strict=True) if month == number]
        visitors = sum(visit.visitors for visit in here)
        found.append(
            MonthVisits(f"{number // 12:04}-{number % 12 + 1:02}", len(here), visitors, _groups(here))
        )
    return tuple(found)


def _groups(held: Iterable[DemoVisit]) -> tuple[GroupVisits, ...]:
    """Those that came in most visits first."""
    visits: Counter[str] = Counter()
    visitors: Counter[str] = Counter()
    for visit in held:
        visits[visit.group] += 1
        visitors[visit.group] += visit.visitors
    return tuple(
        GroupVisits(group, count, visitors[group])
        for group, count in sorted(visits.items(), key=lambda each: (-visitors[each[0]], each[0]))
    )


def _guides(held: Sequence[DemoVisit], units: dict[str, str]) -> tuple[Guide, ...]:
    found = []
    for code in sorted({each.guided_by for each in held if each.guided_by is not None}):
        theirs = [each for each in held if each.guided_by == code]
        last_on = max(each.visited_on for each in theirs)
        visitors = sum(each.visitors for each in theirs)
        found.append(Guide(code, units.get(code), len(theirs), visitors, last_on))
    return tuple(sorted(found, key=lambda each: (-each.visits, each.ambassador)))


def _asked(
    technology: str | None,
    titles: dict[str, str],
    held: Sequence[DemoVisit],
    enquiries: Sequence[Enquiry],
    devices: Sequence[ShownDevice],
) -> Asked:
    """One technology; None: all of them together, where a visit counts once however much was asked about."""
    interested = [
        each for each in held if each.interest and (technology is None or technology in each.interest.split())
    ]
    became = Counter(each.became for each in enquiries if technology in (None, each.technology))
    shown = [each for each in devices if technology in (None, each.technology)]
    led_on, settled = became["trial"] + became["granted"], became.total() - became["open"]
    return Asked(
        technology=technology or "",
        titles=titles,
        demonstrations=sum(sum(each.demonstrations) for each in shown) if shown else None,
        tried=sum(sum(each.visitor_uses) for each in shown) if shown else None,
        asked_visits=len(interested),
        asked_visitors=sum(each.visitors for each in interested),
        enquiries=became.total(),
        became_trial=became["trial"],
        granted=became["granted"],
        nothing=became["nothing"],
        open=became["open"],
        led_on=wilson(led_on, settled),
        trials=tuple(
            sorted({each.trial for each in enquiries if each.trial and technology in (None, each.technology)})
        ),
    )
