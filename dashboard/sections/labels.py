"""Labels to print: which devices, and the sheet as a PDF."""

from __future__ import annotations

from urllib.parse import urlsplit

import streamlit as st

from dashboard import live, refusals, registry
from dashboard.client import ApiRefusedError
from dashboard.facts import plain
from dashboard.language import _, current, ngettext

LABELS_MAX = 2400
ALL = "all"
HERE = ("localhost", "::1")


def show() -> None:
    """Devices are chosen, and their labels come as a PDF."""
    st.markdown(
        _(
            "Stickers with the device’s code, what it is, and a QR code that opens its page: 24 on an A4 sheet "
            "(63.5 × 33.9 mm). Nothing on them tells of a home."
        )
    )
    leads_to = registry.choices()["labels_lead_to"]
    host = urlsplit(leads_to).hostname or ""
    if host in HERE or host.startswith("127."):
        st.warning(
            _(
                "The codes lead to {url}, which a phone cannot open. Ask the person who runs Nyttig to set "
                "NYTTIG_DASHBOARD_URL before you print many."
            ).format(url=plain(leads_to)),
            icon=":material/qr_code_2:",
        )
    titles = {ALL: _("All trials, and devices in none")} | {
        each["id"]: each["title"] for each in live.trials()
    }
    trial = st.selectbox(_("Trial"), list(titles), format_func=titles.__getitem__, key="labels:trial")
    devices = {
        each["device"]: each
        for each in registry.devices()
        if each["retired_at"] is None and (trial in (ALL, None) or trial in each["roles"])
    }
    technologies = registry.technology_titles()
    picked = st.multiselect(
        _("Only these devices"),
        list(devices),
        format_func=lambda each: registry.device_title(devices[each], technologies),
        placeholder=_("all of them"),
        key=f"labels:devices:{trial}",
    )
    count = len(picked or devices)
    if not count:
        st.info(_("There is no device to label here."))
    elif count > LABELS_MAX:
        st.info(
            ngettext("{n} label is too many at once.", "{n} labels are too many at once.", count)
            + " "
            + _("Choose a trial, or some devices.")
        )
    else:
        _download(picked, None if trial == ALL else trial, count)


def _download(picked: list[str], trial: str | None, count: int) -> None:
    """The sheet is made when it is asked for; what it was made of stands in its key, so that no old one is taken."""
    asked = (tuple(picked), trial, current().code)
    made: dict[tuple[object, ...], bytes] = st.session_state.setdefault("labels", {})
    if asked not in made:
        if not st.button(
            ngettext("Make {n} label", "Make {n} labels", count), type="primary", icon=":material/qr_code_2:"
        ):
            return
        try:
            sheet = live.client().labels(picked, trial, current().code)
        except ApiRefusedError as refused:
            st.error(
                _("No labels: {reason}").format(reason=plain(refusals.reason(refused))),
                icon=":material/block:",
            )
            return
        made.clear()
        made[asked] = sheet
        st.rerun()
    st.download_button(
        ngettext("Download {n} label (PDF)", "Download {n} labels (PDF)", count),
        made[asked],
        file_name="labels.pdf",
        mime="application/pdf",
        icon=":material/download:",
        type="primary",
        on_click="ignore",
    )
