"""A package that is written is the same when read again, and says so itself when it is not whole."""

from __future__ import annotations

import json
import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from sys import float_info
from typing import Any, get_args

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nyttig.errors import PackageError
from nyttig.model import (
    Cost,
    Device,
    EndReason,
    Gain,
    GainType,
    Home,
    Measure,
    Parameters,
    Pause,
    Perspective,
    Placement,
    Schedule,
    Technology,
    Trial,
    TrialPackage,
    UnitPart,
    UseRule,
    Visit,
)
from nyttig.package.columns import EVENT_SCHEMA
from nyttig.package.read import read
from nyttig.package.technologies import builtin_technologies
from nyttig.package.write import check_manifest, write

ALNA = Path(__file__).parents[1] / "examples" / "alna-medisindispenser"

texts = (
    st.text(
        st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n\t"), min_size=1, max_size=20
    )
    .map(str.strip)
    .filter(bool)
)
codes = st.text("abcXYZ019._-", min_size=1, max_size=12)
days = st.dates(date(2000, 1, 2), date(2098, 12, 31))
moments = st.datetimes(datetime(2000, 1, 2), datetime(2098, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 -- hypothesis takes naive bounds
spans = st.timedeltas(timedelta(microseconds=1), timedelta(days=3))
floats = st.floats(allow_nan=False, allow_infinity=False)
positive = st.floats(min_value=0, exclude_min=True, allow_infinity=False)
ratios = st.floats(0, 1)


def one_of(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


@st.composite
def technologies(draw: st.DrawFn) -> Technology:
    gaps = maybe(st.floats(0, allow_infinity=False))
    until = texts.map(lambda text: text + " over")
    names = texts.filter(lambda text: not text.endswith(" over"))
    armed = (
        st.builds(
            UseRule, names, above=floats, release=st.just(-float_info.max), until=until, bare=st.booleans()
        )
        | st.builds(UseRule, names, below=floats, release=st.none() | st.just(float_info.max))
        | st.builds(UseRule, names, until=until)
    )
    rules = (
        st.builds(UseRule, names, joining_gap_minutes=gaps)
        | st.builds(UseRule, names, above=floats, bare=st.booleans())
        | st.builds(UseRule, names, below=floats, minimum_minutes=gaps)
        | armed
    )
    types = st.lists(texts, max_size=2, unique=True).map(tuple)
    return Technology(
        "own_" + draw(st.text("abc_09", max_size=5)),
        {language: draw(texts) for language in ("en", "nb", "da")},
        draw(one_of("scheduled", "on_demand", "standby")),
        tuple(draw(st.lists(rules, max_size=3, unique_by=lambda rule: rule.type))),
        draw(st.floats(0, allow_infinity=False)),
        draw(positive),
        draw(st.integers(1, 9)),
        tuple(draw(st.lists(armed, max_size=2, unique_by=lambda rule: rule.type))),
        draw(types),
        draw(types),
    )


@st.composite
def trials(draw: st.DrawFn, technology: str) -> Trial:
    starts = draw(st.dates(date(2001, 1, 1), date(2090, 1, 1)))
    gains = st.builds(
        Gain,
        id=codes,
        title=texts,
        type=st.sampled_from(get_args(GainType)),
        perspective=st.sampled_from(get_args(Perspective)),
        indicator=texts,
        better=st.sampled_from(["lower", "higher"]),
        target=maybe(floats),
        owner=maybe(texts),
        payer=maybe(texts),
        planned=st.booleans(),
    )
    parameters = st.builds(
        Parameters,
        observed_share_required=ratios,
        heartbeat_tolerance=st.floats(1, 1e6),
        minimum_uses_per_day=st.integers(1, 9),
        ramp_in_days=st.integers(0, 99),
        point_observability_required=ratios,
        week_observability_required=ratios,
        regular_use_days_per_week=st.integers(1, 7),
        registration_days=st.integers(1, 3000),
        registration_ratio_required=ratios,
        hourly_rate=maybe(positive),
    )
    return Trial(
        id=draw(st.text("abc-09", min_size=1, max_size=8)),
        title=draw(texts),
        programme=draw(maybe(texts)),
        units=tuple(draw(st.lists(texts, min_size=1, max_size=3, unique=True))),
        technology=technology,
        timezone=draw(
            st.sampled_from(["Europe/Oslo", "Europe/Copenhagen", "UTC", "America/Havana", "Atlantic/Azores"])
        ),
        currency=draw(one_of("NOK", "DKK")),
        starts=starts,
        ends=draw(maybe(st.integers(0, 400).map(lambda number: starts + timedelta(days=number)))),
        gains=tuple(draw(st.lists(gains, max_size=2, unique_by=lambda gain: gain.id))),
        parameters=draw(parameters),
    )


@st.composite
def packages(draw: st.DrawFn) -> TrialPackage:
    own = tuple(draw(st.lists(technologies(), max_size=2, unique_by=lambda each: each.id)))
    known = [*own, builtin_technologies()["door_sensor"]]
    trial = draw(trials(draw(st.sampled_from(known)).id))
    homes = []
    for code in draw(st.lists(codes, max_size=3, unique=True)):
        installed, ended = draw(maybe(days)), draw(maybe(days))
        if installed and ended and ended < installed:
            installed, ended = ended, installed
        reason = draw(maybe(st.sampled_from(get_args(EndReason)))) if ended else None
        kind = draw(one_of("home", "demo"))
        unit, basis = draw(st.sampled_from(trial.units)), draw(maybe(texts))
        homes.append(
            Home(code, kind, unit, draw(maybe(days)), draw(maybe(days)), installed, ended, reason, basis)
        )
    devices = []
    for code in draw(st.lists(codes, max_size=3, unique=True)):
        technology = draw(st.sampled_from(known)).id
        role = draw(one_of("primary", "secondary") if technology == trial.technology else one_of("secondary"))
        dialect = draw(one_of("nyttig", "zigbee2mqtt"))
        power = draw(one_of("battery", "mains"))
        address = code if dialect == "nyttig" else f"0x{code}/" + draw(texts)
        devices.append(Device(code, technology, dialect, address, draw(positive), power, role))
    placements, pauses, schedules, visits, measures = [], [], [], [], []
    if homes:
        home = st.sampled_from([each.home for each in homes])
        for device in devices:
            at = draw(moments)
            for _ in range(draw(st.integers(0, 2))):
                placements.append(Placement(device.device, draw(home), at, at + draw(spans)))
                at = placements[-1].removed_at or at
            if draw(st.booleans()):
                placements.append(Placement(device.device, draw(home), at))
        for code in draw(st.lists(home, max_size=2, unique=True)):
            at = draw(moments)
            pauses.append(Pause(code, at, at + draw(spans), draw(maybe(texts))))
            from_day, to_day = sorted((draw(days), draw(days)))
            on = "".join(sorted(draw(st.sets(st.sampled_from("1234567"), min_size=1))))
            schedules.append(Schedule(code, draw(st.times()).replace(microsecond=0), on, from_day, to_day))
            kind = draw(one_of("physical", "remote"))
            travel, period = (
                draw(st.floats(0, allow_infinity=False)),
                draw(one_of("before", "after")),
            )
            visits.append(
                Visit(code, at, at + draw(spans), kind, draw(texts), draw(maybe(texts)), travel, period)
            )
            measures.append(Measure(code, draw(texts), draw(days), period, draw(floats), draw(st.booleans())))
    costs = st.builds(
        Cost,
        item=texts,
        kind=st.sampled_from(["capital", "running", "installation", "support"]),
        amount=floats,
        per=st.sampled_from(["device", "home", "month", "once"]),
        life_months=maybe(positive),
        payer=maybe(texts),
        source=maybe(texts),
    )
    part = st.builds(
        UnitPart,
        unit=st.sampled_from(trial.units),
        invited_on=maybe(days),
        joined_on=maybe(days),
        staff=st.just(100),
        ambassadors_trained=st.integers(10, 100),
        ambassadors_active=st.integers(0, 10),
    )
    return TrialPackage(
        trial=trial,
        technologies=own,
        homes=tuple(homes),
        devices=tuple(devices),
        placements=tuple(placements),
        pauses=tuple(pauses),
        schedules=tuple(schedules),
        units=tuple(draw(st.lists(part, max_size=2, unique_by=lambda each: each.unit))),
        visits=tuple(visits),
        measures=tuple(measures),
        costs=tuple(draw(st.lists(costs, max_size=2))),
    )


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(packages(), st.sampled_from([("csv",), ("parquet",), ("csv", "parquet")]))
def test_a_package_that_is_written_is_the_same_when_it_is_read(
    package: TrialPackage, formats: tuple[str, ...]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write(package, Path(folder), formats=formats)
        assert read(Path(folder), builtin_technologies()) == package


def alna() -> TrialPackage:
    return read(ALNA, builtin_technologies())


def event(number: int) -> dict[str, Any]:
    at = datetime(2026, 9, 1, tzinfo=UTC) + timedelta(minutes=number, microseconds=number)
    return {
        "device": "md-101", "at": at, "received_at": at, "device_time": None, "type": "dose_taken",
        "value": number / 7, "unit": "dose", "origin": "citizen", "boot_id": "b1", "seq": number,
        "message_id": None, "late": number % 2 == 0, "clock_fault": None,
        "health": '{"battery_pct": 81}' if number % 3 else None, "extra": None,
    }  # fmt: skip


def written(folder: Path, **more: Any) -> Path:
    events = pa.Table.from_pylist([event(number) for number in range(100)], EVENT_SCHEMA)
    write(alna(), folder, events=events.to_batches(max_chunksize=7), **more)
    return folder


def test_an_export_of_a_real_example_reads_back_and_its_manifest_fits(tmp_path: Path) -> None:
    folder = written(tmp_path / "export", formats={"csv", "parquet"})
    assert check_manifest(folder) == []
    assert read(folder, builtin_technologies()) == alna()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["export"]


def test_the_manifest_describes_every_file_as_a_data_package(tmp_path: Path) -> None:
    gaps = [{"from": datetime(2026, 9, 1, tzinfo=UTC), "to": datetime(2026, 9, 2, tzinfo=UTC)}]
    extra = {"gaps": gaps, "versions": {"definitions": "1"}}
    folder = written(tmp_path / "export", extra_manifest=extra)
    manifest = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    assert manifest["name"] == "alna-medisindispenser"
    assert manifest["period"]["starts"] == "2026-08-24"
    assert manifest["gaps"] == [{"from": "2026-09-01T00:00:00+00:00", "to": "2026-09-02T00:00:00+00:00"}]
    assert set(manifest["versions"]) == {"nyttig", "definitions"}
    resources = {each["path"]: each for each in manifest["resources"]}
    assert set(resources) == {path.name for path in folder.iterdir()} - {"datapackage.json"}
    assert resources["events.csv"]["rows"] == 100
    assert resources["homes.csv"]["hash"].startswith("sha256:")
    fields = {each["name"]: each for each in resources["homes.csv"]["schema"]["fields"]}
    assert fields["site_type"]["constraints"] == {"required": True, "enum": ["home", "demo"]}
    assert all(each["description"] for each in fields.values())
    header = (folder / "homes.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header.split(",") == list(fields)


def test_the_same_package_makes_the_same_bytes(tmp_path: Path) -> None:
    first, second = written(tmp_path / "one"), written(tmp_path / "two")
    assert all((second / each.name).read_bytes() == each.read_bytes() for each in first.iterdir())


@pytest.mark.parametrize("name", ["homes.csv", "events.csv", "events.parquet", "trial.toml"])
def test_an_export_that_was_cut_short_is_noticed(tmp_path: Path, name: str) -> None:
    folder = written(tmp_path / "export", formats={"csv", "parquet"})
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(PackageError) as caught:
        read(folder, builtin_technologies())
    assert any(each.file == name and "cut short" in each.remedy for each in caught.value.problems)


def test_a_table_that_lost_whole_rows_is_noticed_with_both_counts(tmp_path: Path) -> None:
    folder = written(tmp_path / "export")
    lines = (folder / "visits.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "visits.csv").write_text("".join(lines[:-3]), encoding="utf-8")
    (problem,) = check_manifest(folder)
    assert problem.value == f"{len(lines) - 4} rows"
    assert f"says {len(lines) - 1} rows" in problem.remedy


def test_one_changed_letter_is_noticed(tmp_path: Path) -> None:
    folder = written(tmp_path / "export")
    text = (folder / "measures.csv").read_text(encoding="utf-8")
    (folder / "measures.csv").write_text(text.replace("before", "beforf", 1), encoding="utf-8")
    assert [each.file for each in check_manifest(folder)] == ["measures.csv"]


def test_a_file_that_is_gone_is_noticed(tmp_path: Path) -> None:
    folder = written(tmp_path / "export")
    (folder / "visits.csv").unlink()
    assert "is missing" in check_manifest(folder)[0].remedy


def test_a_manifest_written_by_hand_without_checksums_is_fine(tmp_path: Path) -> None:
    folder = written(tmp_path / "export")
    resources: list[dict[str, Any]] = [
        {"name": "homes", "path": "homes.csv"},
        {"name": "visits", "path": "visits.csv", "rows": 432},
    ]
    (folder / "datapackage.json").write_text(json.dumps({"name": "x", "resources": resources}))
    assert check_manifest(folder) == []
    resources[1]["rows"] = 431
    (folder / "datapackage.json").write_text(json.dumps({"name": "x", "resources": resources}))
    assert [each.value for each in check_manifest(folder)] == ["432 rows"]


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ('{"name": "x", "resources": [', "is no JSON"),
        ("[]", "is no list"),
        ('{"resources": [7]}', "no table of a file's facts"),
        ('{"resources": [{"path": "../homes.csv"}]}', "leads out of the folder"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_a_problem(tmp_path: Path, text: str, remedy: str) -> None:
    (tmp_path / "datapackage.json").write_text(text)
    (problem,) = check_manifest(tmp_path)
    assert remedy in problem.remedy


def test_a_folder_with_something_in_it_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(PackageError, match="something there already"):
        write(alna(), tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == ["notes.txt"]


def test_an_export_that_breaks_off_leaves_nothing_behind(tmp_path: Path) -> None:
    def broken() -> Any:
        yield pa.RecordBatch.from_pylist([event(1)], EVENT_SCHEMA)
        raise RuntimeError("the database went away")

    with pytest.raises(RuntimeError, match="went away"):
        write(alna(), tmp_path / "export", events=broken())
    assert list(tmp_path.iterdir()) == []


def test_a_format_that_there_is_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="Did you mean 'parquet'"):
        write(alna(), tmp_path / "export", formats={"csv", "parket"})
    assert not (tmp_path / "export").exists()
