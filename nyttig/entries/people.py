"""People who show, carry and guard a technology: demo apartments, ambassadors, and the safety of each home."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from nyttig.column import said

SafetyOutcome = Literal["suitable", "suitable_with_help", "unsuitable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoVisit:
    """A visit to a demo apartment or a guided tour, booked or held."""

    home: str = said("Code of the demo apartment", kind="code")
    visited_on: date = said("Day of the visit")
    visitors: int = said("How many came, or are expected", at_least=1)
    group: Literal["residents", "relatives", "staff", "municipality", "company", "students", "other"] = said(
        "Who they are"
    )
    status: Literal["booked", "held", "cancelled"] = said("Booked, held or cancelled", default="held")
    guided_by: str | None = said("Code of the ambassador who showed them round", kind="code", default=None)
    interest: str | None = said("Technologies that they asked about, with spaces between", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Enquiry:
    """Somebody asks for a technology after having seen it, and what became of it."""

    technology: str = said("Technology that is asked for", kind="code")
    asked_on: date = said("Day of the enquiry")
    asked_by: Literal["resident", "relative", "staff", "municipality", "company", "other"] = said("Who asks")
    home: str | None = said("Code of the demo apartment in which they saw it", kind="code", default=None)
    unit: str | None = said("Unit that it concerns", default=None)
    became: Literal["open", "trial", "granted", "nothing"] = said("What became of it", default="open")
    trial: str | None = said("The trial that it led to", kind="code", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ambassador:
    """A member of staff who is trained to show and help with the technology; a code, never a name."""

    code: str = said("Code of the ambassador", kind="code")
    unit: str = said("Unit")
    trained_on: date | None = said("Day of the training; empty: not yet", default=None)
    left_on: date | None = said("Day on which they stopped", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class AmbassadorActivity:
    """Something that an ambassador did."""

    ambassador: str = said("Code of the ambassador", kind="code")
    done_on: date = said("Day")
    what: Literal["guided", "handled_event", "helped_home"] = said(
        "Guided visitors, handled an event, helped a home"
    )
    home: str | None = said("Code of the home or demo apartment", kind="code", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suitability:
    """Whether the technology suits a home, as somebody with the right to judge it found."""

    home: str = said("Code of the home", kind="code")
    assessed_on: date = said("Day of the assessment")
    outcome: SafetyOutcome = said("What was found")
    assessed_by: str = said("Role that assessed")
    again_on: date | None = said("Day by which it is to be assessed again", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """Somebody of a home was taught to use the technology."""

    home: str = said("Code of the home", kind="code")
    given_on: date = said("Day")
    given_to: Literal["resident", "relative", "staff"] = said("Who was taught")
    given_by: str | None = said("Role that taught", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdverseEvent:
    """Something that harmed or could have harmed a resident, and in which the technology had a part."""

    home: str = said("Code of the home", kind="code")
    happened_on: date = said("Day")
    what: str = said("What happened; no names")
    severity: Literal["near_miss", "minor", "moderate", "serious"] = said("How bad it was")
    alarm_missed: bool = said("An alarm was not raised or not answered", default=False)
    handled_on: date | None = said("Day on which it was dealt with; empty: not yet", default=None)
    done: str | None = said("What was done", default=None)
