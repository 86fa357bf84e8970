"""Which device needs a visit, and why. For installers: nothing here says how a resident lives."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from html import escape

import streamlit as st

from dashboard import batteries, findings, live, table
from dashboard.address import choose, href, written
from dashboard.client import Json
from dashboard.facts import plain
from dashboard.language import _, ago, lasting, moment, ngettext, number, parse_moment, titled
from dashboard.palette import FAINT, GRID, INK
from dashboard.registry_words import dialect
from dashboard.table import Column
from dashboard.views import device as device_page
from dashboard.wording import device_status, homes, quarantine_reason

ROWS_SHOWN = 40
HOMES_NAMED = 6
STATUSES = tuple(findings.LOOKS)
ALL = "all"


def show() -> None:
    """The devices stand on the page, those that need a visit first; or the one that the address names."""
    if code := st.query_params.get("device"):
        device_page.show(code)
        return
    st.title(_("Devices"), anchor=False)
    _devices()
    _quarantine()


@live.refreshed(live.DEVICES_EVERY_SECONDS)
def _devices() -> None:
    titles = {ALL: _("All trials")} | {trial["id"]: trial["title"] for trial in live.trials()}
    left, right = st.columns(2)
    with left:
        trial = choose("of", _("Trial"), list(titles), titles.__getitem__, st.selectbox, default=ALL)
    with right:
        wanted = written("find", _("Find a home or device"))
    answer = live.devices(None if trial == ALL else trial)
    devices: list[Json] = answer["devices"]
    if not devices:
        st.info(
            _(
                "No devices are registered here. They come with a trial’s folder (devices.csv and placements.csv): "
                "ask for it to be loaded with “nyttig load FOLDER”."
            ),
            icon=":material/sensors_off:",
        )
        return
    devices = [device for device in devices if _is_wanted(wanted, device)]
    if not devices:
        st.info(_("No home or device is called {name}.").format(name=plain(wanted)))
        return
    counts = Counter(device["status"] for device in devices)
    names = {ALL: _("All {n}").format(n=number(len(devices)))}
    names |= {
        status: f"{findings.look(status)[0]} {device_status(status)} {number(counts[status])}"
        for status in STATUSES
        if counts[status] or status == st.query_params.get("status")
    }
    status = choose("status", _("Status"), list(names), names.__getitem__, st.pills, default=ALL)
    now = live.now()
    if status in (ALL, *findings.NOT_HEARD):
        shown = {device["site"] for device in devices}
        for gateway in answer["silent_gateways"]:
            if not shown.isdisjoint(gateway["sites"]):
                _silent_gateway(gateway, now)
        for site in answer["silent_sites"]:
            if site["site"] in shown:
                _silent_site(site, now)
    listed = [device for device in devices if status in (ALL, device["status"])]
    one_by_one = [device for device in listed if not _is_told_above(device)]
    if not listed:
        st.success(_("No device has this status."), icon=":material/check:")
    elif status == ALL and not any(device["findings"] for device in devices):
        st.success(_("All devices are heard as expected. Nobody needs to go out."), icon=":material/check:")
    st.markdown("".join(_row(device, now) for device in one_by_one[:ROWS_SHOWN]), unsafe_allow_html=True)
    if len(one_by_one) > ROWS_SHOWN:
        st.caption(
            _("The first {shown} of {all}, worst first. The table below holds all.").format(
                shown=number(ROWS_SHOWN), all=number(len(one_by_one))
            )
        )
    _table(listed, now)


def _is_wanted(wanted: str, thing: Json) -> bool:
    names = (thing["site"], thing["device"], thing["address"], thing["gateway"])
    return any(wanted.casefold() in name.casefold() for name in names if name)


def _is_told_above(device: Json) -> bool:
    """Whether all that is wrong with it lies with the gateway or the home that is silent as a whole."""
    return device["behind"] is not None and all(
        finding["kind"] in findings.NOT_HEARD for finding in device["findings"]
    )


def _for_how_long(text: str, now: datetime) -> str:
    seconds = findings.since(text, now)
    return "" if seconds is None else _(" for {time}").format(time=lasting(seconds))


def _silent_gateway(gateway: Json, now: datetime) -> None:
    named = ", ".join(gateway["sites"][:HOMES_NAMED])
    more = len(gateway["sites"]) - HOMES_NAMED
    if more > 0:
        named += " " + _("and {homes} more").format(homes=homes(more))
    st.error(
        _("**Gateway {gateway}** ({dialect}): {devices}{since}, in {homes}. {remedy}").format(
            gateway=plain(gateway["gateway"]),
            dialect=dialect(gateway["dialect"]),
            devices=ngettext("{n} device silent", "all {n} devices silent", gateway["devices"]),
            since=_for_how_long(gateway["since"], now),
            homes=plain(named),
            remedy=findings.remedy("check_gateway"),
        ),
        icon=":material/router:",
    )


def _silent_site(site: Json, now: datetime) -> None:
    devices = ngettext("{n} device silent", "all {n} devices silent", site["devices"])
    st.error(
        _("**{site}** ({unit}): {devices}{since}. Look at the gateway and the power first.").format(
            site=plain(site["site"]),
            unit=plain(site["unit"]),
            devices=devices,
            since=_for_how_long(site["since"], now),
        ),
        icon=":material/wifi_off:",
    )


def _row(device: Json, now: datetime) -> str:
    sign, colour = findings.look(device["status"])
    technology = titled(device["technology_titles"], device["technology"])
    place = " · ".join((device["site"], device["unit"]))
    link = (
        f'<a href="{escape(href("devices", device=device["device"]))}" target="_self" '
        f'style="font-size:.85rem">{escape(device["device"])}</a>'
    )
    return (
        f'<div style="display:flex;gap:.7rem;padding:.55rem 0;border-bottom:1px solid {GRID}">'
        f'<div aria-hidden="true" style="color:{colour};font-size:1.1rem;line-height:1.3;width:1.2rem;flex:none;'
        f'text-align:center">{sign}</div>'
        f'<div style="min-width:0;overflow-wrap:anywhere"><div style="color:{INK}"><b>{escape(place)}</b> – '
        f"{escape(technology)} {link}</div>"
        f'{_found(device, now)}<div style="color:{FAINT};font-size:.85rem">{escape(_supply(device, now))}</div>'
        f"</div></div>"
    )


def _found(device: Json, now: datetime) -> str:
    """A line for each thing that is wrong: what, for how long, why, and what to do."""
    if not device["findings"]:
        colour = findings.look("ok")[1]
        heard = findings.since(device["last_seen_at"], now)
        words = "" if heard is None else " · " + _("Heard {ago}.").format(ago=ago(heard))
        return f'<div style="font-size:.9rem"><span style="color:{colour}">{escape(device_status("ok"))}</span>{words}</div>'
    lines = []
    for finding in device["findings"]:
        colour = findings.look(finding["kind"])[1]
        words = " ".join(findings.sentences(finding["kind"], finding, now))
        lines.append(
            f'<div style="font-size:.9rem;color:{INK}"><span style="color:{colour};font-weight:600">'
            f"{escape(device_status(finding['kind']) + _for_how_long(finding['since'], now))}</span> · {escape(words)}</div>"
        )
    return "".join(lines)


def _supply(device: Json, now: datetime) -> str:
    parts = [
        _("Expected: {interval}").format(interval=findings.interval(device)),
        batteries.reading(device, now),
    ]
    if device["signal"] != "unknown":
        parts.append(_("Signal {word}").format(word=findings.signal(device["signal"])))
    return " · ".join(part.rstrip(".") for part in parts)


def _table(devices: list[Json], now: datetime) -> None:
    rows = []
    for device in devices:
        heard = findings.since(device["last_seen_at"], now)
        battery = findings.since(device["battery_at"], now)
        found = device["findings"]
        rows.append(
            {
                **device,
                "technology_words": titled(device["technology_titles"], device["technology"]),
                "status_words": device_status(device["status"]),
                "found": " ".join(
                    sentence for one in found for sentence in findings.sentences(one["kind"], one, now)
                ),
                "heard": None if heard is None else ago(heard),
                "interval": findings.interval(device),
                "battery_age": None if battery is None else ago(battery),
                "signal_words": findings.signal(device["signal"]),
            }
        )
    table.beside(
        "devices",
        rows,
        [
            Column("status_words", _("Status")),
            Column("site", _("Home")),
            Column("unit", _("Unit")),
            Column("technology_words", _("Technology")),
            Column("device", _("Device")),
            Column("found", _("What is wrong")),
            Column("heard", _("Last heard")),
            Column("interval", _("Expected")),
            Column("battery_pct", _("Battery, %"), "number"),
            Column("battery_age", _("Battery measured")),
            Column("lost_messages", _("Messages lost"), "number"),
            Column("signal_words", _("Signal")),
            Column("signal_dbm", _("Signal (dBm)"), "number"),
            Column("link_quality", _("Link quality"), "number"),
            Column("dialect", _("Dialect")),
            Column("address", _("Address")),
        ],
        every_row=lambda: [
            {key: value for key, value in device.items() if key not in ("technology_titles", "findings")}
            | {"findings": " ".join(finding["kind"] for finding in device["findings"])}
            for device in devices
        ],
    )


@live.refreshed(live.TRIALS_EVERY_SECONDS)
def _quarantine() -> None:
    groups = live.quarantine()
    total = sum(group["messages_total"] for group in groups)
    st.header(_("Messages that could not be used"), anchor=False)
    if not total:
        st.markdown(_("None. Every message that came in was understood."))
        return
    st.markdown(
        ngettext("{n} message is set aside", "{n} messages are set aside", total)
        + ". "
        + _("They are kept, and count again once the cause is mended and they are replayed.")
    )
    table.show(
        "quarantine",
        [
            {
                **group,
                "reason_words": quarantine_reason(group["reason"]),
                "last": moment(parse_moment(group["last_received_at"]), st.context.timezone),
            }
            for group in groups
        ],
        [
            Column("messages_total", _("Messages"), "number"),
            Column("reason_words", _("Why")),
            Column("dialect", _("Dialect")),
            Column("last", _("Last")),
            Column("example_topic", _("Example")),
        ],
    )


if __name__ == "__main__":  # Streamlit runs a page as a script
    show()
