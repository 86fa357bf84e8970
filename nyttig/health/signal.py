"""Signal: how good a device's radio link is, in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import Final, Literal, NamedTuple

from nyttig.health.facts import SignalReading
from nyttig.health.findings import Finding

Quality = Literal["good", "fair", "poor", "unknown"]

LONG_RANGE_DIALECTS: Final = frozenset(
    {"ttn", "tts", "things_stack", "the_things_stack", "chirpstack", "lorawan"}
)
"""Dialects of LoRaWAN, whose receivers hear far weaker signals than those of a house."""


class Scale(NamedTuple):
    """From `good` up a value is good, below `poor` it is poor; a poor one is no longer poor from `mended` up."""

    good: float
    poor: float
    mended: float


SHORT_RANGE_DBM: Final = Scale(good=-75, poor=-87, mended=-84)
LONG_RANGE_DBM: Final = Scale(good=-105, poor=-117, mended=-114)
SNR_DB: Final = Scale(good=-5, poor=-12, mended=-10)
LINK_QUALITY: Final = Scale(good=100, poor=40, mended=50)
SIGNAL_PCT: Final = Scale(good=60, poor=20, mended=25)

MEANINGLESS_LINK_QUALITY: Final = frozenset({0.0, 255.0})
"""Bridges and gateways put these in where they have measured nothing."""

READINGS_PER_MEDIAN: Final = 3


def quality(readings: Sequence[SignalReading], dialect: str) -> Quality:
    """The signal in one word, by the median of the last three readings (newest first)."""
    measured = _measured(readings, dialect)
    if measured is None:
        return "unknown"
    values, scale = measured
    level = median(values[:READINGS_PER_MEDIAN])
    return "good" if level >= scale.good else "poor" if level < scale.poor else "fair"


def weak_signal(readings: Sequence[SignalReading], dialect: str) -> Finding | None:
    """The finding that its signal is poor, if so.

    It is poor when of the medians of three that lie outside the band between `poor` and `mended` the newest lies below:
    one bad reading makes no finding, and one at the border does not come and go.
    """
    measured = _measured(readings, dialect)
    if measured is None:
        return None
    values, scale = measured
    if min(values) >= scale.mended:
        return None
    levels = [
        median(values[first : first + READINGS_PER_MEDIAN])
        for first in range(len(values) - READINGS_PER_MEDIAN + 1)
    ]
    poor = None
    for level in levels:
        if level < scale.poor or level >= scale.mended:
            poor = level < scale.poor
            break
    if not poor:
        return None
    weak = [reading for reading in readings if _is_below(reading, dialect, scale.mended)]
    return Finding.of(
        "weak_signal",
        min((reading.at for reading in weak), default=readings[-1].at),
        readings[0].at,
        {
            "level": levels[0],
            "poor_below": scale.poor,
            "measure": _measure(readings, dialect)[0],
            "readings": len(values),
        },
    )


def _measured(readings: Sequence[SignalReading], dialect: str) -> tuple[list[float], Scale] | None:
    _, value_of, scale = _measure(readings, dialect)
    values = [value for reading in readings if (value := value_of(reading)) is not None]
    return (values, scale) if values else None


def _measure(
    readings: Sequence[SignalReading], dialect: str
) -> tuple[str, Callable[[SignalReading], float | None], Scale]:
    """What is looked at: where a device says several things of its link, the one that tells most."""
    if dialect in LONG_RANGE_DIALECTS:
        if any(reading.snr_db is not None for reading in readings):
            return "snr_db", _snr, SNR_DB
        return "rssi_dbm", _dbm, LONG_RANGE_DBM
    if any(reading.rssi_dbm is not None for reading in readings):
        return "rssi_dbm", _dbm, SHORT_RANGE_DBM
    if any(_quality(reading) is not None for reading in readings):
        return "link_quality", _quality, LINK_QUALITY
    return "signal_pct", _pct, SIGNAL_PCT


def _is_below(reading: SignalReading, dialect: str, limit: float) -> bool:
    value = _measure([reading], dialect)[1](reading)
    return value is not None and value < limit


def _dbm(reading: SignalReading) -> float | None:
    return reading.rssi_dbm


def _snr(reading: SignalReading) -> float | None:
    return reading.snr_db


def _quality(reading: SignalReading) -> float | None:
    return None if reading.link_quality in MEANINGLESS_LINK_QUALITY else reading.link_quality


def _pct(reading: SignalReading) -> float | None:
    return reading.signal_pct
