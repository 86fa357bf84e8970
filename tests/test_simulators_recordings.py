"""Recordings of real homes become messages: nothing lost, nothing invented, silences and all."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from nyttig.errors import PackageError
from nyttig.package.read import read
from nyttig.package.technologies import builtin_technologies
from simulators.recordings import Conversion, RecordingError, opensmarthome, ordonez

IN_USE: dict[str, Callable[[Any], bool]] = {
    "contact": lambda closed: not closed,
    "occupancy": bool,
    "vibration": bool,
    "power": lambda watts: watts > 5,
}


def spoken(folder: Path) -> list[tuple[str, datetime, dict[str, Any]]]:
    """Device, its own time and the content of each message in the folder, in the order of the file."""
    messages = []
    for line in (folder / "messages.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        content = json.loads(row["payload"])
        assert row["at"] == content["last_seen"]
        messages.append(
            (row["topic"].removeprefix("zigbee2mqtt/"), datetime.fromisoformat(row["at"]), content)
        )
    return messages


def uses(folder: Path) -> dict[str, list[tuple[datetime, datetime]]]:
    """Begin and end of each use by device: a change to in use, and the change back. The first state is no use."""
    last: dict[str, bool] = {}
    spans: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    begun: dict[str, datetime] = {}
    for device, at, content in spoken(folder):
        (field,) = set(IN_USE) & set(content)
        active = IN_USE[field](content[field])
        if device in last and active != last[device]:
            if active:
                begun[device] = at
            else:
                spans[device].append((begun.pop(device), at))
        last[device] = active
    assert not begun
    return dict(spans)


@pytest.fixture(scope="module")
def ordonez_original(shared: Path) -> pd.DataFrame:
    """The activations as the recording's own file has them, read without our reader."""
    columns = ["start", "end", "location", "type", "place"]
    file = shared / "data" / "ordonez-a" / "OrdonezA_Sensors.txt"
    rows: pd.DataFrame = pd.read_csv(
        file, sep=r"\t+", engine="python", skiprows=2, header=None, names=[*columns, "rest"]
    )
    rows = rows[columns].apply(lambda column: column.str.strip())
    return rows.assign(start=pd.to_datetime(rows["start"]), end=pd.to_datetime(rows["end"]))


@pytest.fixture(scope="module")
def ordonez_converted(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Conversion]:
    """The folder that the recording was converted to, and what the converter said of it."""
    folder = tmp_path_factory.mktemp("recording") / "ordonez-a"
    return folder, ordonez.convert(shared / "data" / "ordonez-a", folder)


def test_every_activation_of_the_real_home_is_one_use_of_its_sensor_at_its_time(
    ordonez_original: pd.DataFrame, ordonez_converted: tuple[Path, Conversion]
) -> None:
    spans = uses(ordonez_converted[0])
    assert sum(map(len, spans.values())) == len(ordonez_original) == 409
    for location, rows in ordonez_original.groupby("location"):
        found = [
            (on.replace(tzinfo=None), off.replace(tzinfo=None)) for on, off in spans[str(location).lower()]
        ]
        wanted = [
            (on, max(off, on + timedelta(seconds=0.5)))
            for on, off in zip(rows["start"].dt.to_pydatetime(), rows["end"].dt.to_pydatetime(), strict=True)
        ]
        assert found == sorted(wanted), location


def test_the_use_days_of_each_sensor_are_those_of_the_file(
    ordonez_original: pd.DataFrame, ordonez_converted: tuple[Path, Conversion]
) -> None:
    spans = uses(ordonez_converted[0])
    days = {device: len({on.date() for on, _ in device_spans}) for device, device_spans in spans.items()}
    counted = ordonez_original.groupby(ordonez_original["location"].str.lower())["start"]
    assert days == counted.apply(lambda start: start.dt.date.nunique()).to_dict()
    assert len(days) == 12


def test_the_activation_without_length_arrives(ordonez_converted: tuple[Path, Conversion]) -> None:
    at = datetime.fromisoformat("2011-11-28T16:10:05+01:00")
    assert (at, at + timedelta(seconds=0.5)) in uses(ordonez_converted[0])["basin"]


@pytest.mark.parametrize("check_in_minutes", [7, 60])
def test_each_sensor_checks_in_all_the_time_and_that_is_never_a_use(
    shared: Path, tmp_path: Path, ordonez_converted: tuple[Path, Conversion], check_in_minutes: float
) -> None:
    conversion = ordonez.convert(
        shared / "data" / "ordonez-a", tmp_path / "o", check_in_minutes=check_in_minutes
    )
    assert uses(tmp_path / "o") == uses(ordonez_converted[0])
    heard: dict[str, list[datetime]] = defaultdict(list)
    for device, at, _ in spoken(tmp_path / "o"):
        heard[device].append(at)
    assert conversion.messages == sum(map(len, heard.values()))
    assert conversion.devices == len(heard) == 12
    for times in heard.values():
        assert times == sorted(set(times))
        edges = [conversion.first_at, *times, conversion.last_at]
        gaps = [later - earlier for earlier, later in pairwise(edges)]
        assert max(gaps) <= timedelta(minutes=check_in_minutes, seconds=60)


def test_the_sensors_speak_as_those_of_their_kind_do(ordonez_converted: tuple[Path, Conversion]) -> None:
    keys = {device: set(content) for device, _, content in spoken(ordonez_converted[0])}
    on_battery = {"battery", "voltage", "linkquality", "last_seen"}
    for device in ("maindoor", "fridge", "cupboard", "cabinet"):
        assert keys[device] == on_battery | {"contact"}
    for device in ("basin", "shower", "cooktop", "bed", "seat"):
        assert keys[device] == on_battery | {"occupancy"}
    for device in ("toaster", "microwave"):
        assert keys[device] == {"state", "power", "current", "voltage", "linkquality", "last_seen"}
    assert keys["toilet"] == on_battery | {"vibration"}


def test_the_package_of_the_real_home_knows_its_twelve_sensors(
    ordonez_converted: tuple[Path, Conversion],
) -> None:
    folder, conversion = ordonez_converted
    package = read(folder, builtin_technologies())
    addresses = {f"zigbee2mqtt/{device}" for device, _, _ in spoken(folder)}
    assert {device.address for device in package.devices} == addresses
    assert {(device.technology, device.role) for device in package.devices} == {
        (package.trial.technology, "primary")
    }
    assert Counter(placement.home for placement in package.placements) == {"ordonez-a": 12}
    assert (package.trial.starts, package.trial.ends) == (date(2011, 11, 28), date(2011, 12, 12))
    assert package.placements[0].placed_at < conversion.first_at
    (technology,) = package.technologies
    assert technology.joining_gap_minutes == 0
    assert {rule.type for rule in technology.use_rules} == set(IN_USE)


HEADER = "Start time\tEnd time\tLocation\tType\tPlace\n---\t---\t---\t---\t---\n"


def recording(folder: Path, *rows: str) -> Path:
    """A folder with a recording of these rows, their columns separated by |."""
    folder.mkdir()
    text = HEADER + "".join(row.replace("|", "\t\t") + "\n" for row in rows)
    (folder / "OrdonezA_Sensors.txt").write_text(text, encoding="latin-1")
    return folder


def test_activations_that_touch_or_overlap_are_still_one_use_each(tmp_path: Path) -> None:
    source = recording(
        tmp_path / "in",
        "2011-11-28 08:00:00|2011-11-28 08:00:10|Seat|Pressure|Living",
        "2011-11-28 08:00:10|2011-11-28 08:01:00|Seat|Pressure|Living",
        "2011-11-28 08:00:30|2011-11-28 08:00:30|Seat|Pressure|Living",
        "2011-11-28 08:00:31|2011-11-28 08:00:31|Seat|Pressure|Living",
    )
    ordonez.convert(source, tmp_path / "out", check_in_minutes=1)
    begins = [f"{on:%M:%S}" for on, _ in uses(tmp_path / "out")["seat"]]
    assert begins == ["00:00", "00:10", "00:30", "00:31"]


@pytest.mark.parametrize(
    ("row", "line", "value"),
    [
        ("28/11/2011 08:00|2011-11-28 08:00:10|Seat|Pressure|Living", 4, "28/11/2011 08:00"),
        ("2011-11-28 09:00:00|2011-11-28 08:00:10|Seat|Pressure|Living", 4, "2011-11-28 08:00:10"),
        ("2011-11-28 09:00:00|2011-11-28 09:00:10|Seat|Radar|Living", 4, "Radar"),
        ("2011-11-28 09:00:00|2011-11-28 09:00:10|Seat", 4, "3 columns"),
        ("2011-11-28 08:00:00|2011-11-28 09:00:10|Seat|Pressure|Living", 4, "2011-11-28 08:00:00"),
    ],
)
def test_a_row_that_cannot_be_read_is_named_and_nothing_is_written(
    tmp_path: Path, row: str, line: int, value: str
) -> None:
    source = recording(tmp_path / "in", "2011-11-28 08:00:00|2011-11-28 08:00:10|Seat|Pressure|Living", row)
    with pytest.raises(RecordingError) as caught:
        ordonez.convert(source, tmp_path / "out")
    assert f"OrdonezA_Sensors.txt, line {line}: " in str(caught.value)
    assert value in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_a_folder_without_the_recording_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="Point to the folder of the data set"):
        ordonez.convert(tmp_path, tmp_path / "out")
    with pytest.raises(RecordingError, match="Point to the data set's folder"):
        opensmarthome.convert(tmp_path, tmp_path / "out")


def test_a_folder_with_something_in_it_is_not_written_over(tmp_path: Path) -> None:
    source = recording(tmp_path / "in", "2011-11-28 08:00:00|2011-11-28 08:00:10|Seat|Pressure|Living")
    ordonez.convert(source, tmp_path / "out")
    with pytest.raises(PackageError, match="new or empty"):
        ordonez.convert(source, tmp_path / "out")


# The flat with room climate sensors


@pytest.fixture(scope="module")
def flat_original(shared: Path) -> dict[str, pd.DataFrame]:
    """Time and value of each sensor file of the flat, by the file's name, read without our reader."""
    folder = shared / "data" / "opensmarthome" / "Measurements"
    return {
        file.stem: pd.read_csv(file, sep="\t", header=None, names=["seconds", "value"])
        for file in sorted(folder.glob("*.csv"))
        if "Setpoint" not in file.stem and "Outdoor" not in file.stem
    }


@pytest.fixture(scope="module")
def flat_converted(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Conversion]:
    """The folder that the recording was converted to, and what the converter said of it."""
    folder = tmp_path_factory.mktemp("recording") / "opensmarthome"
    return folder, opensmarthome.convert(shared / "data" / "opensmarthome", folder)


@pytest.fixture(scope="module")
def flat_spoken(flat_converted: tuple[Path, Conversion]) -> pd.DataFrame:
    """Device, second and value of each message, in the order of the file."""
    fields = ("temperature", "local_temperature", "humidity", "illuminance")
    return pd.DataFrame(
        [
            (device, int(at.timestamp()), next(content[field] for field in fields if field in content))
            for device, at, content in spoken(flat_converted[0])
        ],
        columns=["device", "seconds", "value"],
    )


def test_every_row_of_the_twenty_five_sensors_is_one_message(
    flat_original: dict[str, pd.DataFrame], flat_converted: tuple[Path, Conversion], flat_spoken: pd.DataFrame
) -> None:
    _, conversion = flat_converted
    rows = sum(map(len, flat_original.values()))
    assert (conversion.messages, conversion.devices) == (rows, 25) == (len(flat_spoken), len(flat_original))
    names = {"Brightness": "illuminance", "ThermostatTemperature": "thermostat"}
    for stem, original in flat_original.items():
        room, quantity = stem.rsplit("_", 1)
        device = f"{room}-{names.get(quantity, quantity)}".lower().replace("_", "-")
        messages = flat_spoken[flat_spoken["device"] == device]
        assert messages["seconds"].tolist() == original["seconds"].tolist(), stem
        assert messages["value"].tolist() == original["value"].tolist(), stem


def test_the_two_silences_of_the_whole_home_are_in_the_messages(flat_spoken: pd.DataFrame) -> None:
    assert flat_spoken["seconds"].is_monotonic_increasing
    hours = flat_spoken["seconds"].diff() / 3600
    longest = hours.nlargest(3).round(1)
    assert longest.tolist() == [21.9, 14.0, 3.8]
    ends = pd.to_datetime(flat_spoken.loc[longest.index[:2], "seconds"], unit="s")
    assert ends.dt.strftime("%Y-%m-%d %H:%M").tolist() == ["2017-04-27 01:55", "2017-03-18 13:59"]


def test_with_the_package_s_heartbeat_only_the_two_silences_leave_all_sensors_unobserved(
    flat_converted: tuple[Path, Conversion], flat_spoken: pd.DataFrame
) -> None:
    package = read(flat_converted[0], builtin_technologies())
    assert package.trial.ends is not None
    bounds = pd.date_range(
        package.trial.starts, package.trial.ends + timedelta(days=1), tz=package.trial.timezone
    )
    days = [int(bound.timestamp()) for bound in bounds]
    unobserved: Counter[str] = Counter()
    for device in package.devices:
        sent = flat_spoken.loc["zigbee2mqtt/" + flat_spoken["device"] == device.address, "seconds"]
        covered_to = (sent + 3 * 60 * device.heartbeat_minutes).clip(
            upper=sent.shift(-1, fill_value=days[-1])
        )
        for bound, begins, ends in zip(bounds, days, days[1:], strict=False):
            seconds = (covered_to.clip(upper=ends) - sent.clip(lower=begins)).clip(lower=0).sum()
            unobserved[f"{bound:%m-%d}"] += seconds < 0.8 * (ends - begins)
    assert len(package.devices) == 25
    assert [day for day, sensors in unobserved.items() if sensors == 25] == ["03-18", "04-26"]
    assert sum(unobserved.values()) < 0.08 * 25 * (len(days) - 1)


@pytest.mark.parametrize("row", ["1489020690 19.53", "1489020690\twarm", "1489020600\t19.53", "soon\t19.53"])
def test_a_climate_row_that_cannot_be_read_is_named_and_nothing_is_written(tmp_path: Path, row: str) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "Room1_Temperature.csv").write_text(f"1489020600\t19.5\n{row}\n")
    with pytest.raises(RecordingError, match=r"Room1_Temperature\.csv, line 2: "):
        opensmarthome.convert(tmp_path / "in", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_set_points_and_the_weather_service_are_no_sensors(tmp_path: Path) -> None:
    for name in ("Room1_Temperature", "Room1_SetpointHistory", "Room1_Virtual_OutdoorTemperature"):
        (tmp_path / f"{name}.csv").write_text("1489020600\t19.5\n")
    assert [sensor.device for sensor in opensmarthome.find(tmp_path)] == ["room1-temperature"]
