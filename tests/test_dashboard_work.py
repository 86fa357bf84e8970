"""The work list sends installers to the right homes, and mounting a device shows it answer and says what is left."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import streamlit as st
from sample_api import SampleApi, make_health
from sample_devices import all_devices, make_answer, make_history, make_registered, make_work, mark
from sample_report import NOW
from showing import opened, shown, words
from streamlit.testing.v1 import AppTest

from dashboard.sections import answering
from nyttig.health.assess import DeviceHealth, overview
from nyttig.health.battery import Forecast

WORK, MOUNT = "views/work.py", "views/commissioning.py"
NEW = "door-sensor-99"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[SampleApi]:
    with shown(monkeypatch) as running:
        yield running


def only(*statuses: str) -> list[DeviceHealth]:
    """The devices with one of these headlines."""
    return [device for device in all_devices() if device.status in statuses]


def press(app: AppTest, label: str, key: str = "") -> AppTest:
    """The button with that label, and that in its key, was pressed."""
    found = next(button for button in app.button if button.label == label and key in (button.key or ""))
    found.click().run()
    assert not app.exception
    return app


# The work list


def test_homes_come_most_urgent_first_with_why_and_what_to_bring(api: SampleApi) -> None:
    app = opened(WORK)
    said = words(app)
    assert "**1 gateway** and **9 homes** to visit, 6 of them now." in said
    assert [header.value for header in app.header] == [
        "Go now · 6 homes", "Go soon · 3 homes", "Nobody need go for this alone · 4 homes",
    ]  # fmt: skip
    order = [
        "Gateway 0x00124b0018e2a1b7",
        "safety-alarm-11",
        "medicine-dispenser-03",
        "climate-sensor-15",
        "climate-sensor-18",
    ]
    assert sorted(order, key=said.index) == order
    assert "<b>Bring:</b> battery for medicine-dispenser-03, Medicine dispenser (spare)" in said
    assert "The whole home" in said
    assert "All 3 devices silent. Look at the gateway first" in said
    assert "light-path-08" not in said


def test_one_home_fills_one_screen(api: SampleApi) -> None:
    said = words(opened(WORK, site="G03"))
    assert "medicine-dispenser-03" in said
    assert "Go now · 3 days" in said
    assert "safety-alarm-11" not in said
    assert "Nothing is to be done in A04." in words(opened(WORK, site="A04"))


def test_an_empty_list_says_that_nobody_needs_to_go_out(api: SampleApi) -> None:
    api.more["/v1/work"] = make_work(overview(only("ok")))
    assert "Nobody needs to go out." in words(opened(WORK))


def test_an_empty_list_promises_nothing_while_nothing_is_recorded(api: SampleApi) -> None:
    api.more["/v1/work"] = make_work(overview(only("ok")))
    api.health = make_health(running=False) | {"status": "not_ready", "reason": "stopped"}
    said = words(opened(WORK))
    assert "Nobody needs to go out" not in said
    assert "Nyttig is not recording now, so nobody can tell" in said


def test_what_can_wait_sends_nobody_out(api: SampleApi) -> None:
    api.more["/v1/work"] = make_work(overview(only("weak_signal")))
    assert "Nobody needs to go out now." in words(opened(WORK))


def test_a_battery_that_is_due_soon_is_named_with_its_interval_where_somebody_goes_anyway(
    api: SampleApi,
) -> None:
    soon = Forecast("trend", None, NOW + timedelta(20), NOW + timedelta(10), NOW + timedelta(40))
    api.more["/v1/work"] = make_work(forecasts={"door-sensor-16": soon})
    said = words(opened(WORK, site="A16"))
    assert "Battery soon low" in said
    assert (
        "Replace about 12 Dec 2026 (between 2 Dec 2026 and 1 Jan 2027), by its own trend. Replace its battery"
        in said
    )
    assert "<b>Bring:</b> battery for door-sensor-16" in said


def test_a_task_is_done_with_a_note_and_can_be_undone(api: SampleApi) -> None:
    app = opened(WORK, site="G03")
    app.checkbox[0].uncheck()
    app.text_area[0].set_value("two new cells")
    done = make_work(
        marks=(mark("medicine-dispenser-03", "battery_low", marked_at=NOW - timedelta(hours=1)),)
    )
    api.more["/v1/work"] = done
    press(app, "Done")
    tasks = [{"subject_kind": "device", "subject": "medicine-dispenser-03", "finding": "battery_low"}]
    assert api.posted == [
        ("/v1/work", {"tasks": tasks, "action": "done", "postponed_until": None, "note": "two new cells"})
    ]
    said = words(app).replace("\\", "")
    assert "G03: entered as done." in said
    assert "Battery low: done – two new cells" in said
    press(app, "Undo")
    (_path, sent) = api.posted[-1]
    assert (sent["tasks"], sent["action"]) == (tasks, "postponed")
    assert datetime.fromisoformat(sent["postponed_until"]) < NOW
    assert "It is on the list again." in words(app)


def test_a_home_can_be_put_off_until_a_morning(api: SampleApi) -> None:
    app = opened(WORK, site="G03")
    day = app.date_input[0].value
    press(app, "Put it off")
    (_path, sent) = api.posted[0]
    until = datetime.fromisoformat(sent["postponed_until"])
    assert (sent["action"], len(sent["tasks"]), until.date(), until.hour) == ("postponed", 2, day, 6)
    assert "put off until" in words(app)


def test_a_mark_about_nothing_is_not_sent(api: SampleApi) -> None:
    app = opened(WORK, site="G03")
    for box in app.checkbox:
        box.uncheck()
    press(app, "Done")
    assert not api.posted
    assert "Not entered: tick what it is about first." in words(app)


# Mounting a device


@pytest.fixture
def hallway(api: SampleApi, monkeypatch: pytest.MonkeyPatch) -> SampleApi:
    """An API for somebody who stands before a new door sensor, and a clock that stands still."""
    api.more[f"/v1/devices/{NEW}/answers"] = make_answer(NEW, answered=False)
    api.more[f"/v1/devices/{NEW}/history"] = make_history(NEW)
    placed = next(device for device in make_registered() if device["device"] == NEW)
    api.more[f"POST /v1/devices/{NEW}/placements"] = placed | {"home": "A04", "placements": []}
    monkeypatch.setattr(answering, "monotonic", lambda: 1000.0)
    return api


def listening(**address: str) -> AppTest:
    """The page, with the new sensor chosen for home A04, listening."""
    return press(opened(MOUNT, **({"site": "A04", "device": NEW} | address)), "Listen now")


def test_the_steps_lead_from_home_to_device_to_listening(hallway: SampleApi) -> None:
    app = opened(MOUNT)
    assert [box.label for box in app.selectbox if box.label[0].isdigit()] == ["1. Home"]
    next(box for box in app.selectbox if box.label == "1. Home").set_value("A04").run()
    device = next(box for box in app.selectbox if box.label == "2. Device")
    assert device.options[1:] == [
        "medicine-dispenser-04 · Medicine dispenser · A04", f"{NEW} · Door sensor · not placed anywhere",
    ]  # fmt: skip
    device.set_value(NEW).run()
    said = words(app)
    assert "3. Make it speak**: open the door and close it again." in said
    assert "finishing enters it at A04" in said
    press(app, "Listen now")
    assert "Now open the door and close it again." in words(app)
    assert not hallway.posted


def test_a_device_that_answers_is_finished_with_who_when_and_what_is_left(hallway: SampleApi) -> None:
    app = listening()
    hallway.more[f"/v1/devices/{NEW}/answers"] = make_answer(NEW, signal="poor", battery_pct=96.0)
    app.run()
    said = words(app)
    assert "**It answers.** 2 messages so far." in said
    assert "poor" in said
    assert "96%" in said
    press(app, "Finish")
    assert hallway.posted == [
        (f"/v1/devices/{NEW}/placements", {"home": "A04", "placed_at": NOW.isoformat()})
    ]
    said = words(app).replace("\\", "")
    assert f"**{NEW}** stands at A04. Entered by installer, 22 Nov 2026, 08:15." in said
    assert "Signal poor: move it or the gateway nearer, or bring a repeater." in said
    assert "It belongs to no trial" in said
    assert "It should be heard again within 1 hour." in said


@pytest.mark.parametrize("waited", [29.0, 31.0, 601.0])
def test_whoever_waits_in_vain_is_told_what_to_try(
    hallway: SampleApi, monkeypatch: pytest.MonkeyPatch, waited: float
) -> None:
    app = listening()
    monkeypatch.setattr(answering, "monotonic", lambda: 1000.0 + waited)
    said = words(app.run()).replace("\\", "")
    assert ("Try this" in said) == (waited == 31.0)
    assert ("Is its battery in" in said) == (waited == 31.0)
    assert ("Another device in this home was heard 12 minutes ago" in said) == (waited == 31.0)
    assert ("as Zigbee2MQTT under zigbee2mqtt/door-99" in said) == (waited == 31.0)
    assert ("Listening has ended" in said) == (waited == 601.0)


def test_a_device_can_be_finished_without_an_answer_and_that_is_said(hallway: SampleApi) -> None:
    said = words(press(listening(), "Finish without an answer"))
    assert "It has not answered." in said


def test_a_refusal_is_said_and_the_listening_goes_on(hallway: SampleApi) -> None:
    app = listening()
    del hallway.more[f"POST /v1/devices/{NEW}/placements"]
    said = words(press(app, "Finish without an answer"))
    assert "Not entered:" in said
    assert "Listening to" in said


def test_a_mended_device_is_done_on_the_work_list(hallway: SampleApi) -> None:
    code = "medicine-dispenser-03"
    hallway.more[f"/v1/devices/{code}/answers"] = make_answer(code)
    app = press(opened(MOUNT, device=code), "Listen now")
    assert "Finishing also marks as done: silent." in words(app)
    press(app, "Finish")
    ((path, sent),) = hallway.posted
    assert (path, sent["action"], [task["finding"] for task in sent["tasks"]]) == (
        "/v1/work",
        "done",
        ["silent"],
    )
    assert "1 task of the work list is done." in words(app)


def test_a_device_that_stands_elsewhere_is_moved_and_said_before(hallway: SampleApi) -> None:
    code = "medicine-dispenser-04"
    hallway.more[f"/v1/devices/{code}/answers"] = make_answer(code)
    moved: dict[str, Any] = make_registered()[0]
    hallway.more[f"POST /v1/devices/{code}/move"] = moved
    app = opened(MOUNT, site="A06", device=code)
    assert "The registry has it at A04. Finishing moves it to A06." in words(app)
    press(press(app, "Listen now"), "Finish")
    assert hallway.posted == [(f"/v1/devices/{code}/move", {"home": "A06", "at": NOW.isoformat()})]
    st.cache_data.clear()
