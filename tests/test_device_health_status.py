"""Which device needs a visit: told from when it was last heard, never blaming a device for our own absence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from conftest import Database
from hypothesis import given
from hypothesis import strategies as st
from packages import one_home

from nyttig.device_health import device_health
from nyttig.health.assess import Health
from nyttig.health.findings import Status
from nyttig.health.silence import Away, Rhythm, silence
from nyttig.model import Device, Placement, TrialPackage
from nyttig.package.technologies import builtin_technologies
from nyttig.store import db, events, platform, registry
from nyttig.store.events import EventRow
from nyttig.store.platform import Outage

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PLACED_AT = datetime(2020, 1, 1, tzinfo=UTC)
HOUR = 60.0


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def status_of(
    seen_at: datetime | None,
    interval_minutes: float,
    now: datetime,
    away: Sequence[tuple[datetime, datetime]] = (),
) -> Status:
    expected = Rhythm("declared", timedelta(minutes=interval_minutes))
    finding = silence(seen_at, PLACED_AT, expected, 0, now, Away(away))
    return "ok" if finding is None else finding.kind


@pytest.mark.parametrize(
    ("unheard_minutes", "status"),
    [
        (0, "ok"),
        (60, "ok"),
        (90, "ok"),
        (90.1, "late"),
        (180, "late"),
        (180.1, "silent"),
        (9999, "silent"),
    ],
)
def test_an_hourly_device_is_late_after_one_and_a_half_hours_and_silent_after_three(
    unheard_minutes: float, status: str
) -> None:
    assert status_of(ago(unheard_minutes), HOUR, NOW) == status


def test_a_device_that_reports_daily_is_given_days() -> None:
    assert status_of(ago(24 * HOUR), 24 * HOUR, NOW) == "ok"
    assert status_of(ago(40 * HOUR), 24 * HOUR, NOW) == "late"
    assert status_of(ago(73 * HOUR), 24 * HOUR, NOW) == "silent"


def test_a_device_that_was_never_heard_is_never_seen_whoever_was_away() -> None:
    assert status_of(None, HOUR, NOW) == "never_seen"
    assert status_of(None, HOUR, NOW, [(ago(9999), NOW)]) == "never_seen"


@pytest.mark.parametrize(
    ("unheard_minutes", "away_minutes", "status"),
    [
        (600, [(590, 0)], "unknown"),  # we went away right after it was heard, and still are
        (600, [(590, 20)], "unknown"),  # we are back for twenty minutes: too early to say
        (600, [(590, 91)], "late"),  # back for longer than it may take
        (600, [(590, 181)], "silent"),
        (600, [(300, 200)], "silent"),  # five hours of silence stood before our absence
        (600, [(590, 300), (400, 50)], "unknown"),  # overlapping absences count once, and together
        (600, [(400, 200), (400, 200), (400, 200)], "silent"),  # the same one told thrice is one
        (600, [(2000, 700)], "silent"),  # before it was last heard
        (60, [(50, 0)], "ok"),  # heard within its interval, absence or not
    ],
)
def test_times_in_which_we_were_away_are_no_silence_of_the_device(
    unheard_minutes: float, away_minutes: list[tuple[float, float]], status: str
) -> None:
    away = [(ago(began), ago(ended)) for began, ended in away_minutes]
    assert status_of(ago(unheard_minutes), HOUR, NOW, away) == status
    assert status_of(ago(unheard_minutes), HOUR, NOW, away[::-1]) == status


minutes = st.integers(0, 5000)
_BLAME = ("ok", "unknown", "late", "silent")


@given(minutes, st.lists(st.tuples(minutes, minutes), max_size=4), st.tuples(minutes, minutes))
def test_another_absence_of_ours_never_makes_a_device_look_worse(
    unheard: int, absences: list[tuple[int, int]], another: tuple[int, int]
) -> None:
    def status(spans: list[tuple[int, int]]) -> int:
        away = [(ago(max(span)), ago(min(span))) for span in spans]
        return _BLAME.index(status_of(ago(unheard), HOUR, NOW, away))

    assert status([*absences, another]) <= status(absences)


@pytest.fixture
def connection(embedded_database: Database) -> Iterator[db.Session]:
    with db.connect(embedded_database.conninfo) as connection:
        registry.save(connection, two_homes(), builtin_technologies())
        events.prepare(connection)
        platform.started(connection, "nyttig-ingest", NOW - timedelta(days=30))
        platform.beat(connection, "nyttig-ingest", NOW, connected=True)
        yield connection


def two_homes() -> TrialPackage:
    """Home h1 with devices a, b and c, home h2 with device d."""
    package = one_home("medicine_dispenser", homes=2)
    homes = {"a": "h1", "b": "h1", "c": "h1", "d": "h2"}
    return replace(
        package,
        devices=tuple(
            Device(code, "medicine_dispenser", "nyttig", code, HOUR, "battery", "primary") for code in homes
        ),
        placements=tuple(Placement(code, home, PLACED_AT) for code, home in homes.items()),
    )


def heard(
    connection: db.Session,
    code: str,
    minutes_ago: float,
    type_: str = "dose_taken",
    value: float = 1.0,
    health: str | None = None,
) -> None:
    (device_id,) = (known.id for known in registry.known_devices(connection) if known.device == code)
    at = ago(minutes_ago)
    row = EventRow(
        device_id, at, at, at, type_, value, None, "citizen", None, None, f"{at}", False, None, health, None
    )
    events.append(connection, [row])


def statuses(health: Health) -> list[tuple[str, str]]:
    return [(one.device, one.status) for one in health.devices]


def test_the_worst_comes_first_and_among_equals_the_longest_unheard(connection: db.Session) -> None:
    heard(connection, "a", 500)
    heard(connection, "b", 10)
    heard(connection, "d", 9000)
    assert statuses(device_health(connection, NOW)) == [
        ("d", "silent"),
        ("a", "silent"),
        ("c", "never_seen"),
        ("b", "ok"),
    ]


def test_a_home_of_which_nothing_is_heard_is_one_finding_since_its_last_sign_of_life(
    connection: db.Session,
) -> None:
    for code, minutes_ago in (("a", 500), ("b", 400), ("c", 600), ("d", 700)):
        heard(connection, code, minutes_ago)
    (site,) = device_health(connection, NOW).silent_sites
    assert (site.site, site.unit, site.since, site.devices) == ("h1", "Bydel Alna", ago(400), 3)


def test_a_home_with_one_living_device_is_not_silent(connection: db.Session) -> None:
    for code, minutes_ago in (("a", 500), ("b", 400), ("c", 100)):
        heard(connection, code, minutes_ago)
    assert device_health(connection, NOW).silent_sites == ()


def test_a_device_that_never_came_does_not_hide_that_its_home_is_silent(connection: db.Session) -> None:
    heard(connection, "a", 500)
    heard(connection, "b", 400)
    health = device_health(connection, NOW)
    assert [(site.site, site.devices) for site in health.silent_sites] == [("h1", 2)]
    assert ("c", "never_seen") in statuses(health)


def test_after_our_own_restart_no_device_is_called_silent(connection: db.Session) -> None:
    heard(connection, "a", 610)
    platform.record(connection, Outage("ingest", ago(600), ago(1), False))
    health = device_health(connection, NOW)
    assert ("a", "unknown") in statuses(health)
    assert health.silent_sites == ()


@pytest.mark.parametrize("seconds_since_beat", [19, 21])
def test_while_no_ingestor_beats_devices_are_unknown(connection: db.Session, seconds_since_beat: int) -> None:
    heard(connection, "a", 185)
    beat_at = ago(184) if seconds_since_beat > 20 else NOW - timedelta(seconds=seconds_since_beat)
    platform.beat(connection, "nyttig-ingest", beat_at, connected=True)
    assert ("a", "unknown" if seconds_since_beat > 20 else "silent") in statuses(
        device_health(connection, NOW)
    )


def test_a_last_will_is_no_sign_of_life_and_battery_keeps_its_own_age(connection: db.Session) -> None:
    heard(connection, "a", 900, "health", health='{"battery_pct": 71, "rssi_dbm": -60}')
    heard(connection, "a", 500)
    heard(connection, "a", 10, "state", 0.0)
    (device,) = (one for one in device_health(connection, NOW).devices if one.device == "a")
    assert (device.status, device.last_seen_at, device.connection) == ("silent", ago(500), "offline")
    assert (device.battery_pct, device.battery_at, device.signal_dbm) == (71.0, ago(900), -60.0)


def test_a_device_that_was_taken_down_needs_no_visit(connection: db.Session) -> None:
    package = two_homes()
    first, *others = package.placements
    removed = replace(first, removed_at=PLACED_AT + timedelta(days=1))
    registry.save(connection, replace(package, placements=(removed, *others)), builtin_technologies())
    assert "a" not in [one.device for one in device_health(connection, NOW).devices]


def test_of_one_trial_only_its_own_devices_are_told(connection: db.Session) -> None:
    other = one_home("stove_guard", trial="other")
    other = replace(
        other,
        homes=(replace(other.homes[0], home="h9"),),
        devices=(replace(other.devices[0], device="z", address="z"),),
        placements=(Placement("z", "h9", PLACED_AT),),
    )
    registry.save(connection, other, builtin_technologies())
    assert statuses(device_health(connection, NOW, trial_id="other")) == [("z", "never_seen")]
    assert len(device_health(connection, NOW).devices) == 5
