"""The pages of devices say what is wrong, since when, why and what to do, and nothing of how a resident lives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import streamlit as st
from conftest import Database
from homes import NOW as HOMES_NOW
from homes import homes, street
from sample_api import SampleApi
from sample_devices import all_devices, make_devices, make_history, make_record, make_registered, to_json
from sample_report import NOW
from serving import serving
from showing import opened, shown, words
from streamlit.testing.v1 import AppTest

from api import deps
from dashboard import batteries, findings, live
from dashboard.wording import device_status
from nyttig.health.battery import Forecast
from nyttig.health.findings import REMEDY, WORST_FIRST

DEVICES = "views/devices.py"
ILL = "medicine-dispenser-09"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[SampleApi]:
    with shown(monkeypatch) as running:
        yield running


def said_of(code: str, api: SampleApi, **more: Any) -> str:
    """What the page says of the device with this record."""
    found = next(one for one in all_devices() if one.device == code)
    api.more[f"/v1/devices/{code}"] = make_record(found, **more)
    st.cache_data.clear()
    return words(opened(DEVICES, device=code)).replace("\\", "")


def test_devices_come_worst_first_each_with_why_and_what_to_do(api: SampleApi) -> None:
    said = words(opened(DEVICES))
    order = ["medicine-dispenser-03", "safety-alarm-11", "safety-alarm-13", ILL, "climate-sensor-15", "door-sensor-16",
             "medicine-dispenser-02", "door-sensor-17", "climate-sensor-18", "climate-sensor-19", "door-sensor-21"]  # fmt: skip
    assert sorted(order, key=said.index) == order
    for sentence in (
        "Last heard 3 days ago; expected every hour.",
        "Check its power, and that it stands in its place.",
        "Its battery is probably flat: 12 months in use, of 12 to 24 that such batteries last. Replace its battery",
        "Placed 2 weeks ago and never heard since.",
        "Its connection was lost 24 minutes ago, and nothing has come since.",
        "Battery 14%, measured 3 hours ago. Replace its battery: bring one.",
        "It has said 41.5 (humidity) in all of its last 58 readings. Replace it: bring a spare.",
        "Its clock is 1 hour slow. Set its clock",
        "Wait a little before you go.",
        "It sends without end, in 3 hours of the last day.",
        "31 of its messages of the last week never came; 210 did.",
        "Signal -93 dBm; below -87 dBm is poor. Move it or its gateway nearer, or bring a repeater.",
        "Nyttig was not recording, so nobody can tell. Last heard 5 hours ago.",
        "It speaks only when something happens, and was last heard 2 days ago; its longest silence was 18 hours.",
        "Expected: only when something happens",
        "Expected: every hour, as the registry says · Battery 78%, measured 3 hours ago · Signal good",
    ):
        assert sentence in said
    assert "Used" not in said


def test_a_silent_home_and_a_silent_gateway_are_one_finding_each(api: SampleApi) -> None:
    said = words(opened(DEVICES))
    assert "G08** (Bydel Gamle Oslo): all 3 devices silent for 3 days" in said
    assert (
        "Gateway 0x00124b0018e2a1b7** (Zigbee2MQTT): all 3 devices silent for 5 hours, in A20, A22, A24"
        in said
    )
    assert "light-path-08" not in said
    assert "climate-sensor-20" not in said


def test_the_page_agrees_with_the_api(api: SampleApi) -> None:
    app = opened(DEVICES)
    assert _listed(app) == [device["device"] for device in api.devices["devices"]]
    counts = Counter(device["status"] for device in api.devices["devices"])
    shown = next(box for box in app.button_group if box.label == "Status").options
    assert [int(option.split()[-1]) for option in shown] == [
        sum(counts.values()), *(counts[status] for status in WORST_FIRST),
    ]  # fmt: skip
    late = opened(DEVICES, status="unknown")
    assert _listed(late) == ["door-sensor-23", "door-sensor-21"]


def _listed(app: AppTest) -> list[str]:
    (table,) = [frame.value for frame in app.dataframe if "What is wrong" in frame.value]
    return list(table["Device"])


def test_a_device_can_be_found_by_its_home_its_code_and_its_gateway(api: SampleApi) -> None:
    app = opened(DEVICES)
    app.text_input[0].set_value("g08").run()
    said = words(app)
    assert "all 3 devices silent" in said
    assert "medicine-dispenser-03" not in said
    assert app.query_params["find"] == "g08"
    app.text_input[0].set_value("0x00124b").run()
    assert "Gateway 0x00124b0018e2a1b7" in words(app)
    app.text_input[0].set_value("nowhere").run()
    assert "No home or device is called nowhere" in words(app)


def test_nobody_is_told_to_stay_home_while_anything_is_wrong(api: SampleApi) -> None:
    well = [device for device in all_devices() if device.status == "ok"]
    ill = [device for device in all_devices() if device.device == ILL]
    api.devices = make_devices([*well, *ill])
    assert "Nobody needs to go out" not in words(opened(DEVICES))
    st.cache_data.clear()
    api.devices = make_devices(well)
    assert "Nobody needs to go out" in words(opened(DEVICES))


def test_every_row_leads_to_the_devices_page_in_the_readers_language(api: SampleApi) -> None:
    said = words(opened(DEVICES, lang="da"))
    assert f'href="devices?device={ILL}&amp;lang=da" target="_self"' in said


@pytest.mark.parametrize(
    ("lang", "sentence"),
    [("en", "Go soon"), ("nb", "Dra snart"), ("da", "Kør snart")],
)
def test_a_devices_page_opens_from_its_label_in_every_language(
    api: SampleApi, lang: str, sentence: str
) -> None:
    app = opened(DEVICES, device=ILL, lang=lang)
    assert [title.value for title in app.title] == [ILL]
    assert sentence in words(app)


def test_a_devices_page_tells_its_state_its_past_and_what_was_done(api: SampleApi) -> None:
    said = said_of(ILL, api)
    for sentence in (
        "**Battery low** since 22 Nov 2026, 06:15. Battery 14%, measured 3 hours ago.",
        "Replace about 4 Dec 2026 (between 28 Nov 2026 and 17 Dec 2026), by its own trend",
        "2 seconds fast",
        "Of 60 days: 51 heard as expected, 4 heard in part, 3 not heard, 2 not known: Nyttig was away.",
        "1 day from 23 Oct 2026, 10:15",
        "1,432 messages stored · 3 came twice and count once · 1% came late, as history · 0 never arrived.",
        "2 × with a time that cannot be: event_time 2031-01-01 is in the future",
        "Battery low: done – two new cells",
        "placed at A04 from",
        "Days and times as in Europe/Oslo.",
    ):
        assert sentence in said
    assert "Used" not in said


def test_each_picture_of_a_device_has_words_and_a_table_beneath(api: SampleApi) -> None:
    app = opened(DEVICES, device=ILL)
    charts = app.get("arrow_vega_lite_chart") or app.get("vega_lite_chart")
    assert len(charts) == 3
    assert all(chart.proto.alt for chart in charts)
    assert len([box for box in app.expander if box.label == "Show as a table"]) == 5


@pytest.mark.parametrize(
    ("forecast", "said"),
    [
        (Forecast("lifetime", "does_not_fall", NOW + timedelta(90), NOW + timedelta(30), NOW + timedelta(400)),
         "Replace about 20 Feb 2027 (between 22 Dec 2026 and 27 Dec 2027), by how long such batteries last"),
        (Forecast("trend", None, None, NOW + timedelta(900), None), "Replace after 10 May 2029; no end in sight yet"),
        (Forecast(None, "never_said"), "Cannot say when to replace it: it never said how full its battery is"),
        (Forecast(None, "does_not_fall"), "Cannot say when to replace it: what it says does not fall"),
        (Forecast(None, "too_few_readings"), "Cannot say when to replace it: it has said too little so far"),
        (Forecast(None, "unknown_cell"), "Cannot say when to replace it: it tells volts"),
        (Forecast(None, "external_power"), "Cannot say when to replace it: it runs on external power"),
    ],
)  # fmt: skip
def test_a_battery_is_due_on_a_day_with_its_interval_or_nobody_can_say_and_why(
    forecast: Forecast, said: str
) -> None:
    assert said in batteries.due(to_json(forecast))


def test_a_device_that_has_said_nothing_yet_has_a_page_without_pictures(api: SampleApi) -> None:
    said = said_of("safety-alarm-11", api, days=(), silences=(), battery_days=(), signal_days=(), ledger=(), quarantined=(),
                   marks=(), battery_forecast=None, clock_offset_seconds=None, received_total=0, late_ratio=None)  # fmt: skip
    assert "Placed 2 weeks ago and never heard since." in said
    assert "It has been here for less than a day." in said
    assert "It says nothing of its radio." in said
    assert "None has been stored yet." in said
    assert "Nothing has been entered in the work list." in said


def test_the_gaps_of_a_device_that_speaks_when_something_happens_are_not_told(api: SampleApi) -> None:
    said = said_of("door-sensor-23", api)
    assert "Not told of a device without a steady rhythm" in said
    assert "1 day from" not in said


def test_a_device_behind_a_silent_gateway_says_where_to_look_first(api: SampleApi) -> None:
    found = next(one for one in all_devices() if one.device == "climate-sensor-20")
    said = said_of(found.device, api, behind="gateway 0x00124b0018e2a1b7")
    assert "gateway 0x00124b0018e2a1b7 is silent as a whole. Look there first." in said


def test_the_label_of_a_device_that_stands_nowhere_leads_to_mounting_it(api: SampleApi) -> None:
    api.more["/v1/devices/door-sensor-99/history"] = make_history("door-sensor-99")
    assert "It is registered and stands nowhere yet." in words(opened(DEVICES, device="door-sensor-99"))


def test_a_retired_device_says_since_when_and_why(api: SampleApi) -> None:
    retired = [device for device in make_registered() if device["device"] == "door-sensor-99"]
    retired[0] |= {"retired_at": NOW.isoformat(), "retired_because": "broken"}
    api.more["/v1/registry/devices"] = {"devices": retired}
    api.more["/v1/devices/door-sensor-99/history"] = {"entries": []}
    assert "Out of service since" in words(opened(DEVICES, device="door-sensor-99"))


def test_a_label_that_nobody_knows_says_where_to_look(api: SampleApi) -> None:
    assert "There is no device with this code." in words(opened(DEVICES, device="gone-1"))


def test_every_remedy_and_every_status_has_words_of_its_own() -> None:
    assert all(findings.remedy(code).endswith(".") for code in REMEDY.values())
    assert len({device_status(status) for status in WORST_FIRST}) == len(WORST_FIRST)
    assert tuple(findings.LOOKS) == WORST_FIRST


def test_the_pages_show_what_the_real_api_says(
    embedded_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    here_now = {deps.now: lambda: HOMES_NOW}
    with street(embedded_database, homes("h1-a", "h1-b", "h2-a", "h2-b", "h3-a")) as found:
        for day in range(40, 0, -3):
            found.says("h1-a", day * 1440, battery_pct=20 + day, rssi_dbm=-93)
        found.says("h1-a", 5, 65, 125, battery_pct=9, rssi_dbm=-93)
        found.says("h1-b", 5, battery_pct=80)
        found.says("h2-a", 700)
        found.says("h2-b", 700)
        with serving(embedded_database.conninfo, here_now) as client:
            monkeypatch.setenv("NYTTIG_API_URL", str(client.base_url))
            st.cache_data.clear()
            devices = client.get("/v1/devices").json()["devices"]
            app = opened(DEVICES)
            assert _listed(app) == [device["device"] for device in devices]
            assert "h2** (Bydel Alna): all 2 devices silent" in words(app)
            said = words(opened(DEVICES, device="h1-a")).replace("\\", "")
            assert "**Battery low**" in said
            assert "**Weak signal**" in said
            assert "Replace about" in said
            said = words(opened("views/work.py"))
            assert "<b>Bring:</b> battery for h1-a, repeater" in said
            assert "The whole home" in said
            live.client().close()
    st.cache_data.clear()
    st.cache_resource.clear()
