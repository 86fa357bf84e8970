"""What the trial gave, as the one page tells it: gains, what became worse, money, and how sure all of that is."""

from __future__ import annotations

from collections import Counter
from itertools import count

from dashboard.client import Json
from dashboard.entry_choices import choice
from dashboard.entry_words import label
from dashboard.gain_sentences import (
    BOOKKEEPING,
    against_target,
    aloud,
    decimals,
    other_design,
    skew_warning,
    told,
)
from dashboard.harm_words import happened, more
from dashboard.language import (
    _,
    between,
    day,
    money,
    ngettext,
    number,
    parse_day,
    percent,
    percent_range,
    sentence,
    signed,
    titled,
)
from dashboard.money_words import (
    a_year,
    break_even,
    left_out,
    parameter_value,
    pays_back,
    source,
)
from dashboard.money_words import payer as payer_words
from dashboard.one_page.blocks import Block, Sentence, Table, full_stop, own_words
from dashboard.wording import homes, quoted

GAINS_KEPT = 3
"""So many gains stand whatever the room, and beyond them each that went the wrong way."""

ASSUMPTIONS_NAMED = 3

SEVERITIES = ("serious", "moderate", "minor")


def gains(benefit: Json) -> list[Block]:
    """A sentence a gain, the planned and measured ones first: the sentence of the benefit page, with its doubts."""
    found = benefit["gains"]
    if not found:
        return [Sentence(_("No gain is named, so nothing can show whether it helps."))]
    ordered = sorted(
        found, key=lambda each: (not each["figures"]["planned"], told(each["figures"]) in ("nothing", "few"))
    )
    blocks: list[Block] = []
    for place, each in enumerate(ordered):
        gain = each["figures"]
        kept = place < GAINS_KEPT or told(gain) == "worse"
        title = own_words(gain["title"])
        blocks.append(Sentence(_gain(each), title, 0 if kept else 20 + place, quoted(title)))
    return blocks + _voices(benefit)


def _gain(each: Json) -> str:
    gain = each["figures"]
    parts = [aloud(gain)]
    if gain["target"] is not None and (reached := against_target(gain)):
        wanted = _("Wanted change: {target}").format(target=signed(gain["target"], decimals(gain)))
        parts.append(f"{wanted} – {reached}.")
    parts += [words for words in (other_design(gain), skew_warning(gain)) if words]
    if gain["homes_missing"] and gain["homes"]:
        missing = ngettext(
            "{n} home lacks a value before or after",
            "{n} homes lack a value before or after",
            gain["homes_missing"],
        )
        parts.append(f"{missing}.")
    if not gain["planned"]:
        parts.append(sentence(_("not planned, but seen")) + ".")
    for late in each["late_changes"]:
        fields = [label("gain", field) for field in late["fields"] if field not in BOOKKEEPING]
        if fields:
            parts.append(
                _("Changed after the start, on {day}: {fields}.").format(
                    day=day(parse_day(late["changed_at"])), fields=", ".join(fields)
                )
            )
    return " ".join(dict.fromkeys(parts))  # what is said twice, as of two changes on a day, is said once


def _voices(benefit: Json) -> list[Block]:
    """One who is content and one who is not, residents first, of those who let everyone read what they said."""
    picked = [
        max(
            (each for each in benefit["feedback"] if each["tone"] in tones),
            key=lambda each: (each["said_by"] in ("resident", "relative"), each["said_on"]),
            default=None,
        )
        for tones in (("good",), ("bad", "mixed"))
    ]
    return [
        Sentence(
            quoted(own_words(each["words"])),
            sentence(choice("feedback", "said_by", each["said_by"])),
            30,
            _("what people say"),
        )
        for each in picked
        if each is not None
    ]


def harms(benefit: Json) -> list[Block]:
    """What happened and what became worse, none left out: what has no room is counted by how bad it is."""
    adverse = benefit["adverse"]
    blocks: list[Block] = [Sentence(f"{happened(adverse)} {'. '.join(map(sentence, more(adverse)))}.")]
    found = [each["harm"] for each in benefit["harms"]]
    if not found:
        return [*blocks, Sentence(_("Nobody has entered a harm."))]
    worst_first = sorted(found, key=lambda harm: SEVERITIES.index(harm["severity"]))
    counted = Counter(choice("harm", "severity", harm["severity"]) for harm in worst_first)
    words = ", ".join(f"{severity} {number(times)}" for severity, times in counted.items())
    blocks.append(Sentence(f"{words}.", _("Harms entered")))
    rank = count(2)
    for harm in worst_first:
        about = f"{choice('harm', 'severity', harm['severity'])}, {day(parse_day(harm['seen_on']))}"
        done = own_words(harm["done"]) or _("nothing was entered of what was done about it")
        blocks.append(
            Sentence(
                f"{about}. {full_stop(sentence(done))}",
                own_words(harm["title"]),
                0 if harm["severity"] == "serious" else next(rank),
                _("single harms"),
            )
        )
    return blocks


def value(benefit: Json) -> list[Block]:
    """Money in three bars by payer, whether it pays for itself, and what is in no sum."""
    found, titles = (
        benefit["money"],
        {each["figures"]["id"]: own_words(each["figures"]["title"]) for each in benefit["gains"]},
    )
    blocks: list[Block] = []
    if found["time"] is not None:
        blocks.append(_time(found, benefit["net_minutes"]["homes"]))
    if found["figures"] is not None:
        blocks += [*_three(found), *_doubts(benefit, titles), *_return(found)]
    if found["left_out"]:
        named = "; ".join(
            f"{titles.get(each['gain'])}: {left_out(each['why'])}" for each in found["left_out"]
        )
        blocks.append(Sentence(f"{named}.", _("In no sum")))
    for each in found["figures"]["assessed"] if found["figures"] else ():
        words = _(
            "{low} to {high} {unit}, likely {likely}; judged by {who}, not measured, and in no sum."
        ).format(
            low=number(each["low"], 1),
            high=number(each["high"], 1),
            unit=each["unit_of_measure"],
            likely=number(each["likely"], 1),
            who=own_words(each["assessed_by"]),
        )
        blocks.append(Sentence(words, own_words(each["title"]), 11, _("what was judged, not measured")))
    return blocks or [Sentence(_("Nothing can be said of money yet."))]


def _time(found: Json, measured: int) -> Sentence:
    time = found["time"]
    words = _(
        "{minutes} minutes in {homes} ({interval}), {new} minutes of new work taken off; at {price} an hour."
    )
    interval = _("no interval")
    if time["low"] is not None:
        interval = _("95% interval {interval}").format(interval=between(time["low"], time["high"]))
    told_time = words.format(
        minutes=signed(time["delivered_minutes_per_week"]),
        homes=homes(measured),
        interval=interval,
        new=number(time["new_work_minutes_per_week"], 1),
        price=money(time["price"]["amount"], found["currency"]),
    )
    return Sentence(told_time, _("Staff time freed a home and week"))


def _three(found: Json) -> list[Block]:
    bars = found["figures"]["bars_by_payer"]
    kinds = ("freed_per_year", "reallocated_per_year", "cashed_per_year")
    shown = [each for each in bars if any(each[kind] for kind in kinds)]
    rows = [(payer_words(each["payer"]), *(number(each[kind]) for kind in kinds)) for each in shown]
    header = (
        _("Payer ({currency} a year)").format(currency=found["currency"]),
        sentence(_("freed")),
        sentence(_("reallocated")),
        sentence(_("cashed")),
    )
    words = _(
        "For {homes}. The three are no sum: what is reallocated and what is cashed are parts of what is freed."
    )
    blocks: list[Block] = [Sentence(words.format(homes=homes(round(found["homes"]))))]
    if rows:
        blocks.append(Table(header, tuple(rows)))
    if found["figures"]["bars"]["freed_per_year"] < 0:
        blocks.append(
            Sentence(
                _(
                    "It takes more than it frees. A loss is carried whole: extra work cannot be reallocated away."
                )
            )
        )
    return blocks


def _doubts(benefit: Json, titles: dict[str, str]) -> list[Block]:
    found = benefit["money"]
    apart = {each["gain"] for each in found["left_out"]}
    unclear = [
        each["figures"]["id"]
        for each in benefit["gains"]
        if each["figures"]["type"] != "quality"
        and each["figures"]["id"] not in apart
        and told(each["figures"]) == "unclear"
    ]
    return [
        Sentence(words.format(gains=", ".join(quoted(titles[each]) for each in gains)))
        for words, gains in (
            (
                _(
                    "Nobody has decided what becomes of {gains}: until then all of it is freed, and none of it is income."
                ),
                found["undecided_gains"],
            ),
            (_("No clear change, and yet in these sums: {gains}. Read the worst case, too."), unclear),
            (
                _("Too little was registered of: {gains}. The sums are as uncertain."),
                found["uncertain_gains"],
            ),
        )
        if gains
    ]


def _return(found: Json) -> list[Block]:
    figures, currency = found["figures"], found["currency"]
    if not found["cost_lines"]:
        return [Sentence(_("No cost is entered, so nothing can be said of whether it pays for itself."))]
    counted = (
        ("cashed", _("Counting only what is cashed")),
        ("put_to_use", _("Counting what is reallocated, too")),
    )
    blocks: list[Block] = []
    if not any(figures[kind]["income_per_year"] for kind, _words in counted):
        words = _(
            "{upfront} are paid at the start and {running}; income is what is cashed or reallocated, and nothing is yet."
        ).format(
            upfront=money(figures["cashed"]["upfront"], currency),
            running=a_year(figures["cashed"]["running_per_year"], currency),
        )
        blocks.append(Sentence(words))
    else:
        blocks += [_pays(found, kind, lead) for kind, lead in counted]
        blocks.append(Sentence(full_stop(break_even(found["even"])), "", 8, _("what it takes to break even")))
    return [*blocks, _assumed(found)]


def _pays(found: Json, kind: str, lead: str) -> Sentence:
    cases, currency = found[f"{kind}_scenarios"], found["currency"]
    worst, base, best = (
        money(cases[case]["result"]["net_present_value"], currency) for case in ("worst", "base", "best")
    )
    words = _("paid back {payback}; worth today {base} as planned, from {worst} at worst to {best} at best.")
    told_return = words.format(payback=pays_back(found["figures"][kind]), base=base, worst=worst, best=best)
    return Sentence(told_return, lead)


def _assumed(found: Json) -> Sentence:
    parts = [
        f"{choice('assumption', 'name', each['name'])} {parameter_value(each['name'], each['value'])} ("
        + (own_words(source(each["source"])) if each["entered"] else _("Nyttig’s, until somebody enters one"))
        + ")"
        for each in found["assumed"]
    ]
    return Sentence("; ".join(parts) + ".", _("Assumed, not measured"))


def how_sure(report: Json, benefit: Json) -> list[Block]:
    """What the figures rest on, and what would break them: what matters for most gains comes first."""
    rate = report["use_day_rate"]
    blocks: list[Block] = []
    if rate["observability"] is not None:
        words = _("{observed} of the days of {homes}; unknown: {unknown}, which never counts as unused.")
        unknown = ngettext("{n} day", "{n} days", rate["unknown_days"])
        told_days = words.format(
            observed=percent(rate["observability"]), homes=homes(rate["homes"]), unknown=unknown
        )
        blocks.append(Sentence(told_days, _("Observed")))
    figures = [each["figures"] for each in benefit["gains"]]
    shares = [gain["registration_ratio"] for gain in figures if gain["registration_ratio"] is not None]
    if shares:
        spread = (
            percent(shares[0])
            if percent(min(shares)) == percent(max(shares))
            else percent_range(min(shares), max(shares))
        )
        words = _("{share} of what was due, gain by gain; below {limit} a gain is called uncertain.")
        limit = percent(report["parameters"]["registration_ratio_required"])
        blocks.append(Sentence(words.format(share=spread, limit=limit), _("Registered")))
    blocks += _granted(benefit, figures)
    if not report["data"]["homes"]:
        return blocks
    blocks.append(
        Sentence(
            _(
                "All of this is about {homes} at that time. It is no estimate for a whole municipality or country."
            ).format(homes=homes(report["data"]["homes"]))
        )
    )
    return blocks


def _granted(benefit: Json, figures: list[Json]) -> list[Block]:
    measured = [gain["change"]["assumptions"] for gain in figures if told(gain) != "nothing"]
    keys = Counter(key for assumptions in measured for key in assumptions)
    if not keys:
        return []
    named = [key for key, _times in keys.most_common(ASSUMPTIONS_NAMED)]
    words = " ".join(titled(benefit["assumptions"].get(key), key) for key in named)
    if rest := len(keys) - len(named):
        words += " " + ngettext(
            "{n} more stands on the benefit page.", "{n} more stand on the benefit page.", rest
        )
    asked = _(
        "The interval says what chance could do. It knows nothing of these; ask whether one of them holds:"
    )
    return [Sentence(f"{asked} {words}")]
