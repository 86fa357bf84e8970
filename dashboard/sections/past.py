"""What one device was like, day by day: heard or not, its battery, its radio. A picture each, its table beneath."""

from __future__ import annotations

from datetime import date, datetime
from functools import partial
from zoneinfo import ZoneInfo

import streamlit as st

from dashboard import batteries, findings, table
from dashboard.charts import heard, levels
from dashboard.charts.frame import legend, place
from dashboard.charts.levels import Limit, Span
from dashboard.client import Json
from dashboard.language import (
    _,
    day,
    lasting,
    moment,
    ngettext,
    number,
    parse_day,
    parse_moment,
    percent,
    sentence,
    within,
)
from dashboard.table import Column
from dashboard.wording import heard_state

SILENCES_SPELLED_OUT = 3
BATTERY_LOW_PCT = 15
DRAWN_AHEAD_DAYS = 400
"""A battery that lasts longer than that is told in words: the picture would be all future."""

# A measure of the radio: the field of a day, its name, its unit as written, and below what it is poor (houses' radios;
# of long-range ones the judgement is the API's, and no line is drawn).
RADIO = ("rssi_dbm", "snr_db", "link_quality", "signal_pct")


def days(device: Json) -> None:
    """How the device was heard, day by day, and how often it reported on itself."""
    st.header(_("Day by day"), anchor=False)
    found: list[Json] = device["days"]
    if not found:
        st.markdown(_("It has been here for less than a day."))
        return
    count = {state: sum(each["heard"] == state for each in found) for state in heard.COLOURS}
    st.markdown(
        _("Of {days}: {states}.").format(
            days=ngettext("{n} day", "{n} days", len(found)),
            states=", ".join(f"{number(n)} {within(heard_state(state))}" for state, n in count.items() if n),
        )
    )
    legend(heard.swatches(found))
    words = _("A strip of {n} days from {first} to {last}. The table below holds each day.").format(
        n=number(len(found)), first=day(parse_day(found[0]["day"])), last=day(parse_day(found[-1]["day"]))
    )
    name = f"days-{device['device']}"
    place(name, heard.chart(found), heard.HEIGHT_PX, words)
    st.caption(
        _(
            "The bars count what the device reports about itself, such as its battery; never what a resident does."
        )
    )
    table.beside(
        name,
        [{**each, "state": heard_state(each["heard"])} for each in reversed(found)],
        [
            Column("day", _("Day"), "day"),
            Column("state", _("State")),
            Column("own_reports", _("Reports on itself"), "number"),
        ],
        every_row=lambda: found,
    )


def silences(device: Json) -> None:
    """The gaps that were too long while Nyttig listened, the newest first."""
    st.subheader(_("Gaps"), anchor=False)
    found: list[Json] = device["silences"]
    if device["expected_interval_minutes"] is None:
        st.markdown(
            _(
                "Not told of a device without a steady rhythm: its gaps are the hours in which nothing happened."
            )
        )
        return
    if not found:
        st.markdown(_("None that was too long, as far back as the days above go."))
        return
    zone = device["timezone"]
    rows = [
        {
            **gap,
            "from_words": moment(parse_moment(gap["from_at"]), zone),
            "to_words": moment(parse_moment(gap["to_at"]), zone),
            "lasted": lasting(60 * gap["minutes"]),
            "away": lasting(60 * gap["away_minutes"]) if gap["away_minutes"] else "–",
        }
        for gap in found
    ]
    st.markdown(
        "\n".join(
            "- " + _("{time} from {moment}").format(time=row["lasted"], moment=row["from_words"])
            for row in rows[:SILENCES_SPELLED_OUT]
        )
    )
    table.beside(
        f"gaps-{device['device']}",
        rows,
        [
            Column("from_words", _("From")),
            Column("to_words", _("To")),
            Column("lasted", _("How long")),
            Column("away", _("Nyttig away meanwhile")),
        ],
        every_row=lambda: found,
    )


def battery(device: Json, now: datetime) -> None:
    """The battery over time, with the day on which it is expected to be replaced."""
    if device["power"] != "battery":
        return
    st.header(_("Battery"), anchor=False)
    forecast = device["battery_forecast"]
    st.markdown(batteries.reading(device, now) + (f" {batteries.due(forecast)}." if forecast else ""))
    found: list[Json] = device["battery_days"]
    field = "pct" if any(each["pct"] is not None for each in found) else "volts"
    drawn = _levels(found, field)
    if not drawn:
        return
    write = _percentage if field == "pct" else _volts
    place(
        f"battery-{device['device']}",
        levels.chart(
            drawn,
            write,
            _("Battery"),
            domain=(0.0, 100.0) if field == "pct" else None,
            limit=Limit(BATTERY_LOW_PCT, _("low")) if field == "pct" else None,
            span=_span(forecast, drawn[0][0]) if field == "pct" else None,
            until=now.astimezone(ZoneInfo(device["timezone"])).date(),
        ),
        levels.HEIGHT_PX,
        _(
            "What it said of its battery on {n} days, from {first} to {last}: {from_level} then, {to_level} last."
        ).format(
            n=number(len(drawn)),
            first=day(drawn[0][0]),
            last=day(drawn[-1][0]),
            from_level=write(drawn[0][1]),
            to_level=write(drawn[-1][1]),
        ),
    )
    _read_table(
        device,
        "battery",
        found,
        [Column("pct", _("Battery, %"), "number", 1), Column("volts", _("Volts"), "number", 2)],
    )


def signal(device: Json, now: datetime) -> None:
    """The radio link over time, by the measure that the device gives."""
    st.header(_("Signal"), anchor=False)
    found: list[Json] = device["signal_days"]
    field = next((name for name in RADIO if any(each[name] is not None for each in found)), None)
    if field is None:
        st.markdown(_("It says nothing of its radio."))
        return
    st.markdown(
        _("{word}, by what it said last, on {day}.").format(
            word=sentence(findings.signal(device["signal"])), day=day(parse_day(found[-1]["day"]))
        )
    )
    drawn = _levels(found, field)
    write = partial(findings.measured, field)
    weak = [one["evidence"] for one in device["findings"] if one["kind"] == "weak_signal"]
    limits = [Limit(one["poor_below"], _("poor below this")) for one in weak if one["measure"] == field]
    place(
        f"signal-{device['device']}",
        levels.chart(
            drawn,
            number,
            _("Signal"),
            limit=limits[0] if limits else None,
            until=now.astimezone(ZoneInfo(device["timezone"])).date(),
        ),
        levels.HEIGHT_PX,
        _("The middle of each of {n} days from {first} to {last}; the last is {level}.").format(
            n=number(len(drawn)), first=day(drawn[0][0]), last=day(drawn[-1][0]), level=write(drawn[-1][1])
        ),
    )
    st.caption(
        {
            "rssi_dbm": _("In dBm: the nearer to zero, the stronger."),
            "snr_db": _("In dB above the noise: the higher, the better."),
            "link_quality": _("Link quality from 0 to 255: the higher, the better."),
            "signal_pct": _("In percent, as the device reckons it."),
        }[field]
    )
    _read_table(
        device,
        "signal",
        found,
        [
            Column("rssi_dbm", _("Signal (dBm)"), "number"),
            Column("snr_db", _("Above the noise (dB)"), "number", 1),
            Column("link_quality", _("Link quality"), "number"),
            Column("signal_pct", _("Signal, %"), "number"),
        ],
    )


def _levels(found: list[Json], field: str) -> list[tuple[date, float]]:
    return [(date.fromisoformat(each["day"]), each[field]) for each in found if each[field] is not None]


def _percentage(level: float) -> str:
    return percent(level / 100)


def _volts(level: float) -> str:
    return _("{volts} V").format(volts=number(level, 2))


def _span(forecast: Json | None, first: date) -> Span | None:
    """What of the forecast can be drawn."""
    if forecast is None or forecast["basis"] is None:
        return None
    earliest, likely, latest = (
        parse_day(forecast[name]) for name in ("earliest_at", "replace_at", "latest_at")
    )
    end = latest or likely
    if earliest is None or end is None or (end - first).days > DRAWN_AHEAD_DAYS:
        return None
    return Span(max(earliest, first), likely, latest)


def _read_table(device: Json, name: str, found: list[Json], columns: list[Column]) -> None:
    used = [column for column in columns if any(each[column.key] is not None for each in found)]
    table.beside(
        f"{name}-{device['device']}",
        list(reversed(found)),
        [Column("day", _("Day"), "day"), *used],
        every_row=lambda: found,
    )
