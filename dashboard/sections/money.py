"""What is it worth, what does it cost, and to whom: three bars by payer, whether it pays, and what that hangs on."""

from __future__ import annotations

import streamlit as st

from dashboard import table
from dashboard.charts import payers
from dashboard.charts.frame import place
from dashboard.charts.payers import Bar
from dashboard.client import Json
from dashboard.entry_choices import choice
from dashboard.facts import fact, plain
from dashboard.gain_sentences import told
from dashboard.language import _, between, day, money, ngettext, number, parse_day, percent, signed
from dashboard.money_words import (
    a_year,
    basis,
    break_even,
    counted,
    left_out,
    parameter,
    parameter_value,
    pays_back,
    source,
)
from dashboard.money_words import payer as payer_words
from dashboard.palette import IN_CONTACT, USED, USED_LITTLE_OBSERVED
from dashboard.sections import entry_form
from dashboard.table import Column
from dashboard.wording import homes, quoted

PLACE = "benefit-money"


def show(benefit: Json, *, may_change: bool) -> None:
    """Money of the trial, as far as it can be told; nothing is summed that does not belong together."""
    found, trial = benefit["money"], benefit["trial"]["id"]
    titles = {each["figures"]["id"]: each["figures"]["title"] for each in benefit["gains"]}
    st.header(_("What is it worth, and to whom?"), anchor=False)
    if found["time"] is None and found["figures"] is None:
        st.caption(
            _(
                "Nothing can be said of money yet. Enter what it costs, what an hour is worth and what freed time becomes in "
                "the gain register below."
            )
        )
    if found["time"] is not None:
        _time(found)
    if found["figures"] is not None:
        _three(found)
        _undecided(found, trial, titles, may_change)
        _doubtful(benefit, titles)
        _return(found, titles, trial, may_change)
    _out(found, titles, trial, may_change)
    _active(found)
    _assessed(found)
    _assumed(found)


def _time(found: Json) -> None:
    time, currency = found["time"], found["currency"]
    price = time["price"]
    left, right = st.columns(2, gap="medium")
    with left:
        note = _("{minutes} of new work taken off").format(
            minutes=_("{minutes} min").format(minutes=number(time["new_work_minutes_per_week"], 1))
        )
        if time["low"] is not None:
            note = (
                _("95% interval {interval}").format(interval=between(time["low"], time["high"]))
                + " · "
                + note
            )
        fact(
            _("Delivered: staff minutes freed a home and week"),
            signed(time["delivered_minutes_per_week"]),
            note,
        )
    with right:
        granted = time["granted_minutes_per_week"]
        fact(
            _("Granted: help cut a home and week"),
            "–" if granted is None else _("{minutes} min").format(minutes=number(granted, 1)),
            _("not entered") if granted is None else _("decided on paper; only what was delivered is priced"),
        )
    st.caption(
        plain(
            _("Priced at {amount} an hour, {basis}; prices of {year}; {source}.").format(
                amount=money(price["amount"], currency),
                basis=basis(price["basis"]),
                year=price["year"],
                source=source(price["source"]),
            )
        )
    )


def _three(found: Json) -> None:
    figures, currency = found["figures"], found["currency"]
    st.subheader(_("Freed, reallocated, cashed"), anchor=False)
    st.markdown(
        _(
            "{currency} a year for {homes}, by payer. The three are no sum: what is reallocated to other care and what is "
            "cashed, taken out of a budget, are parts of what is freed."
        ).format(currency=currency, homes=homes(round(found["homes"])))
    )
    kinds = (
        ("freed_per_year", _("freed"), IN_CONTACT),
        ("reallocated_per_year", _("reallocated"), USED_LITTLE_OBSERVED),
        ("cashed_per_year", _("cashed"), USED),
    )
    rows = [
        Bar(
            f"{payer_words(each['payer'])}: {words}",
            0.0,
            each[kind],
            counted(each[kind]),
            colour,
            None if kind == kinds[0][0] else words,
        )
        for each in figures["bars_by_payer"]
        if any(each[kind] for kind, _words, _colour in kinds)
        for kind, words, colour in kinds
    ]
    if rows:
        words = "; ".join(f"{bar.name} {bar.shown}" for bar in rows)
        place(
            "three-bars",
            payers.bars(rows),
            payers.BAR_PX * len(rows) + 20,
            _("{currency} a year for {homes}: {words}").format(
                currency=currency, homes=homes(round(found["homes"])), words=words
            ),
        )
        table.beside(
            "three-bars",
            [{**each, "payer": payer_words(each["payer"])} for each in figures["bars_by_payer"]],
            [
                Column("payer", _("Payer")),
                Column("freed_per_year", _("Freed a year"), "number"),
                Column("reallocated_per_year", _("Reallocated a year"), "number"),
                Column("cashed_per_year", _("Cashed a year"), "number"),
            ],
        )
    if figures["bars"]["freed_per_year"] < 0:
        st.warning(
            _("It takes more than it frees. A loss is carried whole: extra work cannot be reallocated away."),
            icon=":material/trending_down:",
        )
    if len(figures["price_years"]) > 1:
        st.caption(
            _("Prices of different years meet here ({years}); nothing is adjusted.").format(
                years=", ".join(map(str, figures["price_years"]))
            )
        )


def _undecided(found: Json, trial: str, titles: dict[str, str], may_change: bool) -> None:
    if not found["undecided_gains"]:
        return
    named = ", ".join(quoted(titles.get(each, each)) for each in found["undecided_gains"])
    st.warning(
        plain(
            _(
                "Nobody has decided what becomes of {gains}: until then all of it is freed, and none of it is income."
            ).format(gains=named)
        ),
        icon=":material/help:",
    )
    if may_change:
        for each in found["undecided_gains"]:
            entry_form.offer(
                "realisation",
                trial,
                place=f"{PLACE}-{each}",
                given={"gain": each},
                title=_("Decide what becomes of “{gain}”").format(gain=plain(titles.get(each, each))),
            )


def _doubtful(benefit: Json, titles: dict[str, str]) -> None:
    """Gains that are in the sums although their interval holds zero, or too little of them was registered."""
    sums = {each["gain"] for each in benefit["money"]["left_out"]}
    unclear = [
        each["figures"]["title"]
        for each in benefit["gains"]
        if each["figures"]["type"] != "quality"
        and each["figures"]["id"] not in sums
        and told(each["figures"]) == "unclear"
    ]
    if unclear:
        st.warning(
            plain(
                _("No clear change, and yet in these sums: {gains}. Read the worst case, too.").format(
                    gains=", ".join(map(quoted, unclear))
                )
            ),
            icon=":material/help:",
        )
    uncertain = [titles.get(each, each) for each in benefit["money"]["uncertain_gains"]]
    if uncertain:
        st.warning(
            plain(
                _("Too little was registered of: {gains}. The sums are as uncertain.").format(
                    gains=", ".join(map(quoted, uncertain))
                )
            ),
            icon=":material/help:",
        )


def _return(found: Json, titles: dict[str, str], trial: str, may_change: bool) -> None:
    figures, currency = found["figures"], found["currency"]
    st.subheader(_("Does it pay for itself?"), anchor=False)
    if not found["cost_lines"]:
        st.info(_("No cost is entered, so nothing can be said of it. Enter what it costs, and who pays."))
        if may_change:
            entry_form.offer("cost", trial, place=PLACE)
        return
    ways = (
        (_("only what is cashed"), figures["cashed"]),
        (_("cashed and reallocated"), figures["put_to_use"]),
    )
    # A loss alone is no plan: as long as something is undecided, it is too early to tell.
    incomes = [each["income_per_year"] for _words, each in ways]
    if not any(incomes) or (found["undecided_gains"] and max(incomes) <= 0):
        st.info(
            _(
                "{upfront} are paid at the start and {running}; income is what is cashed or reallocated, and nothing is yet."
            ).format(
                upfront=money(figures["cashed"]["upfront"], currency),
                running=a_year(figures["cashed"]["running_per_year"], currency),
            )
        )
        return
    years = next(each["value"] for each in found["assumed"] if each["name"] == "horizon_years")
    rate = next(each["value"] for each in found["assumed"] if each["name"] == "discount_rate")
    for words, each in ways:
        st.markdown(
            plain(
                _(
                    "Counting {what}: {income}; paid back {payback}; worth today {value} over {years} years at {rate}."
                ).format(
                    what=words,
                    income=a_year(each["income_per_year"], currency),
                    payback=pays_back(each),
                    value=money(each["net_present_value"], currency),
                    years=number(years),
                    rate=percent(rate),
                )
            )
        )
    _cases(found)
    _tornado(found, titles)


def _cases(found: Json) -> None:
    currency = found["currency"]
    cases = (("worst", _("Worst")), ("base", _("As planned")), ("best", _("Best")))
    table.show(
        "scenarios",
        [
            {
                "case": words,
                "cashed": money(found["cashed_scenarios"][case]["result"]["net_present_value"], currency),
                "put_to_use": money(
                    found["put_to_use_scenarios"][case]["result"]["net_present_value"], currency
                ),
            }
            for case, words in cases
        ],
        [
            Column("case", _("If all goes")),
            Column("cashed", _("Worth today, only cashed")),
            Column("put_to_use", _("Worth today, cashed and reallocated")),
        ],
    )
    st.caption(
        _("Worst and best push everything at once to the ends of its range; they carry no probability.")
    )


def _tornado(found: Json, titles: dict[str, str]) -> None:
    swings, currency = found["swings"], found["currency"]
    if swings:
        st.subheader(_("What does that hang on?"), anchor=False)
        base = found["figures"]["put_to_use"]["net_present_value"]
        st.caption(
            _(
                "What it is worth today in {currency}, cashed and reallocated, with one number at either end of its range."
            ).format(currency=currency)
        )
        rows = [
            Bar(
                parameter(swing["range"]["parameter"], titles),
                min(swing["at_low"], swing["at_high"]),
                max(swing["at_low"], swing["at_high"]),
                _("{low} to {high}").format(
                    low=counted(min(swing["at_low"], swing["at_high"])),
                    high=counted(max(swing["at_low"], swing["at_high"])),
                ),
                payers.colour(min(swing["at_low"], swing["at_high"])),
            )
            for swing in swings
        ]
        words = _(
            "What it is worth today with one number at either end of its range, {base} as planned: {rows}"
        ).format(base=money(base, currency), rows="; ".join(f"{bar.name} {bar.shown}" for bar in rows))
        place("tornado", payers.bars(rows, base, room=1.1, limit=125), payers.BAR_PX * len(rows) + 20, words)
        table.beside(
            "tornado",
            [
                {
                    "name": parameter(code, titles),
                    "low": parameter_value(code, swing["range"]["low"]),
                    "high": parameter_value(code, swing["range"]["high"]),
                    "at_low": swing["at_low"],
                    "at_high": swing["at_high"],
                    "source": source(swing["range"]["source"]),
                }
                for swing in swings
                for code in (swing["range"]["parameter"],)
            ],
            [
                Column("name", _("What")),
                Column("low", _("From")),
                Column("high", _("To")),
                Column("at_low", _("Worth at the first"), "number"),
                Column("at_high", _("Worth at the second"), "number"),
                Column("source", _("Rests on")),
            ],
        )
    st.markdown(plain(break_even(found["even"])))


def _out(found: Json, titles: dict[str, str], trial: str, may_change: bool) -> None:
    if not found["left_out"]:
        return
    st.subheader(_("In no sum"), anchor=False)
    st.markdown(
        "\n".join(
            f"- {plain(titles.get(each['gain'], each['gain']))}: {plain(left_out(each['why']))}"
            for each in found["left_out"]
        )
    )
    if may_change and any(each["why"] == "no_rate" for each in found["left_out"]):
        entry_form.offer("rate", trial, place=PLACE)


def _active(found: Json) -> None:
    cost, months = found["cost_per_active_home_month"], found["active_homes_by_month"]
    if cost is None:
        return
    fact(
        _("Cost of a month in which a home used it"),
        money(cost, found["currency"]),
        _(
            "{months}, with {low} to {high} homes that used it · what has no stated life is charged in full"
        ).format(
            months=ngettext("{n} month", "{n} months", len(months)),
            low=number(min(months)),
            high=number(max(months)),
        ),
    )


def _assessed(found: Json) -> None:
    """Ranges that somebody judged: beside the sums, in none of them."""
    if not found["assessed"]:
        return
    st.subheader(_("Judged, not measured, and in no sum"), anchor=False)
    st.markdown(
        "\n".join(
            "- "
            + plain(
                _(
                    "{title}: {low} to {high} {unit}, likely {likely}; judged by {who} on {day}: {basis}"
                ).format(
                    title=each["title"],
                    low=number(each["low"], 1),
                    high=number(each["high"], 1),
                    likely=number(each["likely"], 1),
                    unit=each["unit_of_measure"],
                    who=each["assessed_by"],
                    day=day(parse_day(each["assessed_on"])),
                    basis=each["basis"],
                )
            )
            for each in found["assessed"]
        )
    )


def _assumed(found: Json) -> None:
    with st.expander(_("Numbers that nobody measured"), icon=":material/edit_note:"):
        table.show(
            "assumed",
            [
                {
                    "name": choice("assumption", "name", each["name"]),
                    "value": parameter_value(each["name"], each["value"]),
                    "range": "–"
                    if each["low"] is None or each["high"] is None
                    else _("{low} to {high}").format(
                        low=parameter_value(each["name"], each["low"]),
                        high=parameter_value(each["name"], each["high"]),
                    ),
                    "source": source(each["source"])
                    if each["entered"]
                    else _("Nyttig’s, until somebody enters one"),
                }
                for each in found["assumed"]
            ],
            [
                Column("name", _("What")),
                Column("value", _("Used")),
                Column("range", _("Range")),
                Column("source", _("Rests on")),
            ],
        )
