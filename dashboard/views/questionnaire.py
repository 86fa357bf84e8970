"""A questionnaire: on a phone item by item, or typed in from paper; its score is said with what it means."""

from __future__ import annotations

import re
from datetime import date, datetime
from zoneinfo import ZoneInfo

import streamlit as st

from dashboard import live, registry
from dashboard.address import choose
from dashboard.client import Json
from dashboard.entry_choices import choice
from dashboard.entry_words import label
from dashboard.facts import plain
from dashboard.language import _, current, number, parse_day
from dashboard.questionnaire_words import beside, ends, items, meaning, scale, scored, title
from dashboard.sections import entry_form, entry_list

PLACE = "questionnaire"
EVERY_SECONDS = 60
PERIODS = ("before", "after")
LEFT_OUT = "-"
BUTTONS_MAX = 11
RESPONDENTS = {"resident": ("resident", "proxy", "relative"), "relative": ("relative",), "staff": ("staff",)}

STYLE = "<style>[data-testid=stMain] [data-testid=stButtonGroup] button {min-height: 3rem; min-width: 3rem}</style>"


def show() -> None:
    """The questionnaire in the address stands on the page, ready to be filled in."""
    st.html(STYLE)
    _questionnaire()


@live.refreshed(EVERY_SECONDS)
def _questionnaire() -> None:
    titles = live.titles()
    if not titles:
        st.title(_("Questionnaire"), anchor=False)
        st.info(_("There is no trial yet."))
        return
    sent = {"trial", "instrument", "period"} <= st.query_params.keys() and (
        "home" in st.query_params or "unit" in st.query_params
    )
    heading = st.container()
    # Whoever got a link to one form is to see that form, not a choice of homes.
    around = st.expander(_("Another questionnaire, home or period")) if sent else st.container()
    with around:
        trial = choose(
            "trial", _("Trial"), list(titles), titles.__getitem__, st.selectbox, default=next(iter(titles)),
            hide_default=False,
        )  # fmt: skip
        told = live.questionnaires(trial)
        offered = {each["key"]: each for each in told["questionnaires"]}
        key = choose(
            "instrument", label("answer", "instrument"), list(offered), lambda code: title(offered[code]), st.selectbox,
            default=next(iter(offered)), hide_default=False,
        )  # fmt: skip
        asked = offered[key]
        period = choose(
            "period", label("answer", "period"), PERIODS, lambda code: choice("answer", "period", code),
            st.segmented_control, default="before", hide_default=False,
        )  # fmt: skip
        ways = {"phone": _("Fill it in here"), "paper": _("Type it in from paper")}
        way = choose("way", _("How"), list(ways), ways.__getitem__, st.segmented_control, default="phone")
        name = entry_form.pressed(PLACE, trial, "answer", f"{key}:{period}")
        where = _where(name, trial, asked, period, told["answers"], sent=sent)
    with heading:
        st.title(plain(title(asked)), anchor=False)
        st.caption(plain(" · ".join([*where.values(), choice("answer", "period", period)])))
    if not where:
        st.info(_("No home takes part in this trial yet."))
        return
    _fill_in(name, trial, asked, {"instrument": key, "period": period, **where}, way, sent=sent)
    _filled_in(trial, asked, where, sent=sent)


def _where(name: str, trial: str, asked: Json, period: str, answers: list[Json], *, sent: bool) -> Json:
    """The home (of staff: the unit) that it is filled in for; after one is saved the next that has no answer.

    Where a link was sent to one home, that one.
    """
    told = live.registrations(trial)
    if asked["answered_by"] == "staff":
        units = told["units"]
        return {"unit": choose("unit", _("Unit"), units, str, st.selectbox, default=units[0])}
    homes = [each["home"] for each in told["homes"]]
    if not homes:
        return {}
    there = {
        each["home"] for each in answers if each["instrument"] == asked["key"] and each["period"] == period
    }
    left = [home for home in homes if home not in there]
    turn, wanted = registry.turn(name), st.query_params.get("home")
    first = wanted if wanted in homes and (sent or not turn) else next(iter(left), homes[0])
    home = st.selectbox(
        label("answer", "home"), homes, index=homes.index(first), key=f"{name}:{turn}:{wanted}:home",
        format_func=lambda code: f"✓ {code}" if code in there else code,
    )  # fmt: skip
    st.caption(
        _("{n} of {homes} homes have a filled-in form in this period.").format(
            n=number(len(homes) - len(left)), homes=number(len(homes))
        )
    )
    return {"home": home}


def _fill_in(name: str, trial: str, asked: Json, given: Json, way: str, *, sent: bool) -> None:
    @live.apart
    def fill_in() -> None:
        entry_form.say(name)
        saved = _said(name, trial, asked, openly=way == "paper")
        if saved and sent:
            st.markdown(_("Thank you. You can close this page."))
            return
        key = f"{name}:{registry.turn(name)}:{way}:{given.get('home', given.get('unit'))}"
        if words := beside(asked):
            st.info(words, icon=":material/description:")
        with st.form(key, border=False, enter_to_submit=way == "paper"):
            respondents = RESPONDENTS[asked["answered_by"]]
            respondent = respondents[0]
            if len(respondents) > 1:
                respondent = (
                    st.segmented_control(
                        label("answer", "respondent"), respondents, default=respondent, required=True,
                        key=f"{key}:respondent", format_func=lambda code: choice("answer", "respondent", code),
                    )
                    or respondent
                )  # fmt: skip
                st.caption(
                    _(
                        "An answer by somebody else than the resident is marked as such wherever it is counted."
                    )
                )
            told = _typed(key, asked) if way == "paper" else _tapped(key, asked)
            on = _day(key, trial) if way == "paper" else _today(trial)
            go = st.form_submit_button(
                _("Save"), type="primary", icon=":material/check:", key=f"{key}:go", width="stretch"
            )
        if not go:
            registry.say_refusal(name)
            return
        if isinstance(told, str):
            registry.refuse(name, told)
        version = asked["versions"][0]["key"] if asked["versions"] else None
        entry_form.enter(
            name,
            trial,
            "answer",
            {
                **given,
                "respondent": respondent,
                "answered_on": on.isoformat(),
                "items": " ".join(told),
                "way": way,
                **({"value_set": version} if version else {}),
            },
        )

    fill_in()


def _tapped(key: str, asked: Json) -> list[str] | str:
    """The answers, an item after the other; what is wrong, where one has neither answer nor mark."""
    scale_of = [str(step) for step in range(asked["lowest"], asked["highest"] + 1)]
    low, high = ends(asked)
    found: list[str | None] = []
    for place, words in enumerate(items(asked), start=1):
        with st.container(border=True):
            st.markdown(f"**{place}/{asked['items']}** · {plain(words)}")
            look: Json = {
                "label": f"{place}. {plain(words)}",
                "label_visibility": "collapsed",
                "key": f"{key}:{place}",
            }
            if len(scale_of) > BUTTONS_MAX:
                picked = st.selectbox(
                    options=[*scale_of, LEFT_OUT],
                    index=None,
                    format_func=_step,
                    placeholder=_("Choose"),
                    **look,
                )
            else:
                picked = st.segmented_control(options=[*scale_of, LEFT_OUT], format_func=_step, **look)
            found.append(picked)
            if low or high:
                st.caption(plain(scale(asked)))
    open_items = [number(place) for place, picked in enumerate(found, start=1) if picked is None]
    if open_items:
        return _("no answer to item {items} yet: choose one, or “leave out”.").format(
            items=", ".join(open_items)
        )
    return [picked for picked in found if picked is not None]


def _step(code: str) -> str:
    return _("leave out") if code == LEFT_OUT else code


def _typed(key: str, asked: Json) -> list[str] | str:
    """The answers in a row, as they stand on paper; what is wrong with them, where something is."""
    st.caption(plain(scale(asked)))
    st.markdown("  \n".join(f"{place}. {plain(words)}" for place, words in enumerate(items(asked), start=1)))
    text = st.text_input(
        _("Answers in order, with the number keys"),
        key=f"{key}:row",
        placeholder="3 2 4 - 5",
        help=_("A hyphen where an item was left out. Spaces are only needed where an answer has two digits."),
        autocomplete="off",
    )
    return read_row(text or "", asked["items"], asked["lowest"], asked["highest"])


def read_row(text: str, count: int, lowest: int, highest: int) -> list[str] | str:
    """The answers of `324-5` or `3 2 4 - 5`; what is wrong with them, in words, where something is."""
    spaced = text.replace("–", "-").replace(",", " ").replace(";", " ").split()
    single = lowest >= 0 and highest <= 9
    told = re.findall(r"\S", "".join(spaced)) if single else spaced
    if len(told) != count:
        return _(
            "{n} answers, and the questionnaire has {items} items: enter a hyphen where one was left out."
        ).format(n=number(len(told)), items=number(count))
    for place, each in enumerate(told, start=1):
        if each == LEFT_OUT:
            continue
        if not re.fullmatch(r"-?[0-9]+", each) or not lowest <= int(each) <= highest:
            return _(
                "item {item} is “{answer}”: enter a whole number from {low} to {high}, or a hyphen."
            ).format(item=number(place), answer=plain(each), low=lowest, high=highest)
    return told


def _today(trial: str) -> date:
    return datetime.now(ZoneInfo(live.trial(trial)["timezone"])).date()


def _day(key: str, trial: str) -> date:
    found = st.date_input(
        label("answer", "answered_on"),
        value=_today(trial),
        max_value=_today(trial),
        format="DD/MM/YYYY" if current().code == "en" else "DD.MM.YYYY",
        key=f"{key}:day",
    )
    assert isinstance(found, date)
    return found


def _said(name: str, trial: str, asked: Json, *, openly: bool) -> bool:
    """What the form that was just saved scores, and what that says. Whether one was."""
    done = entry_form.said_last(name)
    if done is None or done["entry"]["data"] is None:
        return False
    entry = done["entry"]["entry"]
    answer = next((each for each in live.questionnaires(trial)["answers"] if each["entry"] == entry), None)
    if answer is None:
        return True
    place = st.container(border=True) if openly else st.expander(_("What it scores"), icon=":material/speed:")
    with place:
        st.markdown(f"**{plain(scored(asked, answer))}**")
        if answer["respondent"] in ("proxy", "relative") and asked["answered_by"] == "resident":
            st.warning(_("Answered by somebody else for the resident."), icon=":material/record_voice_over:")
        if words := meaning(asked, answer):
            st.markdown(plain(words))
    return True


def _filled_in(trial: str, asked: Json, where: Json, *, sent: bool) -> None:
    """The answers there are, the newest first; behind a link to one home, that home's alone."""
    entries = [
        each
        for each in live.entries(trial, "answer")
        if each["data"]["instrument"] == asked["key"]
        and (not sent or all(each["data"].get(field) == code for field, code in where.items()))
    ]
    scores = {each["entry"]: each for each in live.questionnaires(trial)["answers"]}

    def beneath(entry: Json) -> None:
        if entry["entry"] in scores:
            st.caption(plain(scored(asked, scores[entry["entry"]])))

    words = _("What was filled in ({n})").format(n=number(len(entries)))
    ordered = sorted(entries, key=lambda each: parse_day(each["data"]["answered_on"]) or date.min)
    entry_list.folded(words, ":material/list:", "answer", trial, ordered, place=PLACE, beneath=beneath)


if __name__ == "__main__":  # Streamlit runs a page as a script
    show()
