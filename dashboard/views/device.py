"""One device: what is wrong with it, what it said of itself, where it stood and what was done. Labels lead here.

Days and counts only, never hours: nothing here says how a resident lives.
"""

from __future__ import annotations

import streamlit as st

from dashboard import live, registry
from dashboard.client import ApiRefusedError, Json
from dashboard.facts import plain
from dashboard.language import _, moment, parse_moment, titled
from dashboard.registry_words import dialect, retire_reason
from dashboard.sections import condition, past, places, traffic

EVERY_SECONDS = 15
DEVICE = "shown:device-page"


def show(code: str) -> None:
    """The device of this code stands on the page; or where it is, if it is placed nowhere."""
    st.session_state[DEVICE] = code
    st.page_link("views/devices.py", label=_("All devices"), icon=":material/arrow_back:")
    st.title(plain(code), anchor=False)
    _device()


@live.refreshed(EVERY_SECONDS)
def _device() -> None:
    code: str = st.session_state[DEVICE]
    try:
        device = live.device(code)
    except ApiRefusedError as refused:
        if refused.status != 404:
            raise
        _not_placed(code)
        return
    now = live.now()
    about = [
        titled(device["technology_titles"], device["technology"]),
        *([device["model"]] if device["model"] else []),
        f"{device['site']} ({device['unit']})",
        dialect(device["dialect"]),
    ]
    st.caption(plain(" · ".join(about)))
    condition.headline(device, now)
    _links(device)
    condition.facts(device, now)
    past.days(device)
    past.silences(device)
    past.battery(device, now)
    past.signal(device, now)
    traffic.messages(device)
    traffic.set_aside(device)
    places.stood(device)
    places.work_done(device)
    places.changes(device)
    st.divider()
    st.caption(
        _("Days and times as in {timezone}. What residents do is not shown here.").format(
            timezone=device["timezone"]
        )
    )


def _links(device: Json) -> None:
    with st.container(horizontal=True):
        st.page_link(
            "views/commissioning.py",
            label=_("See it answer"),
            icon=":material/sensors:",
            query_params={"site": device["site"], "device": device["device"]},
        )
        st.page_link(
            "views/work.py",
            label=_("Work in this home"),
            icon=":material/checklist:",
            query_params={"site": device["site"]},
        )
        st.page_link(
            "views/registry.py",
            label=_("Move, swap or retire it"),
            icon=":material/swap_horiz:",
            query_params={"device": device["device"]},
        )


def _not_placed(code: str) -> None:
    known = {device["device"]: device for device in registry.devices()}
    if code not in known:
        st.warning(
            _(
                "There is no device with this code. If it is new and has spoken already, it waits among the new devices; "
                "else look whether the label belongs to another installation of Nyttig."
            ),
            icon=":material/search_off:",
        )
        st.page_link("views/proposals.py", label=_("New devices"), icon=":material/sensors:")
        return
    device = known[code]
    technology = registry.technology_titles().get(device["technology"], device["technology"])
    st.caption(plain(f"{technology} · {dialect(device['dialect'])}"))
    if device["retired_at"] is not None:
        st.info(
            _("Out of service since {moment}: {reason}.").format(
                moment=moment(parse_moment(device["retired_at"]), st.context.timezone),
                reason=retire_reason(device["retired_because"]),
            )
        )
    else:
        st.info(_("It is registered and stands nowhere yet."), icon=":material/home_pin:")
        st.page_link(
            "views/commissioning.py",
            label=_("Mount it and see it answer"),
            icon=":material/sensors:",
            query_params={"device": code},
        )
    places.changes(device)
