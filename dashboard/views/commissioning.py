"""Commissioning on a phone: choose the home and the device, trigger it, see it answer, finish.

The label's code opens the device's page, which leads here. A message is shown as "answered" and no more.
"""

from __future__ import annotations

import streamlit as st

from dashboard import live, registry
from dashboard.address import choose
from dashboard.client import Json
from dashboard.facts import plain
from dashboard.language import _
from dashboard.sections import answering, mounted

NONE = "none"


def show() -> None:
    """The steps stand on the page, one below the other, as far as they are reached."""
    st.title(_("Mount a device"), anchor=False)
    st.caption(_("Choose the home and the device, make it speak, and see it answer within seconds."))
    _choose()
    if answering.is_listening():
        answering.listen()
        mounted.finish()
    mounted.say_what_is_left()


@live.refreshed(registry.EVERY_SECONDS)
def _choose() -> None:
    devices = {device["device"]: device for device in registry.devices() if device["retired_at"] is None}
    asked = devices.get(st.query_params.get("device", ""))
    homes = {NONE: _("Choose a home")} | registry.home_titles()
    here = asked["home"] if asked and asked["home"] in homes else NONE
    site = choose("site", _("1. Home"), list(homes), homes.__getitem__, st.selectbox, default=here)
    if site == NONE:
        return
    technologies = registry.technology_titles()
    offered = {
        code: device
        for code, device in sorted(devices.items(), key=lambda item: (item[1]["home"] != site, item[0]))
        if device["home"] in (site, None) or device is asked
    }
    titles = {NONE: _("Choose a device")}
    titles |= {code: registry.device_title(device, technologies) for code, device in offered.items()}
    code = choose("device", _("2. Device"), list(titles), titles.__getitem__, st.selectbox, default=NONE)
    if code == NONE:
        st.caption(_("Not in the list? What has spoken and is not registered waits among the new devices."))
        st.page_link(
            "views/proposals.py",
            label=_("New devices"),
            icon=":material/sensors:",
            query_params={"site": site},
        )
        answering.stop()
        return
    device = devices[code]
    answering.stop_unless(site, code)
    if answering.is_listening():
        return
    if mounted.is_finished(code):
        return
    _say_where(device, site)
    step, how = _("3. Make it speak"), answering.how_to_trigger(device["technology"])
    st.markdown(f"**{step}**: {how}")
    if st.button(_("Listen now"), type="primary", icon=":material/sensors:", width="stretch"):
        answering.start(site, device)
        st.rerun()


def _say_where(device: Json, site: str) -> None:
    """What finishing will change in the registry."""
    if device["home"] is None:
        st.caption(_("It stands nowhere yet; finishing enters it at {home}.").format(home=plain(site)))
    elif device["home"] != site:
        st.warning(
            _("The registry has it at {before}. Finishing moves it to {home}.").format(
                before=plain(device["home"]), home=plain(site)
            ),
            icon=":material/moving:",
        )


if __name__ == "__main__":  # Streamlit runs a page as a script
    show()
