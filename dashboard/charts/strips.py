"""Each home as a strip of days."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from itertools import groupby
from types import MappingProxyType
from typing import Any

import altair as alt
import pandas as pd

from dashboard.charts import axes, hatch
from dashboard.charts.frame import HATCHED
from dashboard.client import Json
from dashboard.language import _, day, number, parse_day, percent
from dashboard.palette import (
    ALARM,
    ALARM_LITTLE_CONTACT,
    IN_CONTACT,
    PAUSED,
    UNKNOWN,
    UNUSED,
    USED,
    USED_LITTLE_OBSERVED,
)
from dashboard.wording import day_state

ROW_HEIGHT_PX = 24
COLUMNS = ["x", "x2", "y", "y2", "colour", "home", "state", "days", "uses", "observed", "lost"]
THICKNESS = 0.36
"""Half a strip's height, in rows."""


def colours(*, standby: bool) -> dict[str, str]:
    """A colour for each letter that is drawn."""
    return {
        "U": ALARM if standby else USED,
        "u": ALARM_LITTLE_CONTACT if standby else USED_LITTLE_OBSERVED,
        "N": IN_CONTACT if standby else UNUSED,
        "E": PAUSED,
        "K": UNKNOWN,
    }


def swatches(homes: list[Json], *, standby: bool) -> list[tuple[str, str]]:
    """A legend of the states that occur."""
    seen = {letter for home in homes for letter in home["states"]}
    return [
        (HATCHED if letter == "K" else colour, day_state(letter, standby=standby))
        for letter, colour in colours(standby=standby).items()
        if letter in seen
    ]


def cut(homes: list[Json], first: date, last: date) -> list[Json]:
    """The homes with only their days from `first` to `last`."""
    shorter = []
    for home in homes:
        begins = parse_day(home["first_day"])
        assert begins is not None
        skip = max(0, (first - begins).days)
        stop = max(skip, (last - begins).days + 1)
        shorter.append(
            {
                **home,
                "first_day": (begins + timedelta(days=skip)).isoformat(),
                "states": home["states"][skip:stop],
                "uses": home["uses"][skip:stop],
                "observed_ratio": home["observed_ratio"][skip:stop],
            }
        )
    return shorter


def day_rows(homes: list[Json]) -> list[dict[str, Any]]:
    """A home and day a row, for the file."""
    found = []
    for home in homes:
        begins = parse_day(home["first_day"])
        assert begins is not None
        lossy = _lossy(home, begins)
        for offset, letter in enumerate(home["states"]):
            found.append(
                {
                    "home": home["home"],
                    "unit": home["unit"],
                    "day": (begins + timedelta(days=offset)).isoformat(),
                    "state": letter,
                    "uses": home["uses"][offset],
                    "observed_ratio": home["observed_ratio"][offset],
                    "lossy": offset in lossy,
                }
            )
    return found


def days(
    homes: list[Json],
    first: date,
    last: date,
    *,
    standby: bool,
    signs: Mapping[str, str] = MappingProxyType({}),
) -> alt.Chart:
    """A row a home, a rectangle for each run of days in one state, from `first` to `last`.

    `signs` stand before the codes of some homes.
    """
    count = (last - first).days + 1
    segments: list[dict[str, Any]] = []
    lines: list[list[float]] = []
    for row, home in enumerate(homes):
        begins = parse_day(home["first_day"])
        assert begins is not None
        shift = (begins - first).days
        lossy = _lossy(home, begins)
        for letter, run in groupby(enumerate(home["states"]), key=lambda pair: pair[1]):
            if letter == "-":
                continue
            offsets = [offset for offset, _letter in run]
            left, right = shift + offsets[0], shift + offsets[-1] + 1
            observed = [home["observed_ratio"][o] for o in offsets if home["observed_ratio"][o] is not None]
            segments.append(
                {
                    "x": left,
                    "x2": right,
                    "y": row + 0.5 - THICKNESS,
                    "y2": row + 0.5 + THICKNESS,
                    "colour": colours(standby=standby)[letter],
                    "home": home["home"],
                    "state": day_state(letter, standby=standby),
                    "days": _period(first + timedelta(days=left), len(offsets)),
                    "uses": number(sum(home["uses"][o] for o in offsets)),
                    "observed": percent(sum(observed) / len(observed)) if observed else "–",
                    "lost": number(sum(offset in lossy for offset in offsets)),
                }
            )
            if letter == "K":
                lines += hatch.lines(
                    left,
                    right,
                    row + 0.5 - THICKNESS,
                    row + 0.5 + THICKNESS,
                    run=max(0.5, count / 130),
                    rise=0.3,
                )
    names = {
        row + 0.5: f"{signs[home['home']]} {home['home']}" if home["home"] in signs else home["home"]
        for row, home in enumerate(homes)
    }
    x = alt.X("x:Q", scale=alt.Scale(domain=[0, count], nice=False), axis=axes.days(first, count, ticks=5))
    y = alt.Y(
        "y:Q",
        scale=alt.Scale(domain=[0, len(homes)], reverse=True, nice=False),
        axis=axes.labelled(names, limit=100, overlap=False),
    )
    strips = (
        alt.Chart(pd.DataFrame(segments, columns=COLUMNS))
        .mark_rect(stroke="white", strokeWidth=0.4)
        .encode(
            x=x,
            x2="x2",
            y=y,
            y2="y2",
            color=alt.Color("colour:N", scale=None, legend=None),
            tooltip=[
                alt.Tooltip("home:N", title=_("Home")),
                alt.Tooltip("days:N", title=_("Days")),
                alt.Tooltip("state:N", title=_("State")),
                alt.Tooltip("uses:N", title=_("Uses")),
                alt.Tooltip("observed:N", title=_("Observed")),
                alt.Tooltip("lost:N", title=_("Days with lost messages")),
            ],
        )
    )
    return alt.layer(strips, hatch.mark(lines, x, y)) if lines else alt.layer(strips)


def _lossy(home: Json, begins: date) -> set[int]:
    """The days on which messages were lost, counted from `begins`."""
    return {(date.fromisoformat(lossy) - begins).days for lossy in home["lossy_on"]}


def _period(first: date, count: int) -> str:
    if count == 1:
        return day(first)
    return _("{first} to {last}").format(first=day(first), last=day(first + timedelta(days=count - 1)))
