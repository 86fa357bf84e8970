"""Being worn and calling for help, for a made-up population: what is so, and what the rollups and alarms would tell.

What a home puts on in the morning it takes off in the evening, or when the device is collected. While it is worn
somebody may need help; of ten alarms nine are handled, half of those within six minutes, none after two and a half hours.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import pandas as pd
from lives import NEVER, Bools, Integers
from population_silences import END, MIDNIGHTS, Silences, Stays, silent_until

from nyttig.figures.alarms import AlarmFigures, Alarms
from nyttig.figures.intervals import clustered
from nyttig.model import Parameters

ALARMS_PER_WORN_DAY = 0.03
HANDLED = 0.9
DELAY_MEDIAN_MINUTES, DELAY_MAX_MINUTES = 6.0, 150
HANDLED_WITHIN_MINUTES = 24 * 60


class Watch(NamedTuple):
    """When which stay's device was worn, [start, end); and its alarms: minutes since 1970, delay NEVER: not handled."""

    stay: Integers
    start: Integers
    end: Integers
    alarm_stay: Integers
    alarm: Integers
    delay: Integers


class Messages(NamedTuple):
    """Heartbeats, uses and what is said of being worn, in order of stays and minutes. `kind` as in `Said`, else -1."""

    stay: Integers
    minute: Integers
    is_use: Bools
    kind: Integers


class Said(NamedTuple):
    """What devices say of it: `kind` 0 put on, 1 taken off, 2 an alarm, 3 handled."""

    stay: Integers
    minute: Integers
    kind: Integers


def watched(stays: Stays, use_stay: Integers, use_minute: Integers, rng: np.random.Generator) -> Watch:
    """The truth: each use is a putting on."""
    day = np.searchsorted(MIDNIGHTS, use_minute, side="right") - 1
    evening = MIDNIGHTS[day + 1] - rng.integers(30, 6 * 60, len(day))
    stay, start = use_stay, use_minute
    end = np.maximum(np.minimum(evening, stays.end[stay] - 1), start)
    calls = np.flatnonzero(rng.random(len(stay)) < ALARMS_PER_WORN_DAY)
    alarm = start[calls] + (rng.random(len(calls)) * (end - start)[calls]).astype(np.int64)
    delay = rng.lognormal(np.log(DELAY_MEDIAN_MINUTES), 1.0, len(calls)).astype(np.int64)
    delay = np.where(rng.random(len(calls)) < HANDLED, np.clip(delay, 1, DELAY_MAX_MINUTES), NEVER)
    of = stay[calls]
    order = np.lexsort((alarm, stays.device[of]))
    of, alarm, delay = of[order], alarm[order], delay[order]
    device = stays.device[of]
    alone = np.append(True, (device[1:] != device[:-1]) | (np.diff(alarm) > HANDLED_WITHIN_MINUTES))
    kept = alone[: len(of)] & (alarm < stays.end[of] - 180)
    return Watch(stay, start, end, of[kept], alarm[kept], delay[kept])


def said(watch: Watch) -> Said:
    """Every message of it, whether anybody hears it or not."""
    handled = watch.delay < NEVER
    parts = [
        (watch.stay, watch.start), (watch.stay, watch.end), (watch.alarm_stay, watch.alarm),
        (watch.alarm_stay[handled], (watch.alarm + watch.delay)[handled]),
    ]  # fmt: skip
    return Said(
        np.concatenate([stay for stay, _ in parts]),
        np.concatenate([minute for _, minute in parts]),
        np.repeat(np.arange(len(parts)), [len(stay) for stay, _ in parts]),
    )


def sent(
    stays: Stays, use_stay: Integers, use_minute: Integers, told: Said | None, heartbeat_minutes: int
) -> Messages:
    """Every message of the stays, whether anybody hears it or not; with `told`, each use is a putting on."""
    count = -(-(stays.end - stays.start) // heartbeat_minutes)
    stay = np.repeat(np.arange(len(count)), count)
    number = np.arange(len(stay)) - np.repeat(np.cumsum(count) - count, count)
    minute, beats = stays.start[stay] + number * heartbeat_minutes, np.repeat(-1, len(stay))
    if told is None:
        told = Said(use_stay, use_minute, np.repeat(-1, len(use_stay)))
        is_use = np.repeat([False, True], [len(stay), len(use_stay)])
    else:
        is_use = np.concatenate([beats, told.kind]) == 0
    stay, minute = np.concatenate([stay, told.stay]), np.concatenate([minute, told.minute])
    order = np.lexsort((minute, stay))
    return Messages(stay[order], minute[order], is_use[order], np.concatenate([beats, told.kind])[order])


def covered(watch: Watch, broken: Silences, shape: tuple[int, ...]) -> Integers:
    """Of each stay and day: the minutes in which it was worn and the device alive."""
    worn = watch.end - watch.start
    silent = silent_until(broken, watch.stay, watch.end) - silent_until(broken, watch.stay, watch.start)
    minutes = np.zeros(shape, dtype=np.int64)
    np.add.at(minutes, (watch.stay, np.searchsorted(MIDNIGHTS, watch.start, side="right") - 1), worn - silent)
    return minutes


def alarm_errors(watch: Watch, made: AlarmFigures) -> Iterator[tuple[str, float, float, dict[str, float]]]:
    """Figure, what it says, what is so, and what a rate says that takes each alarm without a handling for missed."""
    told = made.all
    known = told.raised - told.to_come
    unhandled = told.missed.count + told.unknown
    in_time, missed = told.handled_in_time.ratio, told.missed.ratio
    assert in_time is not None
    assert missed is not None
    assert told.median_minutes is not None
    truth = float((watch.delay <= Parameters().alarm_handled_within_minutes).mean())
    yield (
        "alarms handled in time",
        in_time,
        truth,
        {"in time / all raised": told.handled_in_time.count / known},
    )
    truth = float((watch.delay == NEVER).mean())
    yield "alarms missed", missed, truth, {"not handled / all raised": unhandled / known}
    yield "median minutes to handling", told.median_minutes, float(np.median(watch.delay)), {}


def alarm_intervals(homes: Sequence[Alarms]) -> Iterator[tuple[str, float, float, float]]:
    """Figure, ends of the interval by homes, and the truth of all homes: of one trial's homes with alarms."""
    minutes = Parameters().alarm_handled_within_minutes
    within = HANDLED * NormalDist().cdf(
        math.log((minutes + 1) / DELAY_MEDIAN_MINUTES)
    )  # delays are cut to minutes
    for figure, truth, shares in (
        ("alarms handled in time (by homes)", within, [each.handled_in_time for each in homes]),
        ("alarms missed (by homes)", 1 - HANDLED, [each.missed for each in homes]),
    ):
        known = [share for share in shares if share.of]
        share = clustered([one.count for one in known], [one.of for one in known])
        if share.low is not None and share.high is not None:
            yield figure, share.low, share.high, truth


def armed_minutes(
    stays: Stays, told: Messages, heard: Bools, hours: Integers
) -> pd.api.extensions.ExtensionArray:
    """The column of the rollups, for hours (device << 32 | hour since 1970, in order): by what was heard last."""
    turned = heard & (told.kind >= 0) & (told.kind < 2)
    device, minute, on = stays.device[told.stay[turned]], told.minute[turned], told.kind[turned] == 0
    order = np.lexsort((minute, device))
    device, minute, on = device[order], minute[order], on[order]
    follows = np.append(device[1:] == device[:-1], False)[: len(device)]
    until = np.where(follows, np.append(minute[1:], 0)[: len(device)], END)
    masks = np.zeros(len(hours), dtype=np.int64)
    known = np.zeros(len(hours), dtype=bool)
    for mine, begin, end, is_on in zip(*(part.tolist() for part in (device, minute, until, on)), strict=True):
        low, high = np.searchsorted(hours, [mine << 32 | begin // 60, mine << 32 | (end + 59) // 60])
        known[low:high] = True
        if is_on:
            hour = hours[low:high] & 0xFFFFFFFF
            first, last = np.clip(begin - hour * 60, 0, 60), np.clip(end - hour * 60, 0, 60)
            masks[low:high] |= (1 << last) - (1 << first)
    return pd.arrays.IntegerArray(masks, ~known)


def alarms(stays: Stays, device_codes: np.ndarray, told: Messages, heard: Bools) -> pd.DataFrame:
    """The table of alarms that were heard, each with the first handling heard within a day."""
    calls, answers = (np.flatnonzero(heard & (told.kind == kind)) for kind in (2, 3))
    answered = np.sort(stays.device[told.stay[answers]] << 32 | told.minute[answers])
    raised = stays.device[told.stay[calls]] << 32 | told.minute[calls]
    place = np.minimum(np.searchsorted(answered, raised), max(len(answered) - 1, 0))
    first = answered[place] if len(answered) else np.zeros_like(raised)
    done = (first >= raised) & (first - raised <= HANDLED_WITHIN_MINUTES)
    handled_at = pd.Series(pd.to_datetime((first & 0xFFFFFFFF) * 60, unit="s", utc=True)).where(done)
    return pd.DataFrame(
        {
            "device": device_codes[stays.device[told.stay[calls]]],
            "raised_at": pd.to_datetime(told.minute[calls] * 60, unit="s", utc=True),
            "raised_by": "citizen",
            "handled_at": handled_at,
            "handled_by": pd.Series("staff", index=range(len(done)), dtype="object").where(done, None),
        }
    )
