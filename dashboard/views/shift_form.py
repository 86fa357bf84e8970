"""The form of a shift, on a phone: home by home what was done and how long it took, or that there was nothing to do."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import streamlit as st

from dashboard import live, registry
from dashboard.address import choose
from dashboard.client import Json
from dashboard.entry_choices import choice
from dashboard.entry_offers import PURPOSES, SHIFTS
from dashboard.entry_words import label
from dashboard.facts import plain
from dashboard.language import _, current, day, ngettext, number, parse_day
from dashboard.sections import entry_form, entry_list, shift_forms
from dashboard.sections.fold import fold

PLACE = "shift"
EVERY_SECONDS = 60
NOTHING = "none"
WHOLE_UNIT = "\0unit"
PERIODS = ("before", "after")
DAY_BEGINS, EVENING_BEGINS, NIGHT_BEGINS = 7, 15, 22
"""Hours of the local day, for what is offered first; the shift can be chosen."""

TIMES = (1, 2, 3, 4, 5, 6)
MINUTES = (2, 5, 10, 15, 20, 30, 45, 60)
TRAVEL = (0, 2, 5, 10, 15, 20, 30)

# A thumb's width, and what is chosen stays in sight under it.
STYLE = "<style>[data-testid=stMain] [data-testid=stButtonGroup] button {min-height: 2.75rem; min-width: 2.75rem}</style>"


class Shift(NamedTuple):
    """What is being filled in: a unit's shift on the day on which it began, in a period of the trial."""

    trial: str
    unit: str
    day: date
    shift: str
    period: str

    @property
    def given(self) -> Json:
        """The fields that every line of this form has."""
        return {"unit": self.unit, "day": self.day.isoformat(), "shift": self.shift, "period": self.period}

    @property
    def named(self) -> str:
        """The shift in a line."""
        period = choice("registration", "period", self.period)
        return f"{self.unit} · {choice('registration', 'shift', self.shift)} · {day(self.day)} · {period}"


def show() -> None:
    """The form of the shift in the address, else of the one under way, stands on the page."""
    st.html(STYLE)
    _form()


def under_way(now: datetime) -> tuple[date, str]:
    """The shift that is under way at a local time, and the day on which it began."""
    if now.hour < DAY_BEGINS:
        return now.date() - timedelta(days=1), "night"
    if now.hour < EVENING_BEGINS:
        return now.date(), "day"
    return now.date(), "evening" if now.hour < NIGHT_BEGINS else "night"


@live.refreshed(EVERY_SECONDS)
def _form() -> None:
    titles = live.titles()
    st.title(_("Form of a shift"), anchor=False)
    if not titles:
        st.info(_("There is no trial yet."))
        return
    heading = st.container()
    with st.expander(_("Another trial, unit, shift or day"), icon=":material/tune:"):
        trial = next(iter(titles))
        if len(titles) > 1:
            trial = choose(
                "trial", _("Trial"), list(titles), titles.__getitem__, st.selectbox, default=trial,
                hide_default=False,
            )  # fmt: skip
        told = live.registrations(trial)
        shift = _which(trial, told)
    heading.caption(plain(titles[trial]))
    heading.markdown(f"**{plain(shift.named)}**")
    homes = [each["home"] for each in told["homes"] if each["unit"] == shift.unit and _there(each, shift.day)]
    lines = [
        each
        for each in live.entries(trial, "registration")
        if all(each["data"].get(field) == value for field, value in shift.given.items() if field != "period")
    ]
    plan = next((each for each in told["plans"] if _within(each, shift)), None)
    if plan is None:
        st.caption(
            _("No time of registering is planned for this unit and day. What you enter counts all the same.")
        )
    elif shift.shift not in plan["shifts"]:
        st.caption(
            _("This shift is none of those that register in this unit. What you enter counts all the same.")
        )
    _fill_in(shift, homes, lines)
    _lines(shift, lines)
    if plan is not None:
        with st.expander(_("How complete the registration is"), icon=":material/grid_on:"):
            shift_forms.show(plan, told["ratio_required"], place=PLACE)


def _which(trial: str, told: Json) -> Shift:
    """The shift that is filled in. The clock chooses anew when a shift begins; the address goes before the clock."""
    began, running = under_way(live.now().astimezone(ZoneInfo(live.trial(trial)["timezone"])))
    unit = told["units"][0]
    if len(told["units"]) > 1:
        unit = choose("unit", _("Unit"), told["units"], str, st.selectbox, default=unit, hide_default=False)
    asked = st.query_params.get("shift")
    first = asked if asked in SHIFTS else running
    shift = st.segmented_control(
        label("registration", "shift"), list(SHIFTS), default=first, required=True, key=f"shift:{began}:{first}",
        format_func=lambda code: choice("registration", "shift", code),
    )  # fmt: skip
    look = "DD/MM/YYYY" if current().code == "en" else "DD.MM.YYYY"
    try:
        first_day = date.fromisoformat(st.query_params.get("day", ""))
    except ValueError:
        first_day = began
    on = st.date_input(
        _("Day on which the shift began"), value=min(first_day, live.now().date()), format=look,
        max_value=live.now().date() + timedelta(days=1), key=f"shift:day:{first_day}:{running}",
    )  # fmt: skip
    assert isinstance(on, date)
    period = _period(told, unit, on)
    picked = st.segmented_control(
        label("registration", "period"), list(PERIODS), default=period, required=True,
        key=f"shift:period:{unit}:{on}", format_func=lambda code: choice("registration", "period", code),
    )  # fmt: skip
    return Shift(trial, unit, on, shift or first, picked or period)


def _period(told: Json, unit: str, on: date) -> str:
    """The period in the address, else that of the plan of the day, else by the trial's first day."""
    if st.query_params.get("period") in PERIODS:
        return str(st.query_params["period"])
    for plan in told["plans"]:
        if plan["unit"] == unit and plan["from_day"] <= on.isoformat() <= plan["to_day"]:
            return str(plan["period"])
    return "before" if on.isoformat() < told["starts"] else "after"


def _within(plan: Json, shift: Shift) -> bool:
    inside: bool = plan["from_day"] <= shift.day.isoformat() <= plan["to_day"]
    return inside and (plan["unit"], plan["period"]) == (shift.unit, shift.period)


def _there(home: Json, on: date) -> bool:
    ended = parse_day(home["ended_on"])
    return ended is None or ended >= on


def _fill_in(shift: Shift, homes: list[str], lines: list[Json]) -> None:
    name = entry_form.pressed(PLACE, shift.trial, "registration", f"{shift.unit}:{shift.day}:{shift.shift}")
    done = {each["data"].get("home") for each in lines}
    none_of = [each["data"].get("home") for each in lines if each["data"]["purpose"] == NOTHING]
    nothing, empty = None in none_of, set(none_of)

    @live.apart
    def fill_in() -> None:
        left = [home for home in homes if home not in done]
        if homes:
            st.progress(
                1 - len(left) / len(homes),
                text=_("{done} of {n} homes").format(
                    done=number(len(homes) - len(left)), n=number(len(homes))
                ),
            )
        entry_form.say(name)
        if nothing:
            st.info(
                _("This shift had nothing to register. If it had after all, take that line back first."),
                icon=":material/check:",
            )
            return
        if not lines and st.button(
            _("Nothing to register in this whole shift"),
            key=f"{name}:{registry.turn(name)}:nothing",
            icon=":material/do_not_disturb_on:",
        ):
            entry_form.enter(name, shift.trial, "registration", _nothing(shift, None))
        home = _home(name, homes, left, done)
        if home is None:
            if homes and not left:
                st.success(
                    _("Every home of this shift is registered. Thank you!"), icon=":material/done_all:"
                )
            return
        if home in empty:
            st.info(
                _(
                    "There was nothing to register for this home. If there was after all, take that line back first."
                )
            )
            return
        _line(name, shift, None if home == WHOLE_UNIT else home, new=home not in done)

    fill_in()


def _home(name: str, homes: list[str], left: list[str], done: set[str | None]) -> str | None:
    """The home that is filled in: the one that was kept, else the next one that has no line."""
    following = st.session_state.get(f"{name}:next")
    begin = following if following in homes else next(iter(left), None)
    return st.pills(
        _("Home"),
        [*homes, WHOLE_UNIT],
        default=begin,
        format_func=lambda code: (
            _("The unit as a whole") if code == WHOLE_UNIT else f"✓ {code}" if code in done else code
        ),
        key=f"{name}:{registry.turn(name)}:home",
    )


def _line(name: str, shift: Shift, home: str | None, *, new: bool) -> None:
    """One thing that was done in a home: what for, how often, how long; and what comes after it."""
    key = f"{name}:{registry.turn(name)}:{home}"
    purposes = [code for code in PURPOSES if code != NOTHING]
    with st.form(key, border=True, enter_to_submit=False):
        st.markdown(f"**{plain(home or _('The unit as a whole'))}**")
        purpose = st.pills(
            label("registration", "purpose"), purposes, key=f"{key}:purpose",
            format_func=lambda code: choice("registration", "purpose", code),
        )  # fmt: skip
        times = st.pills(
            label("registration", "count"), TIMES, default=1, key=f"{key}:times", format_func=number
        )
        each = st.pills(
            _("Minutes each time, without journeys"), MINUTES, key=f"{key}:minutes", format_func=number
        )
        other = st.number_input(
            _("Another number of minutes"), value=None, min_value=0, max_value=600, step=1, key=f"{key}:other"
        )
        travel = st.pills(
            _("Minutes under way each time"), TRAVEL, default=0, key=f"{key}:travel", format_func=number
        )
        following = st.form_submit_button(
            _("Save, next home"),
            type="primary",
            icon=":material/arrow_forward:",
            key=f"{key}:next",
            width="stretch",
        )
        more = st.form_submit_button(
            _("Save, something more for this home"), icon=":material/add:", key=f"{key}:more", width="stretch"
        )
        nothing = home is not None and new and st.form_submit_button(
            _("Nothing to register for this home"), icon=":material/do_not_disturb_on:", key=f"{key}:none",
            width="stretch",
        )  # fmt: skip
    if not (following or more or nothing):
        registry.say_refusal(name)
        return
    st.session_state[f"{name}:next"] = home if more else None
    if nothing:
        entry_form.enter(name, shift.trial, "registration", _nothing(shift, home))
        return
    minutes = each if other is None else other
    if purpose is None or minutes is None or times is None:
        registry.refuse(name, _("choose what it was for, how many times, and how many minutes it took."))
        return
    entry_form.enter(
        name,
        shift.trial,
        "registration",
        {
            **shift.given,
            **({} if home is None else {"home": home}),
            "purpose": purpose,
            "count": times,
            "minutes": float(times * minutes),
            "travel_minutes": float(times * (travel or 0)),
        },
    )


def _nothing(shift: Shift, home: str | None) -> Json:
    return {**shift.given, **({} if home is None else {"home": home}), "purpose": NOTHING, "count": 0}


def _lines(shift: Shift, lines: list[Json]) -> None:
    """What this shift has registered, each line to correct or take back."""
    minutes = sum(each["data"]["minutes"] + each["data"]["travel_minutes"] for each in lines)
    words = ngettext("{n} line of this shift", "{n} lines of this shift", len(lines))
    words += " · " + ngettext("{n} minute", "{n} minutes", round(minutes))
    with fold(words, f"{PLACE}:lines", ":material/list:"):
        entry_list.show(
            "registration",
            shift.trial,
            lines,
            place=PLACE,
            only=("home", "purpose", "count", "minutes", "travel_minutes"),
        )


if __name__ == "__main__":  # Streamlit runs a page as a script
    show()
