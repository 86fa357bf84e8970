"""One device that was heard and is not registered: what is known of it, and the press that makes it a device."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from html import escape

import streamlit as st

from dashboard import live, registry
from dashboard.client import Json
from dashboard.facts import plain
from dashboard.language import _, ago, lasting, moment, ngettext, number, parse_moment, percent
from dashboard.palette import FAINT, INK
from dashboard.registry_words import dialect, says

WORDS_SHOWN = 8
MEANS_NOTHING = (None, 0, 255)
"""Gateways give these as a link quality where they have measured none."""
CODE = re.compile(r"[A-Za-z0-9._-]{1,128}")


def name_of(proposal: Json) -> str:
    """Under which its presses are remembered."""
    return f"proposal:{proposal['dialect']}:{proposal['address']}"


def words_of(proposal: Json) -> list[str]:
    """What it can say, in plain words."""
    has_battery = proposal["battery_pct"] is not None or proposal["battery_v"] is not None
    return says(proposal["says"], battery=has_battery or proposal["power"] == "battery")


def title_of(proposal: Json, technologies: Mapping[str, str]) -> str:
    """Make and model, else what it most likely is."""
    made = " ".join(part for part in (proposal["make"], proposal["model"]) if part)
    suggested = proposal["suggested_technology"]
    return made or technologies.get(suggested or "", suggested or "") or _("Make and model not known")


def show(
    proposal: Json,
    technologies: Mapping[str, str],
    now: datetime,
    *,
    home: str | None,
    trial: str | None,
) -> None:
    """The proposal stands on the page with what it most likely is, ready to be accepted at `home`."""
    name = name_of(proposal)
    key = f"{name}:{registry.turn(name)}"
    with st.container(border=True):
        st.markdown(_facts(proposal, technologies, now), unsafe_allow_html=True)
        suggested = proposal["suggested_technology"]
        technology = st.selectbox(
            _("What it is"),
            list(technologies),
            index=list(technologies).index(suggested) if suggested in technologies else None,
            format_func=technologies.__getitem__,
            placeholder=_("Choose what it is"),
            key=f"{key}:technology",
        )
        registry.say_refusal(name)
        with st.container(horizontal=True):
            accepted = st.button(
                _("Accept without a home")
                if home is None
                else _("Accept at {home}").format(home=plain(home)),
                type="primary",
                icon=":material/add_task:",
                key=f"{key}:accept",
            )
            dismissed = st.button(_("Dismiss"), type="tertiary", key=f"{key}:dismiss")
            with st.popover(_("Own code"), type="tertiary"):
                code = st.text_input(
                    _("Code"),
                    placeholder=_("empty: made of make, model and number"),
                    help=_("Letters a–z, digits, dot, hyphen and underscore. Never the name of a person."),
                    key=f"{key}:code",
                ).strip()
    if accepted:
        _accept(proposal, technology, code, home, trial)
    if dismissed:
        _answer(proposal, "dismiss")


def show_answered(proposal: Json, answer: Json) -> None:
    """What became of a proposal stands where it stood, with what can be done next."""
    name = name_of(proposal)
    if answer.get("status") == "dismissed":
        with st.container(border=True):
            st.markdown(_("Dismissed: {device}").format(device=plain(_short(proposal))))
            registry.say_refusal(name)
            if st.button(_("Undo"), icon=":material/undo:", key=f"{name}:{registry.turn(name)}:undo"):
                _answer(proposal, "restore")
        return
    st.success(said_of_accepted(answer), icon=":material/check_circle:")
    if answer["site"] is None:
        st.page_link(
            "views/registry.py",
            label=_("Place {device} in a home").format(device=plain(answer["device"])),
            icon=":material/home_pin:",
            query_params={"do": "place", "device": answer["device"]},
        )
    else:
        st.page_link(
            "views/commissioning.py",
            label=_("See it answer"),
            icon=":material/sensors:",
            query_params={"site": answer["site"], "device": answer["device"]},
        )


def said_of_accepted(answer: Json) -> str:
    """What an acceptance did, in a few sentences."""
    device = plain(answer["device"])
    sentences = [
        _("**{device}** is registered and stands nowhere yet.").format(device=device)
        if answer["site"] is None
        else _("**{device}** is registered and stands at {home}.").format(
            device=device, home=plain(answer["site"])
        )
    ]
    if answer["messages_waiting"]:
        sentences.append(
            ngettext(
                "{n} message that was heard before is being brought in.",
                "{n} messages that were heard before are being brought in.",
                answer["messages_waiting"],
            )
        )
    return " ".join(sentences)


def restore(proposal: Json) -> None:
    """The dismissed proposal can be proposed again with a press."""
    name = name_of(proposal)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(plain(_short(proposal)), width="stretch")
        if st.button(_("Propose again"), key=f"{name}:{registry.turn(name)}:restore"):
            _answer(proposal, "restore")
    registry.say_refusal(name)


def _accept(proposal: Json, technology: str | None, code: str, home: str | None, trial: str | None) -> None:
    name = name_of(proposal)
    if technology is None:
        registry.refuse(name, _("choose what it is first."))
    if code and not CODE.fullmatch(code):
        registry.refuse(
            name, _("a code has letters a–z, digits, dot, hyphen and underscore, and nothing else.")
        )
    asked = {"device": code or None, "technology": technology, "site": home, "trial": trial}
    _answer(proposal, "accept", **asked)


def _answer(proposal: Json, verb: str, **more: str | None) -> None:
    chosen = {"dialect": proposal["dialect"], "address": proposal["address"]}
    chosen |= {name: value for name, value in more.items() if value is not None}
    registry.press(
        name_of(proposal),
        lambda: {"proposal": proposal} | live.client().answer_proposal(verb, chosen),
    )


def _short(proposal: Json) -> str:
    made = " ".join(part for part in (proposal["make"], proposal["model"]) if part)
    return " · ".join(part for part in (made, proposal["name"] or proposal["address"]) if part)


def _facts(proposal: Json, technologies: Mapping[str, str], now: datetime) -> str:
    words = words_of(proposal)
    can_say = ", ".join(words[:WORDS_SHOWN])
    if len(words) > WORDS_SHOWN:
        can_say += ngettext(" and {n} more thing", " and {n} more things", len(words) - WORDS_SHOWN)
    lines = [
        _("Says: {words}").format(words=can_say) if words else _("Has said nothing of itself yet."),
        _heard(proposal, now),
        _condition(proposal),
    ]
    named = proposal["name"]
    where = [dialect(proposal["dialect"]), proposal["address"]]
    if named and named not in proposal["address"]:
        where.insert(1, named)
    small = "".join(f"<div>{escape(line)}</div>" for line in lines if line)
    return (
        f'<div style="overflow-wrap:anywhere"><div style="color:{INK};font-weight:600">'
        f"{escape(title_of(proposal, technologies))}</div>"
        f'<div style="color:{FAINT};font-size:.85rem">{escape(" · ".join(where))}</div>'
        f'<div style="color:{INK};font-size:.9rem;padding:.3rem 0 .4rem">{small}</div></div>'
    )


def _heard(proposal: Json, now: datetime) -> str:
    heard = parse_moment(proposal["last_heard_at"])
    if heard is None:
        return _("Described by its gateway; it has not spoken yet.")
    ago_words = ago((now - heard).total_seconds())
    if proposal["messages_total"] <= 1:
        return _("Heard once, {ago}").format(ago=ago_words)
    count = ngettext("{n} message", "{n} messages", proposal["messages_total"])
    since = moment(parse_moment(proposal["first_seen_at"]), st.context.timezone)
    text = _("Heard {ago} · {messages} since {moment}").format(ago=ago_words, messages=count, moment=since)
    interval = proposal["interval_minutes"]
    if interval is None:
        return text
    return text + _(", about every {interval}").format(interval=lasting(60 * interval))


def _condition(proposal: Json) -> str:
    parts = []
    if proposal["rssi_dbm"] is not None:
        parts.append(_("Signal {dbm} dBm").format(dbm=number(proposal["rssi_dbm"])))
    elif proposal["link_quality"] not in MEANS_NOTHING:
        parts.append(_("Link quality {quality}").format(quality=number(proposal["link_quality"])))
    if proposal["battery_pct"] is not None:
        parts.append(_("Battery {level}").format(level=percent(proposal["battery_pct"] / 100)))
    elif proposal["battery_v"] is not None:
        parts.append(_("Battery {volts} V").format(volts=number(proposal["battery_v"], 2)))
    if proposal["gateway_of"]:
        parts.append(
            ngettext("{n} device speaks through it", "{n} devices speak through it", proposal["gateway_of"])
        )
    return " · ".join(parts)
