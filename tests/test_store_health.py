"""The store gives device health its facts: the newest by event time, whatever came late, on both kinds of server."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from conftest import Database
from homes import NOW, ago, homes, street

from nyttig.health.visits import Mark
from nyttig.store import db, platform, work
from nyttig.store.platform import Outage


def test_every_kind_of_finding_comes_from_stored_events(database: Database) -> None:
    devices = (
        "h1-ok",
        "h1-silent",
        "h1-late",
        "h1-never",
        "h1-battery",
        "h1-clock",
        "h1-lost",
        "h1-weak",
        "h1-lossy",
        "h1-stuck",
    )
    with street(database, homes(*devices)) as here:
        here.says("h1-ok", 5, 65, battery_pct=80, rssi_dbm=-60)
        here.says("h1-silent", 500)
        here.says("h1-late", 100)
        here.says("h1-battery", 5, battery_pct=11)
        here.says("h1-clock", 5, 65, 125, 185, behind_minutes=3000)
        here.says("h1-lost", 40)
        here.says("h1-lost", 30, type_="state", value=0.0)
        here.says("h1-weak", 5, 65, 125, rssi_dbm=-95)
        here.says("h1-lossy", *range(245, 0, -60), seqs=(1, 2, 20, 21, 22))
        here.says("h1-stuck", *range(5, 2900, 60), type_="temperature", value=21.5)
        found = {one.device: one.status for one in here.health().devices}
        assert found == {
            "h1-ok": "ok", "h1-silent": "silent", "h1-late": "late", "h1-never": "never_seen", "h1-battery": "battery_low",
            "h1-clock": "clock_wrong", "h1-lost": "connection_lost", "h1-weak": "weak_signal", "h1-lossy": "lossy",
            "h1-stuck": "stuck",
        }  # fmt: skip
        assert here.one("h1-clock").last_seen_at == ago(5)
        assert here.one("h1-ok").signal == "good"
        assert [one.device for one in here.health().devices][:2] == ["h1-silent", "h1-never"]


def test_the_same_data_gives_the_same_answer_at_the_same_moment(embedded_database: Database) -> None:
    with street(embedded_database, homes("h1-a", "h1-b")) as here:
        here.says("h1-a", 100, 400, 900, battery_pct=17)
        assert here.health() == here.health()
        assert here.one("h1-a").status == "late"
        here.beat(NOW + timedelta(hours=5))
        assert here.one("h1-a", NOW + timedelta(hours=5)).status == "silent"
        assert here.one("h1-a").status == "late"


def test_devices_that_stand_behind_one_gateway_are_one_finding_across_homes(database: Database) -> None:
    with street(database, homes("h1-a", "h2-b", "h3-c", "h3-d")) as here:
        here.behind("zigbee2mqtt", "h1-a", "h2-b")
        for device in ("h1-a", "h2-b"):
            here.says(device, 400)
        here.says("h3-c", 5)
        here.says("h3-d", 5)
        (gateway,) = here.health().silent_gateways
        assert (gateway.gateway, gateway.sites, gateway.devices, gateway.since) == (
            "zigbee2mqtt",
            ("h1", "h2"),
            2,
            ago(400),
        )
        assert here.health().silent_sites == ()


def test_a_device_is_learned_to_report_every_four_hours_from_its_stored_hours(database: Database) -> None:
    with street(database, homes("h1-a")) as here:
        here.says("h1-a", *range(200, 28 * 1440, 240))
        one = here.one("h1-a")
        assert (one.status, one.expected_interval_minutes, one.interval_basis) == ("ok", 240.0, "learned")
        here.beat(NOW + timedelta(hours=10))
        assert here.one("h1-a", NOW + timedelta(hours=10)).status == "silent"


def test_after_a_restart_of_ours_nothing_is_blamed_on_devices(embedded_database: Database) -> None:
    with street(embedded_database, homes("h1-a", "h1-b")) as here:
        for device in ("h1-a", "h1-b"):
            here.says(device, 610, battery_pct=80)
        platform.record(here.connection, Outage("broker", ago(600), ago(1), True))
        health = here.health()
        assert [one.status for one in health.devices] == ["unknown", "unknown"]
        assert health.silent_sites == ()


def test_while_no_ingestor_is_connected_to_the_broker_nobody_can_tell(embedded_database: Database) -> None:
    with street(embedded_database, homes("h1-a")) as here:
        here.says("h1-a", 610)
        assert here.one("h1-a").status == "silent"
        platform.count(
            here.connection,
            "nyttig-ingest",
            ago(605),
            events=1,
            duplicates=0,
            quarantined=0,
            retained=0,
            messages=1,
        )
        here.beat(NOW, connected=False)
        assert here.one("h1-a").status == "unknown"
        here.beat(NOW, connected=True)
        assert here.one("h1-a").status == "silent"


def test_late_data_never_hides_a_newer_state(embedded_database: Database) -> None:
    with street(embedded_database, homes("h1-a")) as here:
        here.says("h1-a", 5, battery_pct=80)
        here.says("h1-a", 900, received=1, battery_pct=3)
        one = here.one("h1-a")
        assert (one.status, one.battery_pct, one.battery_at, one.last_seen_at) == ("ok", 80.0, ago(5), ago(5))


def test_a_battery_between_low_and_fine_is_what_it_clearly_was_before(embedded_database: Database) -> None:
    with street(embedded_database, homes("h1-falls", "h1-rises")) as here:
        for device, before in (("h1-falls", 30), ("h1-rises", 9)):
            here.says(device, 3000, battery_pct=before)
            here.says(device, 65, 5, battery_pct=18)
        assert here.one("h1-falls").status == "ok"
        assert here.one("h1-rises").status == "battery_low"


def test_what_was_lost_while_we_were_away_is_not_the_devices_loss(embedded_database: Database) -> None:
    with street(embedded_database, homes("h1-a")) as here:
        here.says("h1-a", *range(245, 0, -60), seqs=(1, 2, 20, 21, 22))
        assert here.one("h1-a").status == "lossy"
        platform.record(here.connection, Outage("broker", ago(170), ago(140), True))
        assert here.one("h1-a").status == "ok"


def test_a_device_just_moved_is_not_blamed_for_the_silence_in_its_box(embedded_database: Database) -> None:
    with street(embedded_database, homes("h1-a")) as here:
        here.says("h1-a", 50000)
        here.connection.execute("UPDATE placements SET placed_at = %s", (ago(30),))
        assert here.one("h1-a").status == "ok"


def test_marks_and_notices_outlive_whoever_wrote_them(database: Database) -> None:
    with street(database, homes("h1-a")) as here:
        done = Mark("device", "h1-a", "silent", "done", None, None, "per", ago(60))
        put_off = replace(done, action="postponed", postponed_until=NOW, marked_at=ago(5))
        work.mark(here.connection, [done, put_off])
        work.tell(here.connection, "email", [("device h1-a", "silent")], ago(60))
        work.tell(here.connection, "email", [("device h1-a", "silent")], ago(5))
        here.connection.commit()
        assert work.newest_marks(here.connection) == [put_off]
        assert work.marks_of_device(here.connection, "h1-a") == [put_off, done]
        assert work.told_since(here.connection, "email", ago(30)) == {("device h1-a", "silent")}
        assert (
            work.told_since(here.connection, "email", ago(1))
            == work.told_since(here.connection, "webhook", ago(90))
            == set()
        )


def test_one_notifier_has_its_turn_at_a_time(database: Database) -> None:
    with db.connect(database.conninfo) as first, db.connect(database.conninfo) as second:
        assert work.take_turn(first)
        assert not work.take_turn(second)
        first.commit()
        assert work.take_turn(second)


def test_a_device_unheard_for_a_month_is_told_with_the_last_it_said(database: Database) -> None:
    with street(database, homes("h1-a", "h1-b", "h1-new")) as here:
        here.says("h1-a", 30 * 1440, 31 * 1440, battery_pct=41, rssi_dbm=-60)
        here.says("h1-a", 29 * 1440, type_="state", value=0.0)
        here.says("h1-b", 40 * 1440, battery_pct=55)
        here.says("h1-b", 5)
        a, b, new = (here.one(device) for device in ("h1-a", "h1-b", "h1-new"))
        assert (a.status, a.last_seen_at, a.battery_pct, a.connection) == (
            "silent",
            ago(30 * 1440),
            41.0,
            "offline",
        )
        assert (b.status, b.battery_pct, b.battery_at) == ("ok", 55.0, ago(40 * 1440))
        assert new.status == "never_seen"
