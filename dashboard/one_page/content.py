"""The content of a trial's one page, made once from what the API says of its report, its benefit and its life."""

from __future__ import annotations

from dashboard import gate_words
from dashboard.charts import weeks as week_charts
from dashboard.client import Json
from dashboard.entry_choices import choice
from dashboard.entry_words import label
from dashboard.gain_sentences import planned_days
from dashboard.language import (
    _,
    current,
    day,
    moment,
    money,
    ngettext,
    number,
    parse_day,
    parse_moment,
    percent,
    sentence,
    signed,
    titled,
)
from dashboard.one_page.blocks import (
    Band,
    Block,
    OnePage,
    Picture,
    Section,
    Sentence,
    Table,
    full_stop,
    own_words,
)
from dashboard.one_page.gave import gains, harms, how_sure, value
from dashboard.palette import UNKNOWN
from dashboard.wording import (
    coverage_note,
    coverage_title,
    coverage_value,
    due_note,
    end_reason,
    funnel_step,
    homes,
    indicator,
    lossy_note,
    rate_note,
    rate_value,
    share_interval,
    share_value,
)

GOALS_OF = ("main_project", "pre_project", "pre_study", "idea", "operation")
"""The phases whose effect goals are the trial's, the first that has any."""


def one_page(report: Json, benefit: Json, life: Json) -> OnePage:
    """The page in the language that is read in. All three are of one trial and one moment."""
    trial = report["trial"]
    sections = (
        Section(_("Why"), tuple(_why(benefit, life))),
        Section(_("How it was used"), tuple(_use(report))),
        Section(_("What it gave"), tuple(gains(benefit))),
        Section(_("What became worse, or could have?"), tuple(harms(benefit))),
        Section(_("What is it worth, and to whom?"), (*value(benefit), *_spent(life))),
        Section(_("How sure is this?"), tuple(how_sure(report, benefit))),
        Section(_("Nytt, nyttig, nyttiggjort"), tuple(_gates(life))),
        Section(_("What was decided"), tuple(_decided(life))),
        Section(_("What is next"), tuple(_next(benefit, life))),
    )
    return OnePage(
        language=current().code,
        title=trial["title"],
        about=_about(trial),
        sections=tuple(section for section in sections if section.blocks),
        foot=_("Figures as of {moment}. Definitions version {version}.").format(
            moment=moment(parse_moment(report["as_of"]), trial["timezone"]),
            version=report["definitions_version"],
        ),
        left_out=_("No room here, see the benefit page and the trial’s pages for: {names}."),
        made_at=report["as_of"],
    )


def _about(trial: Json) -> str:
    last = parse_day(trial["ends"])
    first = day(parse_day(trial["starts"]))
    span = (
        _("{first} to {last}").format(first=first, last=day(last))
        if last
        else _("from {first}").format(first=first)
    )
    parts = [titled(trial["technology_titles"], trial["technology"]), *trial["units"], span]
    return " · ".join([*parts, trial["programme"]] if trial["programme"] else parts)


def _why(benefit: Json, life: Json) -> list[Block]:
    needs = [told["idea"]["need"] for told in life["ideas"]]
    needs = needs or [each["cycle"]["need"] for each in life["cycles"]]
    blocks: list[Block] = [Sentence(own_words(needs[0]) if needs else _("not entered"), _("Need"))]
    phases = {phase["phase"]: phase["effect_goals"] for phase in life["phases"]}
    goals = next((phases[name] for name in GOALS_OF if phases.get(name)), None)
    told = own_words("; ".join(goals)) if goals else _("not entered")
    blocks.append(Sentence(told, _("Effect goals")))
    planned = [each["figures"] for each in benefit["gains"] if each["figures"]["planned"]]
    wanted = "; ".join(_wanted(gain) for gain in planned)
    blocks.append(Sentence(wanted or _("no gain was planned"), _("Gains wanted"), 12, _("the gains wanted")))
    return blocks


def _wanted(gain: Json) -> str:
    if gain["target"] is None:
        return own_words(gain["title"])
    what = indicator(gain["indicator"])
    measure = "" if what == gain["indicator"] else f" ({what})"
    return f"{own_words(gain['title'])}: {signed(gain['target'])}{measure}"


def _use(report: Json) -> list[Block]:
    standby = report["trial"]["usage_class"] == "standby"
    blocks: list[Block] = []
    if report["weeks"]:
        blocks.append(_weeks(report["weeks"], standby=standby))
    if standby:
        blocks += _stands_by(report)
    else:
        blocks += _days(report)
    blocks.append(_funnel(report["funnel"]["steps"]))
    ended = {code: count for code, count in report["funnel"]["ended"].items() if count}
    if ended:
        total = sum(ended.values())
        reasons = ", ".join(f"{end_reason(code)} ({number(count)})" for code, count in ended.items())
        blocks.append(
            Sentence(f"{ngettext('{n} home has ended', '{n} homes have ended', total)}: {reasons}.")
        )
    else:
        blocks.append(Sentence(_("No home has ended.")))
    return blocks


def _weeks(weeks: list[Json], *, standby: bool) -> Picture:
    bands = week_charts.bands(standby=standby)
    rows = week_charts.rows(weeks)
    shown = ", ".join(f"{name} {number(rows[-1][field])}" for field, name, _colour in bands)
    highest = max(sum(row[field] for field, _name, _colour in bands) for row in rows)
    first, last = (day(parse_day(rows[place]["starts_on"])) for place in (0, -1))
    words = _(
        "Homes week by week, a column a week, the highest {homes}. In the last week, from {day}: {shown}."
    ).format(homes=homes(highest), day=last, shown=shown)
    if not rows[-1]["complete"]:
        words += " " + _("The last week is not over.")
    return Picture(
        words=words,
        bands=tuple(Band(name, colour, colour == UNKNOWN) for _field, name, colour in bands),
        columns=tuple(tuple(float(row[field]) for field, _name, _colour in bands) for row in rows),
        first=first,
        last=last,
    )


def _days(report: Json) -> list[Block]:
    blocks: list[Block] = []
    told, rate = report["participation"], report["use_day_rate"]
    if told is not None and told["steady"]["done"]["of"]:
        steady = told["steady"]
        words = f"{share_interval(steady['done'])} · {due_note(told, len(told['homes']))}."
        words += " " + _("{late} late, {missed} missed.").format(
            late=number(steady["late"]), missed=number(steady["missed"])
        )
        blocks.append(Sentence(words, _("Done in time")))
    days = f"{rate_value(rate)} · {rate_note(rate)}."
    blocks.append(Sentence(f"{days} {lossy_note(rate)}".strip(), _("Days in use")))
    habit, stayed = report["sustained"], report["retention"]
    words = share_interval(habit["share"])
    if habit["share"]["of"]:
        words = f"{share_value(habit['share'])}, {words}"
    if habit["too_early"]:
        words += " · " + ngettext("{n} home too new to say", "{n} homes too new to say", habit["too_early"])
    if habit["unknown"]:
        words += " · " + ngettext("{n} home unknown", "{n} homes unknown", habit["unknown"])
    blocks.append(Sentence(f"{words}.", _("Became a habit")))
    if not stayed["homes"]:
        return blocks
    words = _("{share} homes that began: no use on {days} observed days, or somebody recorded it.").format(
        share=share_value({"count": stayed["abandoned"], "of": stayed["homes"]}),
        days=number(stayed["abandonment_days"]),
    )
    return [*blocks, Sentence(words, _("Stopped using it"))]


def _stands_by(report: Json) -> list[Block]:
    told = report["coverage"]
    words = f"{coverage_value(told)} · {coverage_note(told, report['data']['homes'])}."
    blocks: list[Block] = [Sentence(words, coverage_title(told))]
    if report["alarms"] is None:
        return blocks
    figures = report["alarms"]["all"]
    words = _("{n} raised in {homes} that could have raised one").format(
        n=number(figures["raised"]), homes=homes(report["alarms"]["homes_watched"])
    )
    if figures["handled_in_time"]["of"]:
        words += "; " + _("{share} handled within {minutes} minutes, {interval}").format(
            share=share_value(figures["handled_in_time"]),
            minutes=number(report["parameters"]["alarm_handled_within_minutes"], 1),
            interval=share_interval(figures["handled_in_time"]),
        )
        words += "; " + _("{late} late, {missed} not handled, {unknown} unknown").format(
            late=number(figures["handled_late"]),
            missed=number(figures["missed"]["count"]),
            unknown=number(figures["unknown"]),
        )
    return [*blocks, Sentence(f"{words}.", _("Alarms"))]


def _funnel(steps: list[Json]) -> Table:
    return Table(
        (_("Step"), _("Homes"), _("Of the step before")),
        tuple(
            (
                funnel_step(step["step"]),
                number(step["homes"]),
                share_interval(step["share"]) if step["share"] else "",
            )
            for step in steps
        ),
    )


def _spent(life: Json) -> list[Block]:
    currency, spent, budget = life["trial"]["currency"], life["spent"], life["budget"]
    if budget is None and not spent:
        return []
    words = (
        _("{spent} spent; no budget is entered").format(spent=money(spent, currency))
        if budget is None
        else _("{spent} of {budget} spent ({share})").format(
            spent=money(spent, currency),
            budget=money(budget, currency),
            share=percent(spent / budget if budget else None),
        )
    )
    return [Sentence(f"{words}.", _("The project itself"), 9, _("what the project cost"))]


def _gates(life: Json) -> list[Block]:
    found = life["gates"]
    gates = (*found["new"], found["useful"], found["put_to_use"])
    return [_gate(gate, found["rests_on"]) for gate in gates]


def _gate(gate: Json, rests_on: str) -> Sentence:
    words = f"{gate_words.outcome(gate_words.holds(gate))}. "
    if gate["override"]:
        words += full_stop(own_words(gate_words.held(gate["override"]))) + " "
        computed = gate_words.outcome(gate["outcome"])
        words += _("Computed: {outcome}.").format(outcome=computed) + " "
    words += " ".join([gate_words.reason(gate), *_caveats(gate, rests_on)])
    return Sentence(words, gate_words.title(gate))


def _caveats(gate: Json, rests_on: str) -> list[str]:
    """The numbers and the doubts without which a gate's answer would say too much."""
    if gate["name"] == "useful":
        return gate_words.by_luck(gate["shown"])
    return [gate_words.habit(gate["shown"], rests_on)] if gate["name"] == "put_to_use" else []


def _decided(life: Json) -> list[Block]:
    if not life["decisions"]:
        return [Sentence(_("Nothing is decided yet."))]
    said = life["decisions"][-1]["decision"]
    words = sentence(choice("decision", "decision", said["decision"]))
    if said["next_phase"]:
        words += f" → {choice('decision', 'next_phase', said['next_phase'])}"
    told = _("{decision} ({roles}). {reason}").format(
        decision=words, roles=own_words(said["decided_by"]), reason=own_words(said["reason"])
    )
    return [Sentence(full_stop(told), day(parse_day(said["decided_on"])))]


def _next(benefit: Json, life: Json) -> list[Block]:
    blocks: list[Block] = [_where(life)]
    if life["start_waits_for"] and life["current"] in (None, "idea", "pre_study", "pre_project"):
        blocks.append(_waits(len(life["start_waits_for"])))
    coming = sorted(
        each
        for gain in benefit["gains"]
        for each in planned_days(gain["figures"])
        if each.isoformat() > benefit["as_of"][:10]
    )
    if coming:
        blocks.append(Sentence(f"{day(coming[0])}.", _("Gains are measured next on")))
    steps = [
        each["cycle"]["next_step"]
        for each in life["cycles"]
        if each["cycle"]["next_step"] and each["phase"] in (None, life["current"])
    ]
    if steps:
        told = full_stop(own_words(steps[-1]))
        blocks.append(Sentence(told, _("After the last round"), 6, _("what comes after the last round")))
    handover = life["handover"]
    if handover is not None and handover["left"]:
        left = ", ".join(label("handover", name) for name in handover["left"])
        blocks.append(
            Sentence(f"{left}.", _("Left to do before the hand-over"), 5, _("what is left to hand over"))
        )
    elif handover is not None:
        blocks.append(
            Sentence(_("Line owner: {role}.").format(role=own_words(handover["handover"]["line_owner"])))
        )
    upkeep = life["maintenance"]
    if upkeep["state"] in ("ahead", "under_way"):
        blocks.append(
            Sentence(
                _("Counted again in the 30 days from {due}, half a year after the last support.").format(
                    due=day(parse_day(upkeep["due_on"]))
                )
            )
        )
    return blocks


def _waits(gains: int) -> Sentence:
    return Sentence(
        ngettext(
            "The main project cannot begin: {n} planned gain has no baseline. Measure it, or waive it with a reason.",
            "The main project cannot begin: {n} planned gains have no baseline. Measure them, or waive them with a reason.",
            gains,
        )
    )


def _where(life: Json) -> Sentence:
    if life["current"] is None:
        return Sentence(_("No phase has begun."))
    phase = next(each for each in life["phases"] if each["phase"] == life["current"])
    words = sentence(choice("phase", "phase", life["current"]))
    last = parse_day(phase["ends_on"])
    if last is not None:
        until = (
            _("its last day was {day}, and what comes now is to be decided")
            if phase["days_over"]
            else _("until {day}")
        )
        words += ", " + until.format(day=day(last))
    return Sentence(f"{words}.", _("Now"))
