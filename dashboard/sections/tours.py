"""Tours of a demo apartment: who came and is to come, who showed them round, and what came of their interest."""

from __future__ import annotations

import streamlit as st

from dashboard import live, registry, table
from dashboard.address import href
from dashboard.charts import counts
from dashboard.charts.counts import Count
from dashboard.client import Json
from dashboard.entry_choices import choice
from dashboard.facts import fact, plain
from dashboard.language import _, day, month, ngettext, number, parse_day, percent_range, sentence, titled
from dashboard.sections import entry_form, entry_list
from dashboard.table import Column

PLACE, BOOKED = "tours", "tours:booked"
VISIT = ("visited_on", "visitors", "group", "status", "guided_by", "interest")
ENQUIRY = ("technology", "asked_on", "asked_by", "unit", "became", "trial")


def show(board: Json) -> None:
    """A visit can be entered or booked, and bookings and visits stand on the page."""
    trial = board["trials"][0]
    entry_form.offer(
        "demo_visit",
        trial,
        place=f"{PLACE}:{board['site']}",
        given={"home": board["site"]},
        only=VISIT,
        title=_("Enter a visit, or book one"),
    )
    _bookings(board)
    _visits(board)
    _guides(board)


def interest(board: Json) -> None:
    """From interest to an enquiry to a trial, with n at each step, for all technologies and for each."""
    st.subheader(_("From interest to a trial"), anchor=False)
    told = board["asked"]
    if told["asked_visits"] or told["enquiries"]:
        st.markdown(_way(told))
        counts.show(
            [
                Count(_("Visits that asked"), told["asked_visits"], None, ""),
                Count(_("Enquiries"), told["enquiries"], None, ""),
                Count(_("Led to a trial"), told["became_trial"], None, ", ".join(_titles(told["trials"]))),
            ]
        )
    else:
        st.markdown(
            _(
                "Nobody has asked for a technology yet. Enter with a visit what they asked about, and enquiries here."
            )
        )
    entry_form.offer(
        "enquiry",
        board["trials"][0],
        place=f"{PLACE}:{board['site']}",
        given={"home": board["site"]},
        only=ENQUIRY,
        title=_("Enter an enquiry"),
    )
    _by_technology(board)


def entered(board: Json) -> None:
    """All that was entered about the apartment, to change, take back, or look into its past."""
    for kind, title, only in (
        ("demo_visit", _("All visits and bookings"), VISIT),
        ("enquiry", _("All enquiries"), ENQUIRY),
    ):
        for trial in board["trials"]:
            here = [each for each in live.entries(trial, kind) if each["data"].get("home") == board["site"]]
            entry_list.folded(
                f"{title} ({number(len(here))})",
                ":material/history:",
                kind,
                trial,
                here,
                place=f"{PLACE}:{board['site']}:{trial}",
                given={"home": board["site"]},
                only=only,
            )


def _bookings(board: Json) -> None:
    """What is to come and to settle; of a booking that was just settled what was said, with the press that undoes it."""
    st.subheader(_("To come"), anchor=False)
    if not board["to_come"]:
        st.markdown(_("Nothing is booked."))
    for booking in board["to_come"]:
        _booking(booking, _("Change the booking"))
    if board["to_settle"]:
        st.warning(
            ngettext(
                "{n} booking is over, and nobody said whether they came. Until then it is no visit.",
                "{n} bookings are over, and nobody said whether they came. Until then they are no visits.",
                len(board["to_settle"]),
            ),
            icon=":material/help:",
        )
    for booking in board["to_settle"]:
        _booking(booking, _("Say whether they came"))
    drawn = {_pressed(booking) for booking in (*board["to_come"], *board["to_settle"])}
    for trial in board["trials"]:
        for name in registry.answers(entry_form.pressed(BOOKED, trial, "demo_visit", "")):
            if name not in drawn and entry_form.said_last(name):
                entry_form.say(name)


def _pressed(booking: Json) -> str:
    return entry_form.pressed(BOOKED, booking["trial"], "demo_visit", booking["entry"])


def _booking(booking: Json, title: str) -> None:
    visit = booking["visit"]
    guide = (
        _("shown round by {ambassador}").format(ambassador=visit["guided_by"])
        if visit["guided_by"]
        else _("nobody guides them yet")
    )
    words = " · ".join([choice("demo_visit", "group", visit["group"]), _people(visit["visitors"]), guide])
    with st.container(border=True, key=f"booking-{booking['entry']}"):
        st.markdown(f"**{plain(day(parse_day(visit['visited_on'])))}** · {plain(words)}")
        entry = next(
            (
                each
                for each in live.entries(booking["trial"], "demo_visit")
                if each["entry"] == booking["entry"]
            ),
            None,
        )
        if entry is not None:
            entry_form.offer(
                "demo_visit",
                booking["trial"],
                place=BOOKED,
                entry=entry,
                given={"home": visit["home"]},
                only=("status", "visitors", "guided_by", "interest", "visited_on", "group"),
                title=title,
            )


def _visits(board: Json) -> None:
    st.subheader(_("Who came"), anchor=False)
    if not board["visits"]:
        st.markdown(
            _("No visit is entered as held yet. Enter also those of people who came without an appointment.")
        )
        return
    first, second, third = st.columns(3)
    with first:
        fact(_("Visits held"), number(board["visits"]), _cancelled(board["cancelled"]))
    with second:
        mean = board["visitors"] / board["visits"]
        fact(_("Visitors"), number(board["visitors"]), _("{n} a visit").format(n=number(mean, 1)))
    with third:
        to_come = sum(each["visit"]["visitors"] for each in board["to_come"])
        fact(
            _("Booked"),
            number(len(board["to_come"])),
            _("{people} expected").format(people=_people(to_come)),
        )
    left, right = st.columns(2)
    with left:
        st.markdown("**" + _("Visitors by month") + "**")
        counts.show(
            [
                Count(month(each["month"]), each["visitors"], None, _visit_words(each["visits"]))
                for each in reversed(board["months"])
            ]
        )
    with right:
        st.markdown("**" + _("Visitors by group") + "**")
        counts.show(
            [
                Count(
                    sentence(choice("demo_visit", "group", each["group"])),
                    each["visitors"],
                    None,
                    _visit_words(each["visits"]),
                )
                for each in board["groups"]
            ]
        )
    rows = [
        {
            "month": each["month"],
            "words": month(each["month"]),
            **group,
            "who": choice("demo_visit", "group", group["group"]),
        }
        for each in board["months"]
        for group in each["groups"]
    ]
    table.beside(
        f"visits-{board['site']}",
        rows,
        [
            Column("words", _("Month")),
            Column("who", _("Group")),
            Column("visits", _("Visits"), "number"),
            Column("visitors", _("Visitors"), "number"),
        ],
        every_row=lambda: [
            {name: row[name] for name in ("month", "group", "visits", "visitors")} for row in rows
        ],
    )


def _guides(board: Json) -> None:
    if not board["visits"]:
        return
    st.subheader(_("Who showed them round"), anchor=False)
    if board["guides"]:
        counts.show(
            [
                Count(
                    " · ".join(
                        [each["ambassador"], each["unit"] or _("no ambassador of that code is known")]
                    ),
                    each["visits"],
                    None,
                    f"{_people(each['visitors'])} · "
                    + _("last on {day}").format(day=day(parse_day(each["last_on"]))),
                )
                for each in board["guides"]
            ]
        )
    if board["unguided"]:
        st.caption(
            ngettext(
                "{n} visit names nobody who showed them round.",
                "{n} visits name nobody who showed them round.",
                board["unguided"],
            )
        )
    words = _("Ambassadors")
    st.markdown(f"[{words}]({href('ambassadors', trial=board['trials'][0])})")


def _way(told: Json) -> str:
    """The way in a sentence: the steps are counted apart, so that one is no share of the one before."""
    visits = ngettext("asked about in **{n} visit**", "asked about in **{n} visits**", told["asked_visits"])
    asked = f"{visits} ({_people(told['asked_visitors'])})"
    enquiries = ngettext("**{n} enquiry**", "**{n} enquiries**", told["enquiries"])
    led = told["led_on"]
    parts = [
        _("**{n}** led to a trial").format(n=number(told["became_trial"])),
        _("{n} granted").format(n=number(told["granted"])),
        _("{n} to nothing").format(n=number(told["nothing"])),
        _("{n} still open").format(n=number(told["open"])),
    ]
    text = f"{sentence(asked)} → {enquiries} → {', '.join(parts)}."
    if led["of"]:
        text += " " + _("Of the {of} settled {count} led on ({range}, 95% interval).").format(
            of=number(led["of"]), count=number(led["count"]), range=percent_range(led["low"], led["high"])
        )
    return text


def _titles(trials: list[str]) -> list[str]:
    known = live.titles()
    return [known.get(trial, trial) for trial in trials]


def _by_technology(board: Json) -> None:
    rows = [
        {
            **{name: value for name, value in each.items() if name not in ("titles", "led_on", "trials")},
            "title": titled(each["titles"], each["technology"]),
        }
        for each in board["technologies"]
    ]
    if not rows:
        return
    columns = [
        Column("title", _("Technology")),
        Column("demonstrations", _("Demonstrations"), "number"),
        Column("tried", _("Tried by visitors"), "number"),
        Column("asked_visits", _("Visits that asked"), "number"),
        Column("enquiries", _("Enquiries"), "number"),
        Column("became_trial", _("Led to a trial"), "number"),
        Column("granted", _("Granted"), "number"),
        Column("open", _("Open"), "number"),
    ]
    table.show(f"interest-{board['site']}", rows, columns)
    st.caption(
        _(
            "Demonstrations and trying are counted by the devices themselves, over the last {days} days; a dash: no device of "
            "that kind stands here. Visits and enquiries are what was entered, over all time."
        ).format(days=number(board["recent_days"]))
    )
    table.download(f"interest-{board['site']}", lambda: rows)


def _cancelled(count: int) -> str:
    return _("{n} cancelled").format(n=number(count)) if count else _("none was cancelled")


def _people(count: int) -> str:
    return ngettext("{n} person", "{n} people", count)


def _visit_words(count: int) -> str:
    return ngettext("{n} visit", "{n} visits", count)
