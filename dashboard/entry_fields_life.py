"""The fields of what people enter about the life of a trial, in the reader's words; `kind.field` before `field`."""

from __future__ import annotations

from dashboard.language import _


def labels_of_life() -> dict[str, str]:
    """The name of each field."""
    return {
        "adapted": _("What was adapted"),
        "aim": _("What it is to reach"),
        "alarms_answered": _("Who answers alarms at which hour is settled"),
        "budget": _("Budget"),
        "budget_in_line": _("The money stands in the line’s budget"),
        "by_name": _("Who says so (name and role)"),
        "decision": _("What was decided"),
        "devices": _("How many devices"),
        "effect_goals": _("Effect goals"),
        "gate": _("Gate"),
        "handed_over_on": _("Handed over on"),
        "idea": _("Idea"),
        "last_support_on": _("Last day on which the project helped"),
        "learned": _("What was learned"),
        "line_owner": _("Line owner (role)"),
        "need": _("Need"),
        "next_phase": _("Phase that comes now"),
        "next_step": _("What comes next"),
        "note": _("What is left to do"),
        "number": _("Number of the round"),
        "origin_unit": _("Unit that tried it"),
        "part_of": _("Part of the programme"),
        "passed": _("It is held to be passed"),
        "people": _("How many people took part"),
        "phase": _("Phase"),
        "privacy_settled": _("Legal basis and data protection are settled for operation"),
        "raised_by": _("Came from (role or service)"),
        "raised_on": _("Raised on"),
        "reason": _("Why"),
        "receiving_unit": _("Unit that takes it on"),
        "result_goals": _("Result goals"),
        "routines_written": _("Routines are written and known"),
        "solution": _("What might help"),
        "spent_on": _("Paid on"),
        "staff_trained": _("Those who will do it are trained"),
        "supplier_agreed": _("Agreement, support and spare parts are settled with the supplier"),
        "test": _("How it is tried, and with whom"),
        "transferability": _("What differs there and may change the result"),
        "voter": _("Who votes (role or code)"),
        "idea.title": _("The idea in a few words"),
        "idea.status": _("What became of it"),
        "idea.trial": _("Trial that it became"),
        "idea.unit": _("Unit it came from"),
        "cycle.solution": _("Solution that is tried"),
        "cycle.need": _("Need that the round starts from"),
        "programme.name": _("Name of the programme"),
        "phase.owner": _("Who answers for the phase (role)"),
        "decision.decided_by": _("Roles that decided"),
        "spend.item": _("What was paid for"),
        "spend.amount": _("Amount"),
        "transfer.status": _("How far it has come"),
        "transfer.from_day": _("In use there from, or decided on"),
    }


def hints_of_life() -> dict[str, str]:
    """What to write into a field, where its name does not say it all."""
    return {
        "budget": _("In the trial’s currency."),
        "devices": _("0 where none was needed."),
        "effect_goals": _("What is to be different, and for whom; one a line."),
        "result_goals": _("What the phase is to deliver; one a line."),
        "need": _("Whose need, and when it shows."),
        "raised_by": _("A role or a service; no names."),
        "voter": _("One voice each."),
        "reason": _("In a sentence or two."),
        "idea.reason": _("Where it was declined or put off."),
        "by_name": _("This one name is asked for, because somebody answers for it."),
        "handed_over_on": _("Leave it empty until it is done."),
        "ambassador.trained_on": _("Leave it empty until it is done."),
        "transferability": _("People, services, homes."),
        "receiving_unit": _("Choose one, or write a name and press Enter."),
        "origin_unit": _("Choose one, or write a name and press Enter."),
        "test": _("A test may be one question or a drawing, with one person."),
        "decision.decided_by": _("Roles, not names."),
    }
