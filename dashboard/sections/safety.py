"""Safety of homes: what is due and since when, and the form that settles it; never a device's fault."""

from __future__ import annotations

from html import escape

import streamlit as st

from dashboard import live, registry, table
from dashboard.address import href
from dashboard.client import Json
from dashboard.entry_choices import choice
from dashboard.facts import fact, plain
from dashboard.language import _, day, ngettext, number, parse_day, percent, within
from dashboard.palette import BAD, CAREFUL, FAINT, INK
from dashboard.sections import doses, entry_form
from dashboard.table import Column
from dashboard.wording import share_interval, share_value

SIGNS = {
    "adverse_open": "■",
    "found_unsuitable": "■",
    "alarm_missed": "▲",
    "doses_missed": "▲",
    "not_assessed": "□",
    "assess_again": "↻",
    "not_trained": "□",
}
"""The sign alone is enough, without its colour."""
URGENT = frozenset({"adverse_open", "found_unsuitable", "alarm_missed", "doses_missed"})
HOMES_IN_BLOCK = 4
CARDS_AT_ONCE = 20
ASSESSMENT = ("outcome", "assessed_on", "assessed_by", "again_on")
TRAINING = ("given_to", "given_on", "given_by")
EVENT = ("what", "severity", "handled_on", "done")


def block(report: Json) -> None:
    """On the trial's page, in a few lines: how much is due, what is most urgent, and the way to the page that settles it."""
    told = live.safety(report["trial"]["id"])
    st.header(_("Safety: due"), anchor=False)
    page = _("Safety of each home")
    link = f"[{page}]({href('safety', trial=told['trial_id'])})"
    if not told["due_homes"]:
        st.markdown(_("Nothing is due in any home.") + f" {link}")
        return
    kinds: dict[str, int] = {}
    for home in told["homes"]:
        for due in home["due"]:
            kinds[due["kind"]] = kinds.get(due["kind"], 0) + 1
    summed = " · ".join(
        f"{number(kinds[rule['kind']])} × {kind_words(rule['kind'])}"
        for rule in told["rules"]
        if rule["kind"] in kinds
    )
    st.markdown(f"{_due_homes(told['due_homes'])}: {plain(summed)}.")
    lines = "".join(
        f'<div style="padding:.1rem 0"><b>{escape(home["home"])}</b> · {escape(home["unit"])}: '
        f"{_signed(home['due'][0])}</div>"
        for home in told["homes"][:HOMES_IN_BLOCK]
        if home["due"]
    )
    st.html(f'<div style="color:{INK};overflow-wrap:anywhere;font-size:.95rem">{lines}</div>')
    st.markdown(link)


def facts(told: Json) -> None:
    """How many homes have something due, are assessed and trained, and what became of alarms, doses and adverse events."""
    first, second, third, fourth = st.columns(4)
    of = number(told["in_use"])
    with first:
        fact(
            _("Homes with something due"),
            number(told["due_homes"]),
            _("of {n} that have the technology").format(n=of),
        )
    with second:
        fact(
            _("Assessed"),
            _("{count} of {of}").format(count=number(told["assessed"]), of=of),
            _("suitability, in homes that have the technology"),
        )
    with third:
        fact(
            _("Training given"),
            _("{count} of {of}").format(count=number(told["trained"]), of=of),
            _("somebody of the home was taught"),
        )
    with fourth:
        fact(
            _("Adverse events"),
            _("{n} open").format(n=number(told["adverse_open"])),
            _("{n} dealt with").format(n=number(told["adverse_closed"])),
        )
    _alarms(told)
    doses.facts(told)


def due(told: Json) -> None:
    """A card for each home with something due, the most urgent first, with the form that settles each point.

    A home of which the reader has just settled the last point keeps its place until something else is done.
    """
    trial = told["trial_id"]
    homes = [home for home in told["homes"] if home["due"]]
    key = f"safety:shown:{trial}"
    before: list[str] = st.session_state.get(key, [])
    settled = [home for home in told["homes"] if not home["due"] and _last_of(home["home"])]
    for home in settled:
        position = before.index(home["home"]) if home["home"] in before else 0
        homes.insert(min(position, len(homes)), home)
    st.session_state[key] = [home["home"] for home in homes]
    doses.device_first(told)
    if not homes:
        st.success(_("Nothing is due in any home."), icon=":material/check_circle:")
        return
    more = f"{key}:more"
    shown = st.session_state.get(more, CARDS_AT_ONCE)
    for home in homes[:shown]:
        _card(told, home)
    if len(homes) > shown and st.button(
        _("Show more homes ({n})").format(n=number(len(homes) - shown)), key=f"{more}:press"
    ):
        st.session_state[more] = shown + CARDS_AT_ONCE
        st.rerun()


def to_come(told: Json) -> None:
    """What falls due soon, and homes to assess before the technology is put in."""
    lines = [
        f"- **{plain(home['home'])}** · {plain(kind_words(point['kind']))}: {plain(day(parse_day(point['since'])))}"
        for home in told["homes"]
        for point in home["to_come"]
    ]
    waiting = [home["home"] for home in told["homes"] if home["before_installation"]]
    if not lines and not waiting:
        return
    st.header(_("To come"), anchor=False)
    if lines:
        st.markdown(
            _("Due within {days} days:").format(days=number(told["ahead_days"])) + "\n" + "\n".join(lines)
        )
    if waiting:
        st.markdown(
            _("To be assessed before the technology is put in: {homes}.").format(
                homes=plain(", ".join(waiting))
            )
        )


def every_home(told: Json) -> None:
    """All homes as a table, and as a file."""
    rows = [
        {
            "home": home["home"],
            "unit": home["unit"],
            "outcome": (home["suitability"] or {}).get("outcome"),
            "assessed_on": (home["suitability"] or {}).get("assessed_on"),
            "again_on": (home["suitability"] or {}).get("again_on"),
            "trained_on": home["trained_on"],
            "alarms_in_time": home["alarms"]["handled_in_time"]["count"] if home["alarms"] else None,
            "alarms_known": home["alarms"]["handled_in_time"]["of"] if home["alarms"] else None,
            "doses_missed": home["doses"]["missed"] if home["doses"] else None,
            "doses_late": home["doses"]["late"] if home["doses"] else None,
            "doses_known": home["doses"]["done"]["of"] if home["doses"] else None,
            "doses_unknown": home["doses"]["unknown"] if home["doses"] else None,
            "adverse_open": home["adverse_open"],
            "adverse_closed": home["adverse_closed"],
            "due": " ".join(point["kind"] for point in home["due"]),
        }
        for home in told["homes"]
    ]
    shown = [
        {
            **row,
            "outcome": choice("suitability", "outcome", row["outcome"]) if row["outcome"] else None,
            "alarms": None
            if row["alarms_known"] is None
            else _("{count} of {of}").format(count=row["alarms_in_time"], of=row["alarms_known"]),
            "doses": doses.words(home["doses"]) if home["doses"] else None,
            "due": "; ".join(point_words(point) for point in home["due"]),
        }
        for row, home in zip(rows, told["homes"], strict=True)
    ]
    table.show(
        "safety",
        shown,
        [
            Column("home", _("Home")),
            Column("unit", _("Unit")),
            Column("due", _("Due")),
            Column("outcome", _("Suitability")),
            Column("assessed_on", _("Assessed"), "day"),
            Column("again_on", _("Again by"), "day"),
            Column("trained_on", _("Training given"), "day"),
            Column("alarms", _("Alarms handled in time")),
            *(
                [Column("doses", _("Doses, last {days} days").format(days=number(told["dose_days"])))]
                if told["doses"]
                else []
            ),
            Column("adverse_open", _("Adverse events, open"), "number"),
            Column("adverse_closed", _("dealt with"), "number"),
        ],
    )
    table.download("safety", lambda: rows)


def rules(told: Json) -> None:
    """When something is due, and who asks for it."""
    with st.expander(_("When is something due?"), icon=":material/help:"):
        for rule in told["rules"]:
            st.markdown(
                f"- **{plain(kind_words(rule['kind']))}**: {_rule(rule, told)} *{_source(rule['source'])}*"
            )
        st.caption(
            _(
                "Helsetilsynet, the Norwegian Board of Health Supervision, looked in 2024 at medicine dispensers in home care: "
                "was suitability assessed, were users trained, was it followed up? It found breaches in nearly three of five "
                "municipalities. All numbers of days are Nyttig’s own proposal."
            )
        )
        st.caption(
            _("A device that is silent or broken never stands here: it is on the installer’s work list.")
        )


def kind_words(kind: str) -> str:
    """What is due, as within a list."""
    return {
        "adverse_open": _("adverse event not dealt with"),
        "found_unsuitable": _("found not suitable, and still has it"),
        "alarm_missed": _("alarm that nobody handled"),
        "doses_missed": _("doses missed"),
        "not_assessed": _("suitability not assessed"),
        "assess_again": _("to be assessed again"),
        "not_trained": _("nobody trained"),
    }.get(kind, kind.replace("_", " "))


def point_words(point: Json) -> str:
    """What is due in a home, and since when."""
    words = kind_words(point["kind"])
    if point["kind"] == "alarm_missed" and point["count"] > 1:
        words = ngettext("{n} alarm that nobody handled", "{n} alarms that nobody handled", point["count"])
    if point["kind"] == "doses_missed":
        words = _("{doses} in {days} days").format(
            doses=ngettext("{n} dose missed", "{n} doses missed", point["count"]),
            days=number(point["of_days"]),
        )
    if point["severity"]:
        words += f" ({choice('adverse_event', 'severity', point['severity'])})"
    if point["what"]:
        words += f": {point['what']}"
    since = _("since {day}").format(day=day(parse_day(point["since"])))
    if not point["days"]:
        return words + " · " + _("since today")
    return f"{words} · {since}, " + ngettext("{n} day", "{n} days", point["days"])


def _alarms(told: Json) -> None:
    alarms = told["alarms"]
    if alarms is None:
        st.caption(_("No device here can raise an alarm that Nyttig hears."))
        return
    minutes = number(told["alarm_handled_within_minutes"], 1)
    if not alarms["handled_in_time"]["of"]:
        st.caption(_("No alarm was raised of which it is known what became of it."))
        return
    st.markdown(
        _("Alarms handled within {minutes} minutes: **{share}**, {interval}. Not handled: {missed}.").format(
            minutes=minutes,
            share=share_value(alarms["handled_in_time"]),
            interval=share_interval(alarms["handled_in_time"]),
            missed=number(alarms["missed"]["count"]),
        )
    )


def _card(told: Json, home: Json) -> None:
    trial = told["trial_id"]
    with st.container(border=True, key=f"safety-{home['home']}"):
        points = "".join(f"<div>{_signed(point)}</div>" for point in home["due"])
        st.html(
            f'<div style="overflow-wrap:anywhere;color:{INK}"><b>{escape(home["home"])}</b> · {escape(home["unit"])}'
            f'{points}<div style="color:{FAINT};font-size:.9rem">{escape(_known(told, home))}</div></div>'
        )
        if any(point["kind"] == "doses_missed" for point in home["due"]):
            st.markdown(doses.ask(trial, home["home"]))
        drawn = {name for point in home["due"] for name in _offered(trial, home["home"], point)}
        for name in registry.answers(_prefix(home["home"])):
            if name not in drawn and entry_form.said_last(name):
                entry_form.say(name)


def _offered(trial: str, home: str, point: Json) -> list[str]:
    """The form that settles the point; the names under which its presses are remembered."""
    kind, place = point["kind"], f"{_place(home)}{point['kind']}:{point['since']}"
    if kind == "adverse_open":
        entry = next(
            (each for each in live.entries(trial, "adverse_event") if each["entry"] == point["entry"]), None
        )
        if entry is None:
            return []
        entry_form.offer(
            "adverse_event",
            trial,
            place=place,
            entry=entry,
            given={"home": home},
            only=("handled_on", "done"),
            title=_("Enter how it was dealt with"),
        )
        return [entry_form.pressed(place, trial, "adverse_event", entry["entry"])]
    given, only, of, title = {
        "alarm_missed": (
            {"home": home, "happened_on": point["since"], "alarm_missed": True},
            EVENT,
            "adverse_event",
            _("Enter what came of it"),
        ),
        "not_trained": ({"home": home}, TRAINING, "training", _("Enter a training")),
    }.get(kind, ({"home": home}, ASSESSMENT, "suitability", _("Enter an assessment")))
    entry_form.offer(of, trial, place=place, given=given, only=only, title=title)
    return [entry_form.pressed(place, trial, of, "new")]


def _place(home: str) -> str:
    return f"safety/{home}/"


def _prefix(home: str) -> str:
    return f"entries:{_place(home)}"


def _last_of(home: str) -> bool:
    return any(entry_form.said_last(name) for name in registry.answers(_prefix(home)))


def _signed(point: Json) -> str:
    colour = BAD if point["kind"] in URGENT else CAREFUL
    return (
        f'<span aria-hidden="true" style="color:{colour}">{SIGNS.get(point["kind"], "□")}</span> '
        f"{escape(point_words(point))}"
    )


def _known(told: Json, home: Json) -> str:
    """What is known of the home besides: its assessment, its training, its alarms, its doses."""
    parts = []
    judged = home["suitability"]
    if judged is not None:
        parts.append(
            _("{outcome} on {day} ({role})").format(
                outcome=within(choice("suitability", "outcome", judged["outcome"])),
                day=day(parse_day(judged["assessed_on"])),
                role=judged["assessed_by"],
            )
        )
    if home["trained_on"]:
        parts.append(_("trained on {day}").format(day=day(parse_day(home["trained_on"]))))
    if home["alarms"] is not None and home["alarms"]["handled_in_time"]["of"]:
        share = home["alarms"]["handled_in_time"]
        parts.append(
            _("alarms handled in time: {share} ({ratio})").format(
                share=share_value(share), ratio=percent(share["ratio"])
            )
        )
    if home["doses"] is not None:
        parts.append(
            _("doses of the last {days} days: {told}").format(
                days=number(told["dose_days"]), told=doses.words(home["doses"])
            )
        )
    if home["installed_on"]:
        parts.append(_("has it since {day}").format(day=day(parse_day(home["installed_on"]))))
    return " · ".join(parts)


def _due_homes(count: int) -> str:
    return ngettext("Something is due in **{n} home**", "Something is due in **{n} homes**", count)


def _rule(rule: Json, told: Json) -> str:
    days = number(rule["days"])
    return {
        "adverse_open": _("until the day on which it was dealt with is entered."),
        "found_unsuitable": _("until the home is assessed anew, or its part has ended."),
        "alarm_missed": _(
            "raised by the resident or the device in the last {days} days, and not handled within {minutes} minutes nor later, "
            "though the device was heard; until an adverse event (a near miss, too) with a missed alarm on that day or the next "
            "is entered."
        ).format(days=days, minutes=number(told["alarm_handled_within_minutes"], 1)),
        "doses_missed": _(
            "at least {least} in {days} days while the device was heard; neither unknown doses nor those in a pause, and not "
            "while the device has a fault that casts doubt on it; until an assessment is entered: what was missed up to its day "
            "is settled."
        ).format(least=number(rule["least"]), days=days),
        "not_assessed": _("from the day of the installation."),
        "assess_again": _("from the day that was set at the last assessment."),
        "not_trained": _("from {days} days after the installation.").format(days=days),
    }.get(rule["kind"], "")


def _source(code: str) -> str:
    return {
        "helsetilsynet_2024": _("Asked for by Helsetilsynet, 2024."),
        "nyttig": _("Nyttig’s own proposal."),
    }.get(code, code)
