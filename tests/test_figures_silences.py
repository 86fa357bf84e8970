"""Homes that fall silent as a whole, against a reference that looks at every single minute."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
from figures_hours import (
    BEGIN,
    LENGTH,
    MINUTE,
    at,
    every,
    exposed,
    heartbeat,
    hours,
    minute,
    near,
    oslo,
    stretch,
    under_proof,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from nyttig.figures import silences
from nyttig.model import Parameters

PARAMETERS = Parameters()


def silences_of(
    heard: Mapping[str, Iterable[datetime]], exposures: pd.DataFrame, as_of: datetime
) -> list[silences.Silence]:
    return silences.silences(hours(heard), exposures, as_of=as_of, parameters=PARAMETERS)


def test_a_home_whose_gateway_fell_silent_is_one_finding_and_not_one_a_device() -> None:
    begin, end = oslo("2026-03-02"), oslo("2026-03-06")
    gone, back = oslo("2026-03-03T10:30"), oslo("2026-03-04T08:24")
    beats = {f"d{n}": 10 + 5 * n for n in range(25)}
    heard = {d: every(h, begin, gone) + every(h, back, end) for d, h in beats.items()}
    rows = [("h1", d, begin, end, float(h)) for d, h in beats.items()]
    last = max(at for times in heard.values() for at in times if at < gone)
    assert silences_of(heard, exposed(*rows), end) == [("h1", last, back, 25)]


def test_a_home_with_one_live_device_is_not_silent_and_a_home_with_one_device_never_is() -> None:
    begin, end = oslo("2026-03-02"), oslo("2026-03-04")
    heard = {"alive": every(60, begin, end), "dead": [], "lonely": []}
    exposures = exposed(
        ("h1", "alive", begin, end, 60), ("h1", "dead", begin, end, 60), ("h2", "lonely", begin, end, 60)
    )
    assert silences_of(heard, exposures, end) == []


def test_a_home_is_not_silent_before_its_devices_had_time_to_be_heard() -> None:
    begin, end = oslo("2026-03-02"), oslo("2026-03-04")
    both = exposed(("h1", "a", begin, end, 60), ("h1", "b", begin, end, 20))
    assert silences_of({}, both, begin + timedelta(minutes=180)) == []
    assert silences_of({}, both, begin + timedelta(minutes=181)) == [("h1", begin, None, 2)]
    heard = {"a": every(60, begin + timedelta(minutes=170), end)}
    assert silences_of(heard, both, end) == []


def test_what_a_device_sent_from_another_home_is_not_the_last_word_of_this_one() -> None:
    begin, move, end = oslo("2026-03-02"), oslo("2026-03-03T10:00"), oslo("2026-03-03T20:00")
    last, elsewhere = oslo("2026-03-03T08:00"), oslo("2026-03-03T09:00")
    heard = {"a": every(60, begin, last + MINUTE), "b": every(60, begin, last), "moved": [elsewhere]}
    exposures = exposed(
        ("h1", "a", begin, end, 60),
        ("h1", "b", begin, end, 60),
        ("h2", "moved", begin, move, 60),
        ("h1", "moved", move, end, 60),
    )
    assert silences_of(heard, exposures, end) == [("h1", last, None, 3)]


def test_a_silence_that_lasts_has_no_end_and_one_never_broken_begins_with_the_exposure() -> None:
    begin, end = oslo("2026-03-02"), oslo("2026-03-04")
    both = exposed(("h1", "a", begin, end, 60), ("h1", "b", begin, end, 20))
    assert silences_of({}, both, end) == [("h1", begin, None, 2)]
    last = begin + timedelta(minutes=17)
    assert silences_of({"b": [last]}, both, end) == [("h1", last, None, 2)]
    late = begin + timedelta(hours=20)
    assert silences_of({"b": [late]}, both, late + timedelta(minutes=60))[1:] == []
    assert silences_of({"b": [late]}, both, late + timedelta(minutes=61))[1:] == [("h1", late, None, 2)]
    # A home that has ended is not silent any more.
    assert silences_of({"b": [last]}, both, end + timedelta(days=1)) == [("h1", last, end, 2)]


@settings(max_examples=60, deadline=None)
@given(
    heard=st.fixed_dictionaries({d: st.sets(minute | near, max_size=8) for d in "abc"}),
    spans=st.lists(
        st.tuples(st.sampled_from("abc"), stretch, heartbeat), max_size=4, unique_by=lambda s: s[0]
    ),
    as_of=minute,
)
def test_silences_are_the_minutes_in_which_no_device_of_the_home_is_under_proof_of_life(
    heard: dict[str, set[int]], spans: list[tuple[str, tuple[int, int], float]], as_of: int
) -> None:
    rows = [(device, start, min(end, as_of), beat) for device, (start, end), beat in spans]
    found = silences_of(
        {device: map(at, minutes) for device, minutes in heard.items()},
        exposed(*(("h1", d, at(start), at(end), beat) for d, start, end, beat in rows)),
        at(as_of),
    )
    silent: list[int] = []
    due: int | None = None
    for t in range(BEGIN - 400, BEGIN + LENGTH + 100):
        present = [row for row in rows if row[1] <= t < row[2]]
        reach = {device: max(1, math.ceil(beat * 3)) for device, _, _, beat in present}
        if len(present) < 2:
            due = None
            continue
        due = t + max(reach.values()) if due is None else due
        if t >= due and not any(under_proof(t, heard[device], reach[device]) for device in reach):
            silent.append(t)
    within = np.zeros(len(silent), dtype=bool)
    for _, from_at, to_at, _ in found:
        start, end = from_at.timestamp() / 60, as_of if to_at is None else to_at.timestamp() / 60
        inside = [start <= t < end for t in silent]
        assert any(inside)  # no finding without a silent minute
        within |= np.array(inside, dtype=bool)
        # Inside a finding no device of the home speaks, save at its very beginning.
        spoken = {t for d, s, e, _ in rows for t in heard[d] if s <= t < e}
        assert not [t for t in spoken if start < t < end]
        assert to_at is None or end in spoken or any(end in row[1:3] for row in rows)
    assert within.all()
