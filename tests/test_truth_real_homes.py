"""Two recordings of real homes: every day of some of their devices, explained, beside what the files themselves say.

The tables can be checked by hand: open the recording, count the lines of a day. What is counted here with pandas shares
no code with the way through broker, ingest, store and figures, by which the explained days have come.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pytest
from conftest import Database, DatabaseServer
from serving import serving
from whole_way import ingesting, running_mosquitto

from nyttig.evidence import end_of_day, evidence
from nyttig.explain import DeviceDay, explained_days
from nyttig.load import load
from nyttig.package.technologies import builtin_technologies
from nyttig.settings import Settings
from nyttig.store import db
from simulators.recordings import opensmarthome, ordonez
from simulators.replay import replay

MADRID, BERLIN = "Europe/Madrid", "Europe/Berlin"
BELIEVED = pd.Timedelta(hours=3)
"""Three heartbeats of an hour: for so long a message says that the device is there."""

ORDONEZ_LAST, FLAT_LAST = date(2011, 12, 12), date(2017, 4, 5)
TRIALS = {"ordonez-a": (ORDONEZ_LAST, MADRID), "opensmarthome": (FLAT_LAST, BERLIN)}
FLAT_FILES = ("Kitchen_Temperature.csv", "Toilet_Brightness.csv")
Days = dict[str, list[DeviceDay]]


class Recorded(NamedTuple):
    """A database that holds both homes, and the folder with their packages."""

    database: Database
    folder: Path


@pytest.fixture(scope="module")
def recorded(
    embedded_server: DatabaseServer, shared: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Recorded]:
    """Both homes as they came through broker and ingest; of the flat two sensors, four weeks."""
    folder = tmp_path_factory.mktemp("recorded")
    ordonez.convert(shared / "data" / "ordonez-a", folder / "ordonez-a")
    opensmarthome.convert(four_weeks(shared, folder / "cut"), folder / "opensmarthome")
    with embedded_server.fresh_database() as database, running_mosquitto() as broker:
        with db.connect(database.conninfo) as connection:
            for trial in TRIALS:
                load(connection, folder / trial, builtin_technologies())
        with ingesting(database, broker.url) as settle:
            replay([folder / trial / "messages.jsonl" for trial in TRIALS], Settings(mqtt_url=broker.url))
            settle()
        yield Recorded(database, folder)


@pytest.fixture(scope="module")
def explained(recorded: Recorded) -> dict[str, Days]:
    """Each device's days in both homes."""
    told: dict[str, Days] = {}
    with db.connect(recorded.database.conninfo) as connection:
        for trial, (last, zone) in TRIALS.items():
            by_device: Days = {}
            for day in explained_days(evidence(connection, trial, end_of_day(last, zone))):
                by_device.setdefault(day.device, []).append(day)
            told[trial] = by_device
    return told


def four_weeks(shared: Path, folder: Path) -> Path:
    """The files of two sensors of the flat up to the end of `FLAT_LAST`."""
    folder.mkdir()
    until = end_of_day(FLAT_LAST, BERLIN).timestamp()
    for name in FLAT_FILES:
        lines = (shared / "data" / "opensmarthome" / "Measurements" / name).read_text().splitlines()
        kept = [line for line in lines if int(line.split("\t")[0]) < until]
        (folder / name).write_text("\n".join(kept) + "\n")
    return folder


def why(uses: int, observed: int, minutes: int) -> str:
    """The state that the definition gives a day that is whole and in no pause, in words."""
    seen = observed >= 0.8 * minutes
    if uses:
        return "U: used, and seen" if seen else "u: used, little seen"
    return "N: seen, not used" if seen else "K: not seen for long enough"


# Two weeks of doors, motion and a bed

BY_HAND = {
    # uses a day from 28 November to 12 December, and minutes of the first and the last day
    "maindoor": ("2 2 2 2 0 3 2 4 0 4 2 4 3 1 0", "UUUUNUUUNUUUUUK", 1293, 597),
    "cooktop": ("2 1 1 1 1 0 0 1 1 1 1 1 1 1 0", "UUUUUNNUUUUUUUK", 1293, 582),
    "bed": ("1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "UUUUUUUUUUUUUUu", 1293, 622),
    "cabinet": ("1 3 1 1 1 1 1 0 1 2 1 1 2 0 0", "UUUUUUUNUUUUUNK", 1293, 577),
}
"""The recording begins at 02:27 of the first day: 1,293 minutes are left of it. Its last line ends on 12 December at
07:22; a sensor's last message before that is believed for three hours."""

PLUGS = ("Microwave", "Toaster")
"""Each message of theirs says four things: on, power, current and voltage."""


@pytest.mark.parametrize("device", BY_HAND)
def test_each_day_of_a_door_a_cooktop_and_a_bed_is_what_a_reader_of_the_file_would_call_it(
    explained: dict[str, Days], device: str
) -> None:
    days = explained["ordonez-a"][device]
    uses, states, first, last = BY_HAND[device]
    assert [day.day for day in days] == [date(2011, 11, 28) + timedelta(days=n) for n in range(15)]
    assert " ".join(str(day.uses) for day in days) == uses
    assert "".join(day.state for day in days) == states
    assert [day.observed_minutes for day in days] == [first, *[1440] * 13, last]
    assert {day.exposed_minutes for day in days} == {1440}


def test_uses_messages_and_reasons_of_every_day_of_every_sensor_are_those_of_the_recording(
    explained: dict[str, Days], shared: Path
) -> None:
    rows = pd.read_csv(
        shared / "data" / "ordonez-a" / "OrdonezA_Sensors.txt",
        sep=r"\t+",
        engine="python",
        skiprows=2,
        header=None,
        usecols=[0, 1, 2],
        names=["start", "end", "sensor"],
    )
    rows = rows.apply(lambda column: column.str.strip())
    rows = rows.assign(start=pd.to_datetime(rows["start"]), end=pd.to_datetime(rows["end"]))
    sensors = sorted(rows["sensor"].unique())
    begins, ends = rows["start"].min(), rows["end"].max()
    assert len(sensors) == 12
    for number, sensor in enumerate(sensors):
        mine = rows[rows["sensor"] == sensor]
        # Beside each line's beginning and end: idle before the first line of all, and a check-in every hour.
        check_ins = pd.date_range(begins + number * pd.Timedelta(minutes=5), ends, freq="h")
        idle = begins - pd.Timedelta(minutes=1) + number * pd.Timedelta(seconds=2.5)
        said = pd.Series([idle, *check_ins, *mine["start"], *mine["end"]])
        readings = 4 if sensor in PLUGS else 1
        for day in explained["ordonez-a"][sensor.lower()]:
            midnight = pd.Timestamp(day.day)
            uses = int((mine["start"].dt.normalize() == midnight).sum())
            observed = believed_minutes(said, midnight, 1440)
            messages = int((said.dt.normalize() == midnight).sum())
            assert (day.uses, day.events_total) == (uses, messages * readings), day
            assert day.observed_minutes == observed, day
            assert day.state == why(uses, observed, 1440)[0], day


def believed_minutes(said: pd.Series, midnight: pd.Timestamp, minutes: int) -> int:
    """Minutes of the day that lie within three hours after the minute of a message."""
    start = said.dt.floor("min")
    inside = pd.date_range(midnight, periods=minutes, freq="min")
    covered = pd.Series(0, index=inside)
    for at in start[(start > midnight - BELIEVED) & (start <= inside[-1])].unique():
        covered[at : at + BELIEVED - pd.Timedelta(minutes=1)] = 1
    return int(covered.sum())


# Four weeks of room climate, with a silence of the whole flat and the change to summer time

KITCHEN = {
    date(2017, 3, 9): (42, 1308, 1440, "N: seen, not used"),  # first heard at 02:12
    date(2017, 3, 10): (38, 1440, 1440, "N: seen, not used"),
    date(2017, 3, 17): (47, 1411, 1440, "N: seen, not used"),
    date(2017, 3, 18): (8, 723, 1440, "K: not seen for long enough"),  # the flat is silent for fourteen hours
    date(2017, 3, 19): (28, 1344, 1440, "N: seen, not used"),
    date(2017, 3, 25): (134, 1440, 1440, "N: seen, not used"),
    date(2017, 3, 26): (128, 1380, 1380, "N: seen, not used"),  # an hour shorter than all others
    date(2017, 3, 27): (138, 1440, 1440, "N: seen, not used"),
}
"""Day: messages in the file, observed and exposed minutes, and why the day is what it is. Nobody uses a thermometer."""


def test_the_days_around_a_silence_and_the_change_of_the_clocks_are_explained_to_the_minute(
    explained: dict[str, Days],
) -> None:
    days = {day.day: day for day in explained["opensmarthome"]["kitchen-temperature"]}
    for day, (events, observed, exposed, reason) in KITCHEN.items():
        told = days[day]
        assert (told.events_total, told.observed_minutes, told.exposed_minutes, told.uses) == (
            events,
            observed,
            exposed,
            0,
        ), day
        assert reason == why(0, observed, exposed)
        assert told.state == reason[0], day


@pytest.mark.parametrize("name", FLAT_FILES)
def test_every_day_of_the_flat_has_the_messages_and_minutes_of_its_file(
    explained: dict[str, Days], shared: Path, name: str
) -> None:
    file = shared / "data" / "opensmarthome" / "Measurements" / name
    seconds = pd.read_csv(file, sep="\t", header=None, usecols=[0])[0]
    said = pd.Series(pd.to_datetime(seconds, unit="s", utc=True))
    device = name.removesuffix(".csv").lower().replace("_", "-").replace("brightness", "illuminance")
    days = explained["opensmarthome"][device]
    assert len(days) == 28
    for day in days:
        begins, ends = (
            pd.Timestamp(each, tz=BERLIN).tz_convert(UTC) for each in (day.day, day.day + timedelta(days=1))
        )
        exposed = round((ends - begins) / pd.Timedelta(minutes=1))
        observed = believed_minutes(said, begins, exposed)
        assert (day.events_total, day.exposed_minutes) == (
            int(said.between(begins, ends, "left").sum()),
            exposed,
        )
        assert day.observed_minutes == observed, day
        assert day.state == why(0, observed, exposed)[0], day


# A threshold that was changed afterwards

STRICT, MILD = (0.8, 1), (0.4, 2)
"""Share of the day that must be observed, and uses that make a day used: before and after the change."""

COUNTS = {STRICT: (162, 1, 6, 11), MILD: (80, 0, 98, 2)}
"""Days U, u, N and K of the twelve sensors under both: 180 device-days each."""


def by_hand(days: Days, share: float, uses: int) -> tuple[int, int, int, int]:
    """Days U, u, N and K under these thresholds, from what each day shows."""
    count = dict.fromkeys("UuNK", 0)
    for day in (day for mine in days.values() for day in mine):
        seen, used = day.observed_minutes >= share * day.exposed_minutes, day.uses >= uses
        count["UN"[not used] if seen else "uK"[not used]] += 1
    return count["U"], count["u"], count["N"], count["K"]


def test_a_changed_threshold_shows_what_the_recorded_home_is_under_the_old_one_and_under_the_new(
    recorded: Recorded, explained: dict[str, Days]
) -> None:
    days = explained["ordonez-a"]
    assert {limits: by_hand(days, *limits) for limits in COUNTS} == COUNTS
    trial = recorded.folder / "ordonez-a" / "trial.toml"
    text = trial.read_text()
    for name, before, after in (
        ("observed_share_required", "0.8", "0.4"),
        ("minimum_uses_per_day", "1", "2"),
    ):
        text = text.replace(f"{name} = {before}\n", f"{name} = {after}\n", 1)
    trial.write_text(text)
    (trial.parent / "datapackage.json").unlink()  # it says that trial.toml is as it was
    with serving(recorded.database.conninfo) as api:
        path = "/v1/trials/ordonez-a"
        was = api.get(f"{path}/report").json()
        assert api.get(f"{path}/threshold-changes").json() == {"changes": []}
        with db.connect(recorded.database.conninfo) as connection:
            load(connection, trial.parent, builtin_technologies())
        (change,) = api.get(f"{path}/threshold-changes").json()["changes"]
        # The report of now may be kept for some seconds.
        now = api.get(f"{path}/report", params={"as_of": str(ORDONEZ_LAST), "known": "now"}).json()
    assert change["before"] == {"minimum_uses_per_day": 1, "observed_share_required": 0.8}
    assert change["after"] == {"minimum_uses_per_day": 2, "observed_share_required": 0.4}
    for then, limits, report in (("figures_before", STRICT, was), ("figures_after", MILD, now)):
        rate = change[then]["use_day_rate"]
        assert rate == report["use_day_rate"]
        assert counts_of(rate) == COUNTS[limits]
        used, little, unused, unknown = COUNTS[limits]
        assert rate["point"] == used / (used + unused)
        assert (rate["lower"], rate["upper"]) == ((used + little) / 180, (used + little + unknown) / 180)


def counts_of(rate: dict[str, Any]) -> tuple[int, ...]:
    """Days U, u, N and K of a rate."""
    names = ("used_observed_days", "used_unobserved_days", "unused_days", "unknown_days")
    return tuple(rate[name] for name in names)
