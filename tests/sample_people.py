"""What the API tells of a demo apartment's board and of the safety of homes, worked out from made-up entries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from sample_report import NOW, TITLES, as_json

from nyttig.demo_board import board_of
from nyttig.entries.people import AdverseEvent, Ambassador, DemoVisit, Enquiry, Suitability, Training
from nyttig.model import Entry, Home, Trial, TrialPackage
from nyttig.package.technologies import builtin_technologies
from nyttig.report import Report
from nyttig.safety import safety_of
from nyttig.store.sites import DemoHome

TODAY = NOW.date()


def entry(name: str, kind: str, data: object, trial: str = "odense-toilet") -> Entry:
    """An entry as it stands."""
    return Entry(name, 1, kind, trial, data, NOW, "local")


def ago(days: int) -> date:
    """The day so many days ago."""
    return TODAY - timedelta(days=days)


def make_board(site: str = "odense-lejlighed") -> Any:
    """A board with two tours held, one booked and one of which nobody said whether it was held, and two enquiries."""
    told = [
        entry("v1", "demo_visit", DemoVisit(home=site, visited_on=ago(40), visitors=14, group="staff", guided_by="amb-1")),
        entry(
            "v2", "demo_visit",
            DemoVisit(home=site, visited_on=ago(5), visitors=6, group="residents", interest="feeding_robot"),
        ),
        entry("v3", "demo_visit", DemoVisit(home=site, visited_on=ago(-9), visitors=10, group="staff", status="booked")),
        entry("v4", "demo_visit", DemoVisit(home=site, visited_on=ago(2), visitors=4, group="company", status="booked")),
        entry("e1", "enquiry", Enquiry(technology="feeding_robot", asked_on=ago(4), asked_by="staff", home=site)),
        entry(
            "e2", "enquiry",
            Enquiry(technology="feeding_robot", asked_on=ago(3), asked_by="staff", home=site, became="trial",
                    trial="odense-toilet"),
        ),
        entry("a1", "ambassador", Ambassador(code="amb-1", unit="Odense Syd", trained_on=ago(90))),
    ]  # fmt: skip
    home = DemoHome(site, "Odense Kommune", "Europe/Copenhagen", ("odense-toilet",))
    return as_json(board_of(home, told, (), TITLES, TODAY))


def make_safety(report: Report, faulty: Mapping[str, Sequence[str]] | None = None) -> Any:
    """Of the report's homes the first had an adverse event, the second is to be assessed again, the others never were."""
    homes = tuple(
        Home(strip.home, "home", strip.unit, None, None, report.first_day, None) for strip in report.homes
    )
    first, second, *_others = [home.home for home in homes]
    event = AdverseEvent(home=first, happened_on=ago(3), what="The dose got stuck", severity="moderate")
    judged = Suitability(
        home=second, assessed_on=ago(200), outcome="suitable", assessed_by="Nurse", again_on=ago(8)
    )
    taught = Training(home=second, given_on=ago(100), given_to="resident")
    entries = (
        entry("x1", "adverse_event", event),
        entry("x2", "suitability", judged),
        entry("x3", "training", taught),
    )
    facts = report.trial
    trial = Trial(
        id=facts.id,
        title=facts.title,
        programme=facts.programme,
        units=facts.units,
        technology=facts.technology,
        timezone=facts.timezone,
        currency=facts.currency,
        starts=facts.starts,
        parameters=report.parameters,
    )
    technologies = (builtin_technologies()[facts.technology],)
    package = TrialPackage(trial, technologies=technologies, homes=homes, entries=entries)
    return as_json(safety_of(package, report, {}, NOW, faulty))
