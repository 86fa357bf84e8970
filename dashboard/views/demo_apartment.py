"""Demo apartments, apart from the trials: who comes, what is shown to them, what they try, and what comes of it."""

from __future__ import annotations

from datetime import date

import streamlit as st

from dashboard import live, table
from dashboard.charts import heat
from dashboard.charts.frame import legend, place
from dashboard.client import Json
from dashboard.facts import fact, plain
from dashboard.language import _, day, ngettext, number, titled
from dashboard.sections import tours
from dashboard.table import Column
from dashboard.wording import device_status

RECENT_DAYS = 14
NOT_HEARD = ("silent", "never_seen", "connection_lost")


def show() -> None:
    """Each demo apartment stands on the page."""
    st.title(_("Demo apartment"), anchor=False)
    st.caption(_("For inspiration and training. Nothing here counts in any trial."))
    _sites()


@live.refreshed(live.TRIALS_EVERY_SECONDS)
def _sites() -> None:
    sites = live.demo_sites()
    if not sites:
        st.info(
            _(
                "There is no demo apartment yet. It is a home with site_type “demo” in homes.csv of a trial’s folder; "
                "“nyttig demo” brings one along."
            ),
            icon=":material/home_iot_device:",
        )
    for site in sites:
        _site(site)


def _site(site: Json) -> None:
    st.header(plain(f"{site['site']} · {site['unit']}"), anchor=False)
    board = live.demo_board(site["site"])
    tours.show(board)
    _shown(site)
    tours.interest(board)
    tours.entered(board)


def _shown(site: Json) -> None:
    """What the devices themselves tell of demonstrations and visitors."""
    st.subheader(_("What was shown"), anchor=False)
    days = [date.fromisoformat(text) for text in site["days"]]
    devices = site["devices"]
    if not days or not devices:
        st.info(_("No technology stands here yet. Place devices in the apartment with placements.csv."))
        return
    shown_days = min(RECENT_DAYS, len(days))
    recent = {id(device): sum(device["demonstrations"][-shown_days:]) for device in devices}
    tried = sum(sum(device["visitor_uses"][-shown_days:]) for device in devices)
    window = ngettext("last {n} day", "last {n} days", shown_days)
    first, second, third = st.columns(3)
    with first:
        fact(_("Demonstrations"), number(sum(recent.values())), window)
    with second:
        fact(_("Tried by visitors"), number(tried), window)
    with third:
        seen = sum(1 for count in recent.values() if count)
        fact(
            _("Technologies shown"),
            _("{count} of {of}").format(count=number(seen), of=number(len(devices))),
            window,
        )
    forgotten = [_title(device) for device in devices if not recent[id(device)]]
    if forgotten:
        st.markdown(
            _("Not shown in the {window}: {technologies}.").format(
                window=window, technologies=plain(", ".join(forgotten))
            )
        )
    dead = [f"{_title(d)} ({device_status(d['status'])})" for d in devices if d["status"] in NOT_HEARD]
    if dead:
        st.warning(
            _("Not heard, so their zeros may not be zeros: {technologies}.").format(
                technologies=plain(", ".join(dead))
            ),
            icon=":material/sensors_off:",
        )
    _strip(site, days, "demonstrations", _("Demonstrations per day"))
    _strip(site, days, "visitor_uses", _("Uses by visitors per day"))


def _strip(site: Json, days: list[date], field: str, title: str) -> None:
    st.markdown(f"**{title}**")
    if not any(sum(device[field]) for device in site["devices"]):
        st.markdown(
            _("None since {day}, though something may stand here unheard.").format(day=day(days[0]))
            if any(device["status"] in NOT_HEARD for device in site["devices"])
            else _("None since {day}.").format(day=day(days[0]))
        )
        return
    legend(heat.swatches())
    rows = [(_title(device), list(device[field])) for device in site["devices"]]
    words = _(
        "A row for each of {n} technologies from {first} to {last}, darker the more. In all: {total}."
    ).format(
        n=number(len(rows)),
        first=day(days[0]),
        last=day(days[-1]),
        total=", ".join(f"{name} {number(sum(counts))}" for name, counts in rows),
    )
    name = f"{field.replace('_', '-')}-{site['site']}"
    place(name, heat.strip(days, rows, title), heat.ROW_HEIGHT_PX * max(2, len(rows)) + 36, words)
    table.beside(
        name,
        [
            {
                "technology": _title(device),
                "device": device["device"],
                "total": sum(device[field]),
                "days": sum(1 for count in device[field] if count),
                "status": device_status(device["status"]),
            }
            for device in site["devices"]
        ],
        [
            Column("technology", _("Technology")),
            Column("device", _("Device")),
            Column("total", title, "number"),
            Column("days", _("Days with any"), "number"),
            Column("status", _("Status")),
        ],
        every_row=lambda: [
            {"device": device["device"], "day": when.isoformat(), field: count}
            for device in site["devices"]
            for when, count in zip(days, device[field], strict=True)
        ],
    )


def _title(device: Json) -> str:
    return titled(device["technology_titles"], device["technology"])


if __name__ == "__main__":  # Streamlit runs a page as a script
    show()
