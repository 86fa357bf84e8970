"""Which device needs a visit, and why. For installers: nothing here says how a resident lives."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from html import escape

import streamlit as st

from dashboard import live, table
from dashboard.address import choose, written
from dashboard.client import Json
from dashboard.facts import plain
from dashboard.language import _, ago, day, lasting, moment, ngettext, number, parse_moment, percent, titled
from dashboard.palette import BAD, CAREFUL, FAINT, GOOD, GRID, INK
from dashboard.table import Column
from dashboard.wording import device_status, quarantine_reason

ROWS_SHOWN = 40
LOW_BATTERY_PCT = 20
STATUSES = ("silent", "never_seen", "late", "unknown", "online")
# A sign and a colour for each status; the sign alone is enough.
LOOKS = {
    "silent": ("✕", BAD),
    "never_seen": ("○", BAD),
    "late": ("◔", CAREFUL),
    "unknown": ("?", FAINT),
    "online": ("●", GOOD),
}
ALL = "all"


def show() -> None:
    """The devices stand on the page, those that need a visit first."""
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
        status: f"{LOOKS[status][0]} {device_status(status)} {number(counts[status])}"
        for status in STATUSES
        if counts[status] or status == st.query_params.get("status")
    }
    status = choose("status", _("Status"), list(names), names.__getitem__, st.pills, default=ALL)
    now = _now()
    silent_sites = [site for site in answer.get("silent_sites") or [] if _is_wanted(wanted, site)]
    for site in silent_sites if status in (ALL, "silent") else []:
        _silent_site(site, now)
    quiet = {site["site"] for site in silent_sites}
    listed = [device for device in devices if status in (ALL, device["status"])]
    one_by_one = [
        device for device in listed if not (device["site"] in quiet and device["status"] == "silent")
    ]
    if not one_by_one and not listed:
        st.success(_("No device has this status."), icon=":material/check:")
    elif status == ALL and not silent_sites and set(counts) == {"online"} and not any(map(_is_low, devices)):
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
    names = (thing.get("site"), thing.get("device"), thing.get("address"))
    return any(wanted.casefold() in name.casefold() for name in names if name)


def _is_low(device: Json) -> bool:
    return device["battery_pct"] is not None and device["battery_pct"] <= LOW_BATTERY_PCT


def _now() -> datetime:
    return parse_moment(live.health().get("now")) or datetime.now(UTC)


def _since(text: str | None, now: datetime) -> float | None:
    then = parse_moment(text)
    return None if then is None else (now - then).total_seconds()


def _silent_site(site: Json, now: datetime) -> None:
    seconds = _since(site["since"], now)
    since = "" if seconds is None else _(" for {time}").format(time=lasting(seconds))
    devices = ngettext("{n} device silent", "all {n} devices silent", site["devices"])
    st.error(
        _("**{site}** ({unit}): {devices}{since}. Look at the gateway and the power first.").format(
            site=plain(site["site"]), unit=plain(site["unit"]), devices=devices, since=since
        ),
        icon=":material/wifi_off:",
    )


def why(device: Json, now: datetime) -> str:
    """What is the matter with a device and what to do, in one or two sentences."""
    heard = _since(device["last_seen_at"], now)
    minutes = device["expected_interval_minutes"]
    gap = _(" (normal gap: {interval})").format(interval=lasting(60 * minutes)) if minutes else ""
    sentences = []
    if device["status"] == "never_seen" or heard is None:
        sentences.append(_("Check that it has power and is paired with the gateway."))
    elif device["status"] == "silent":
        sentences.append(_("Last heard {ago}{gap}.").format(ago=ago(heard), gap=gap))
    elif device["status"] == "late":
        sentences.append(
            _("Last heard {ago}{gap}. Wait a little before you go.").format(ago=ago(heard), gap=gap)
        )
    elif device["status"] == "unknown":
        sentences.append(
            _("Nyttig was not recording, so nobody can tell. Last heard {ago}.").format(ago=ago(heard))
        )
    else:
        sentences.append(_("Heard {ago}.").format(ago=ago(heard)))
    if device["connection"] == "offline":
        sentences.append(_("Its connection is reported lost."))
    if lost := device["lost_messages"]:
        messages = ngettext("{n} message from it", "{n} messages from it", lost)
        since = day(parse_moment(device["lost_since"]))
        sentences.append(_("Since {day}, {messages} never arrived.").format(day=since, messages=messages))
    if (battery := device["battery_pct"]) is not None:
        aged = _since(device["battery_at"], now)
        when = "" if aged is None else _(" (measured {ago})").format(ago=ago(aged))
        text = (
            _("Battery {level}{when}.")
            if not _is_low(device)
            else _("Low battery, {level}{when}: bring a new one.")
        )
        sentences.append(text.format(level=percent(battery / 100), when=when))
    elif device["power"] == "battery" and heard is not None:
        volts = device["battery_v"]
        sentences.append(
            _("Battery level not reported.")
            if volts is None
            else _("Battery {volts} V.").format(volts=number(volts, 2))
        )
    return " ".join(sentences)


def _row(device: Json, now: datetime) -> str:
    sign, colour = LOOKS.get(device["status"], LOOKS["unknown"])
    technology = titled(device["technology_titles"], device["technology"])
    place = " · ".join(part for part in (device["site"], device["unit"]) if part) or _("not placed anywhere")
    status = escape(device_status(device["status"]))
    name = f"<b>{escape(place)}</b> – {escape(technology)}"
    return (
        f'<div style="display:flex;gap:.7rem;padding:.55rem 0;border-bottom:1px solid {GRID}">'
        f'<div style="color:{colour};font-size:1.1rem;line-height:1.3;width:1.2rem;flex:none;text-align:center">'
        f"{sign}</div>"
        f'<div style="min-width:0;overflow-wrap:anywhere"><div style="color:{INK}">{name} '
        f'<span style="color:{FAINT};font-size:.85rem">{escape(device["device"])}</span></div>'
        f'<div style="color:{FAINT};font-size:.9rem"><span style="color:{colour}">{status}</span>'
        f" · {escape(why(device, now))}</div></div></div>"
    )


def _table(devices: list[Json], now: datetime) -> None:
    rows = []
    for device in devices:
        heard, battery = _since(device["last_seen_at"], now), _since(device["battery_at"], now)
        rows.append(
            {
                **device,
                "technology_words": titled(device["technology_titles"], device["technology"]),
                "status_words": device_status(device["status"]),
                "heard": None if heard is None else ago(heard),
                "battery_age": None if battery is None else ago(battery),
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
            Column("heard", _("Last heard")),
            Column("battery_pct", _("Battery, %"), "number"),
            Column("battery_age", _("Battery measured")),
            Column("lost_messages", _("Messages lost"), "number"),
            Column("signal_dbm", _("Signal (dBm)"), "number"),
            Column("link_quality", _("Link quality"), "number"),
            Column("dialect", _("Dialect")),
            Column("address", _("Address")),
        ],
        every_row=lambda: [
            {key: value for key, value in device.items() if key != "technology_titles"} for device in devices
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
