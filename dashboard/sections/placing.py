"""Where one device stands: placing, moving, swapping, removing and retiring it, each with one press."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

import streamlit as st

from dashboard import live, registry, table, when
from dashboard.address import choose
from dashboard.client import Json
from dashboard.facts import plain
from dashboard.language import _, moment, ngettext, number, parse_moment
from dashboard.registry_words import dialect, retire_reason
from dashboard.sections.proposal import CODE, title_of
from dashboard.table import Column

NONE = "none"
REASONS = ("broken", "replaced", "returned", "lost", "other")
Form = Callable[[Json, str], None]


def show() -> None:
    """A device is chosen, where it stands is said, and what can be done with it is offered."""
    devices = {device["device"]: device for device in registry.devices()}
    if not devices:
        st.info(_("No device is registered yet. Accept a new device, or hand over a list of devices."))
        return
    technologies = registry.technology_titles()
    titles = {NONE: _("Choose a device")}
    titles |= {code: registry.device_title(device, technologies) for code, device in devices.items()}
    wanted = st.query_params.get("device", NONE)
    chosen = choose("device", _("Device"), list(titles), titles.__getitem__, st.selectbox, default=NONE)
    if wanted not in titles:
        st.warning(_("There is no device called {name}.").format(name=plain(wanted)))
    if chosen == NONE:
        _all(list(devices.values()), technologies)
        return
    device = devices[chosen]
    st.markdown(_standing(device))
    verbs = _verbs(device)
    key = f"{chosen}:{registry.turn(chosen)}"
    names = {code: name for code, (name, _form) in verbs.items()}
    picked = st.segmented_control(
        _("What to do"),
        list(names),
        format_func=names.__getitem__,
        default=next(iter(names)) if len(names) == 1 else None,
        key=f"{key}:verb:{','.join(names)}",
        on_change=registry.forget,
        args=(chosen,),
    )
    done = registry.answer_of(chosen)
    if done is not None:
        st.success(done["said"], icon=":material/check_circle:")
    if picked is not None:
        verbs[picked][1](device, f"{key}:{picked}")
    registry.say_refusal(chosen)


def _all(devices: list[Json], technologies: dict[str, str]) -> None:
    """How many devices stand somewhere, nowhere, and are retired, and all of them as a table."""
    retired = sum(device["retired_at"] is not None for device in devices)
    placed = sum(device["home"] is not None for device in devices)
    st.markdown(
        ngettext("{n} device is registered", "{n} devices are registered", len(devices))
        + _(": {placed} in homes, {nowhere} nowhere, {retired} retired.").format(
            placed=number(placed), nowhere=number(len(devices) - placed - retired), retired=number(retired)
        )
    )
    table.beside(
        "registry",
        [
            {
                **device,
                "what": technologies.get(device["technology"], device["technology"]),
                "since": None if device["placed_at"] is None else _moment(device["placed_at"]),
                "service": None if device["retired_at"] is None else retire_reason(device["retired_because"]),
                "speaks": dialect(device["dialect"]),
            }
            for device in devices
        ],
        [
            Column("device", _("Device")),
            Column("what", _("Technology")),
            Column("home", _("Home")),
            Column("since", _("Stands there since")),
            Column("service", _("Retired because")),
            Column("speaks", _("Dialect")),
            Column("address", _("Address")),
        ],
        every_row=lambda: devices,
    )


def _verbs(device: Json) -> dict[str, tuple[str, Form]]:
    """What can be done with a device as it stands, with the form for it."""
    if device["retired_at"] is not None:
        return {"unretire": (_("Take into service again"), _unretire)}
    retire: dict[str, tuple[str, Form]] = {"retire": (_("Retire"), _retire)}
    if device["home"] is None:
        return {"place": (_("Place"), _place), **retire}
    return {
        "move": (_("Move"), _move),
        "swap": (_("Swap"), _swap),
        "remove": (_("Remove"), _remove),
        **retire,
    }


def _standing(device: Json) -> str:
    if device["retired_at"] is not None:
        return _("Retired since {moment}: {reason}.").format(
            moment=_moment(device["retired_at"]), reason=retire_reason(device["retired_because"])
        )
    if device["home"] is None:
        return _("In service, and stands nowhere.")
    return _("Stands at **{home}** ({unit}) since {moment}.").format(
        home=plain(device["home"]), unit=plain(device["unit"]), moment=_moment(device["placed_at"])
    )


def _moment(text: str) -> str:
    return moment(parse_moment(text), st.context.timezone)


def _home(key: str, *, besides: str | None = None) -> str | None:
    homes = {code: title for code, title in registry.home_titles().items() if code != besides}
    return st.selectbox(
        _("Home"),
        list(homes),
        index=None,
        format_func=homes.__getitem__,
        placeholder=_("Choose a home"),
        key=f"{key}:home",
    )


def _place(device: Json, key: str) -> None:
    home = _home(key)
    at = when.ask(key, registry.zone_of(home))
    if st.button(_("Place it there"), type="primary", icon=":material/home_pin:", key=f"{key}:go"):
        if home is None:
            registry.refuse(device["device"], _("choose a home first."))
        said = _("{device} stands at {home}.").format(device=plain(device["device"]), home=plain(home or ""))
        _press(device, "placements", {"home": home}, at, said, time="placed_at")


def _move(device: Json, key: str) -> None:
    home = _home(key, besides=device["home"])
    at = when.ask(key, registry.zone_of(home or device["home"]))
    if st.button(_("Move it there"), type="primary", icon=":material/moving:", key=f"{key}:go"):
        if home is None:
            registry.refuse(device["device"], _("choose a home first."))
        said = _("{device} stands at {home}, and no longer at {before}.").format(
            device=plain(device["device"]), home=plain(home or ""), before=plain(device["home"])
        )
        _press(device, "move", {"home": home}, at, said)


def _remove(device: Json, key: str) -> None:
    at = when.ask(key, registry.zone_of(device["home"]))
    st.caption(_("It stays registered, and can be placed again. What it said so far stays with the home."))
    if st.button(
        _("Remove it from {home}").format(home=plain(device["home"])), type="primary", key=f"{key}:go"
    ):
        said = _("{device} stands at {before} no longer.").format(
            device=plain(device["device"]), before=plain(device["home"])
        )
        _press(device, "remove", {}, at, said)


def _retire(device: Json, key: str) -> None:
    reason = st.selectbox(
        _("Why"),
        REASONS,
        index=None,
        format_func=retire_reason,
        placeholder=_("Choose why"),
        key=f"{key}:reason",
    )
    at = when.ask(key, registry.zone_of(device["home"]))
    st.caption(_("Out of service for good: on no list of ill devices any more. What it said stays."))
    if st.button(_("Retire it"), type="primary", key=f"{key}:go"):
        if reason is None:
            registry.refuse(device["device"], _("choose why first."))
        said = _("{device} is out of service.").format(device=plain(device["device"]))
        _press(device, "retire", {"because": reason}, at, said)


def _unretire(device: Json, key: str) -> None:
    st.caption(_("It will be in service and stand nowhere until it is placed."))
    if st.button(_("Take it into service again"), type="primary", key=f"{key}:go"):
        said = _("{device} is in service again. Place it where it stands.").format(
            device=plain(device["device"])
        )
        _press(device, "unretire", None, None, said)


def _swap(device: Json, key: str) -> None:
    coming = _coming(device)
    if not coming:
        st.info(
            _(
                "There is nothing to swap it for: no other {technology} is free, and no new device is heard. Switch the "
                "new one on first."
            ).format(technology=registry.technology_titles().get(device["technology"], device["technology"])),
            icon=":material/sensors:",
        )
        return
    picked = st.selectbox(
        _("What takes its place"),
        list(coming),
        index=None,
        format_func=lambda each: coming[each][0],
        placeholder=_("Choose a device"),
        key=f"{key}:new",
    )
    proposed = None if picked is None else coming[picked][1]
    code = ""
    if proposed is not None:
        code = st.text_input(
            _("Code of the new device"),
            value=_next_code(device["device"]),
            help=_("Letters a–z, digits, dot, hyphen and underscore. Never the name of a person."),
            key=f"{key}:code",
        ).strip()
    reasons = {NONE: _("keep it in service"), **{each: retire_reason(each) for each in REASONS}}
    reason = st.selectbox(
        _("What becomes of the old one"),
        list(reasons),
        index=None,
        placeholder=_("Choose what becomes of it"),
        format_func=lambda each: (
            reasons[each] if each == NONE else _("retire: {reason}").format(reason=reasons[each])
        ),
        key=f"{key}:reason",
    )
    at = when.ask(key, registry.zone_of(device["home"]))
    st.caption(
        _(
            "What stays the same: the home {home}, the trials and roles, and the home’s figures, which go on without a "
            "break. Up to the swap they rest on {device}, from then on on the new one."
        ).format(home=plain(device["home"]), device=plain(device["device"]))
    )
    if st.button(
        _("Swap now") if at is None else _("Swap"),
        type="primary",
        icon=":material/swap_horiz:",
        key=f"{key}:go",
    ):
        if picked is None:
            registry.refuse(device["device"], _("choose what takes its place first."))
        if proposed is not None and not CODE.fullmatch(code):
            registry.refuse(
                device["device"],
                _("a code has letters a–z, digits, dot, hyphen and underscore, and nothing else."),
            )
        if reason is None:
            registry.refuse(device["device"], _("choose what becomes of the old one first."))
        new = picked if proposed is None else _described(proposed, code)
        said = _("{new} stands at {home} in place of {old}.").format(
            new=plain(code or picked or ""), home=plain(device["home"]), old=plain(device["device"])
        )
        body = {"new": new} | ({} if reason == NONE else {"retire_because": reason})
        _press(device, "swap", body, at, said)


def _coming(device: Json) -> dict[str, tuple[str, Json | None]]:
    """What may take a device's place: free ones of its technology, then new ones, those alike first; each with its
    title, and the proposal that it is."""
    technologies = registry.technology_titles()
    free = {
        each["device"]: (each["device"], None)
        for each in registry.devices()
        if each["technology"] == device["technology"]
        and each["home"] is None
        and each["retired_at"] is None
        and each["device"] != device["device"]
    }
    wanted = device["technology"]
    proposed = [
        each for each in registry.proposals()["proposals"] if not each["gateway_of"] or wanted == "gateway"
    ]
    rank = {wanted: 0, None: 1}
    alike = sorted(proposed, key=lambda each: rank.get(each["suggested_technology"], 2))
    new = {
        f"{each['dialect']} {each['address']}": (
            _("New: {device}").format(device=f"{title_of(each, technologies)} · {each['address']}"),
            each,
        )
        for each in alike
    }
    return {**free, **new}


def _described(proposal: Json, code: str) -> Json:
    told = {
        "device": code,
        "dialect": proposal["dialect"],
        "address": proposal["address"],
        "heartbeat_minutes": proposal["heartbeat_minutes"],
        "power": proposal["power"],
        "hardware_id": proposal["hardware_id"],
    }
    return {name: each for name, each in told.items() if each is not None}


def _next_code(code: str) -> str:
    """A code that tells where it comes from and that no device has: alna-017-md-2 after alna-017-md."""
    taken = {each["device"] for each in registry.devices()}
    head, hyphen, tail = code.rpartition("-")
    stem, number = (head, int(tail)) if hyphen and tail.isdecimal() and len(tail) == 1 else (code, 1)
    while (made := f"{stem}-{number + 1}") in taken:
        number += 1
    return made


def _press(
    device: Json,
    verb: str,
    body: Json | None,
    at: datetime | when.NoMomentError | None,
    said: str,
    *,
    time: str = "at",
) -> None:
    code = device["device"]
    if isinstance(at, when.NoMomentError):
        registry.refuse(code, str(at))
        return
    sent = body if at is None else {**(body or {}), time: at.isoformat()}
    registry.press(code, partial(_changed, code, verb, sent, said))


def _changed(code: str, verb: str, body: Json | None, said: str) -> Json:
    return {"said": said} | live.client().change_device(code, verb, body or {})
