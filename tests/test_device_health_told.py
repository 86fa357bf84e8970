"""The command line tells devices and work in words that an installer can act on."""

from __future__ import annotations

from conftest import Database
from homes import NOW, ago, homes, street

from nyttig import text
from nyttig.device_record import open_work
from nyttig.health.findings import WORST_FIRST
from nyttig.health.words import STATUS


def test_every_status_has_words() -> None:
    assert set(STATUS) == set(WORST_FIRST)


def test_each_device_is_told_with_what_is_wrong_why_and_what_to_do(embedded_database: Database) -> None:
    devices = (
        "h1-silent",
        "h1-battery",
        "h1-clock",
        "h1-lost",
        "h1-weak",
        "h1-lossy",
        "h1-stuck",
        "h1-new",
        "h2-a",
        "h2-b",
    )
    with street(embedded_database, homes(*devices)) as here:
        here.says("h1-silent", 500)
        here.says("h1-battery", 5, battery_pct=11)
        here.says("h1-clock", 5, 65, 125, 185, behind_minutes=3000)
        here.says("h1-lost", 40)
        here.says("h1-lost", 30, type_="state", value=0.0)
        here.says("h1-weak", 5, 65, 125, rssi_dbm=-95)
        here.says("h1-lossy", *range(245, 0, -60), seqs=(1, 2, 20, 21, 22))
        here.says("h1-stuck", *range(5, 2900, 60), type_="temperature", value=21.5)
        here.connection.execute(
            "UPDATE placements SET placed_at = %s WHERE device_id = (SELECT id FROM devices WHERE code = 'h1-new')",
            (ago(20),),
        )
        here.behind("gw", "h2-a", "h2-b")
        for device in ("h2-a", "h2-b"):
            here.says(device, 700)
        told = text.devices(here.health(), NOW)
        work = text.work(open_work(here.connection, NOW), NOW)
    for words in (
        "gateway gw (Bydel Alna): all 2 devices in 1 home silent since 11 h ago",
        "silent: last heard 8 h ago, expected every 60 min; battery no level known after 11 months, of 12 to 24",
        "battery low: battery 11 %, measured 5 min ago; replace the battery",
        "clock wrong: it is 2 days slow; set its clock",
        "connection lost: its last will came 30 min ago and nothing since",
        "weak signal: rssi_dbm -95, poor below -87; move it or its gateway nearer",
        "losing messages: 17 messages of the last week never came, 5 did",
        "stuck: temperature has been 21.5 in all of its last 48 readings; replace the device",
        "never heard: placed 20 min ago and not heard since; wait a little before going",
    ):
        assert words in told, told
    assert work.splitlines()[0] == "h2 (Bydel Alna): now, since 11 h ago"
    assert "gateway nyttig gw: all 2 devices silent since 11 h ago; look at the gateway" in work
    assert "bring battery for h1-silent, spare climate_sensor" in work.replace("3 × ", "").replace("2 × ", "")
    assert "h1-new" not in work


def test_when_nothing_is_wrong_nobody_is_sent_out(embedded_database: Database) -> None:
    with street(embedded_database, homes("h1-a")) as here:
        here.says("h1-a", 5, battery_pct=80)
        assert text.work(open_work(here.connection, NOW), NOW) == "nobody needs to go out"
        assert "silent" not in text.devices(here.health(), NOW)
