"""What people enter, in the reader's words: each kind, its fields, and what an empty list of it asks for."""

from __future__ import annotations

from functools import lru_cache

from dashboard.entry_fields import hints, labels
from dashboard.entry_fields_life import hints_of_life, labels_of_life
from dashboard.language import _, current


def one(kind: str) -> str:
    """One entry of the kind, as within a sentence: a gain."""
    return _ones(current().code).get(kind, kind.replace("_", " "))


def many(kind: str) -> str:
    """Entries of the kind, as a title: Gains."""
    return _manys(current().code).get(kind, kind.replace("_", " "))


def empty(kind: str) -> str:
    """What to do where there is no entry of the kind yet."""
    return _empties(current().code).get(kind, _("Nothing has been entered yet."))


def label(kind: str, field: str) -> str:
    """The name of a field. A field not known keeps its own."""
    words = _labels(current().code)
    return words.get(f"{kind}.{field}") or words.get(field) or field.replace("_", " ")


def hint(kind: str, field: str) -> str | None:
    """What to write into a field, where its name does not say it all."""
    words = _hints(current().code)
    return words.get(f"{kind}.{field}") or words.get(field)


# The tables are made once a language; their own words are looked up in it.


@lru_cache
def _labels(_language: str) -> dict[str, str]:
    return labels() | labels_of_life()


@lru_cache
def _hints(_language: str) -> dict[str, str]:
    return hints() | hints_of_life()


@lru_cache
def _ones(_language: str) -> dict[str, str]:
    return {
        "gain": _("a gain"),
        "measure": _("a measurement"),
        "cost": _("a cost"),
        "harm": _("a harm or another negative effect"),
        "assessed_gain": _("an assessed gain"),
        "rate": _("an hourly rate"),
        "realisation": _("what becomes of freed time"),
        "assumption": _("an assumption"),
        "criterion": _("a criterion of quality"),
        "design": _("how the trial is judged"),
        "comparison": _("a home to compare with"),
        "series_point": _("a count for a unit"),
        "instrument": _("a questionnaire of one’s own"),
        "answer": _("a filled-in questionnaire"),
        "registration_plan": _("a time of registering work"),
        "registration": _("a registration of work"),
        "feedback": _("feedback"),
        "mapping": _("a mapping of columns"),
        "idea": _("an idea"),
        "vote": _("a voice for an idea"),
        "programme": _("a programme"),
        "phase": _("a phase"),
        "spend": _("a payment"),
        "decision": _("a decision"),
        "cycle": _("a round of need, solution, test"),
        "gate_override": _("a different view of a gate"),
        "handover": _("a hand-over to the line"),
        "transfer": _("spread to another unit"),
        "demo_visit": _("a visit to a demo apartment"),
        "enquiry": _("an enquiry"),
        "ambassador": _("an ambassador"),
        "ambassador_activity": _("something an ambassador did"),
        "suitability": _("an assessment of suitability"),
        "training": _("a training"),
        "adverse_event": _("an adverse event"),
    }


@lru_cache
def _manys(_language: str) -> dict[str, str]:
    return {
        "gain": _("Gains"),
        "measure": _("Measurements"),
        "cost": _("Costs"),
        "harm": _("Harms and negative effects"),
        "assessed_gain": _("Assessed gains"),
        "rate": _("Hourly rates"),
        "realisation": _("What becomes of freed time"),
        "assumption": _("Assumptions about money"),
        "criterion": _("Criteria of quality"),
        "design": _("How the trial is judged"),
        "comparison": _("Homes to compare with"),
        "series_point": _("Counts for a unit"),
        "instrument": _("Questionnaires of one’s own"),
        "answer": _("Filled-in questionnaires"),
        "registration_plan": _("Times of registering work"),
        "registration": _("Registrations of work"),
        "feedback": _("Feedback in free words"),
        "mapping": _("Mappings of columns"),
        "idea": _("Ideas"),
        "vote": _("Voices for ideas"),
        "programme": _("Programmes"),
        "phase": _("Phases"),
        "spend": _("Money spent"),
        "decision": _("Decisions"),
        "cycle": _("Rounds of need, solution, test (BLT)"),
        "gate_override": _("Different views of a gate"),
        "handover": _("Hand-over to the line"),
        "transfer": _("Spread to other units"),
        "demo_visit": _("Visits to demo apartments"),
        "enquiry": _("Enquiries"),
        "ambassador": _("Ambassadors"),
        "ambassador_activity": _("What ambassadors did"),
        "suitability": _("Suitability of homes"),
        "training": _("Training given"),
        "adverse_event": _("Adverse events"),
    }


@lru_cache
def _empties(_language: str) -> dict[str, str]:
    return {
        "gain": _(
            "No gain is named yet. Agree on what is to become better, and on its baseline, before the start."
        ),
        "measure": _("No measurement yet. Enter one value a home before the technology comes and one after."),
        "cost": _("No cost yet. Enter what devices, installation, running and support cost, and who pays."),
        "harm": _("No harm is known. Ask residents and staff for it: what became worse belongs here, too."),
        "assessed_gain": _(
            "No assessed gain yet. What nobody can measure may be judged as a range, with its basis."
        ),
        "rate": _("No hourly rate yet. Without one, minutes are not turned into money."),
        "realisation": _(
            "Nothing is decided yet about freed time. Until then all of it counts as freed, none as saved."
        ),
        "assumption": _("No assumption yet. Enter the numbers that the money rests on, each with a range."),
        "criterion": _(
            "No criterion yet. Agree on what must hold for it to count as useful, before the start."
        ),
        "design": _(
            "It is not fixed yet how the trial is judged. Do it before the start, not when the figures are there."
        ),
        "comparison": _(
            "No home to compare with. Homes that get the technology later make the answer stronger."
        ),
        "series_point": _("No counts yet. Enter what a unit counts each week or month, such as falls."),
        "instrument": _(
            "No questionnaire of one’s own. WHO-5, EQ-5D-5L and SUS are there without being entered."
        ),
        "answer": _("No questionnaire is filled in yet. The first one belongs before the technology comes."),
        "registration_plan": _(
            "No time of registering is planned. Fourteen days before and fourteen after are usual."
        ),
        "registration": _("No work is registered yet."),
        "feedback": _(
            "Nobody’s words are written down yet. Ask a resident and a member of staff how it goes."
        ),
        "mapping": _("No list from a care system has been read yet."),
        "idea": _("No idea yet. Anyone may write down a need; the solution can come later."),
        "vote": _("No voice for an idea yet."),
        "programme": _("No programme yet. A programme gathers trials that belong together."),
        "phase": _("No phase yet. Begin with the idea or the pre-study, and say what it is to reach."),
        "spend": _("No money is entered as spent."),
        "decision": _(
            "Nothing is decided yet. Write down what was decided at the end of each phase, and why."
        ),
        "cycle": _(
            "No round yet. A round may be one question to one person, or a drawing; no device is needed."
        ),
        "gate_override": _("Nobody sees a gate differently from what was computed."),
        "handover": _("It is not handed over yet. Name who in the line organisation will take it on."),
        "transfer": _("It has not been taken on anywhere else. Enter units that consider it, too."),
        "demo_visit": _(
            "No visit yet. Enter bookings and visits, also those of people who came unannounced."
        ),
        "enquiry": _("Nobody has asked for a technology yet."),
        "ambassador": _("No ambassador yet. Use a code for each, never a name."),
        "ambassador_activity": _("Nothing is entered yet that an ambassador did."),
        "suitability": _("No home is assessed yet. Assess each one before the technology is put in."),
        "training": _("No training is entered yet."),
        "adverse_event": _("No adverse event is known. Near misses belong here, too."),
    }
