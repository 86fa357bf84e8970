"""Simulated homes on a real broker: all of history arrives, live goes on from it, and nothing is said anew."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import Mosquitto
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from simulated import BEGINS, Said, identity, read, trial_of

from nyttig.embedded.broker import EmbeddedBroker
from nyttig.errors import BrokerUnavailableError, SettingsError
from nyttig.settings import Settings
from simulators.run import run
from simulators.scenario import Publication, simulate

NOW = BEGINS + timedelta(days=30, hours=11)
PACKAGE = trial_of("medicine_dispenser", "stove_guard", homes=2)


@contextmanager
def listening(broker: Mosquitto | EmbeddedBroker) -> Iterator[list[Publication]]:
    """A list that fills with what the broker hands on, in order."""
    heard: list[Publication] = []
    ready = threading.Event()
    client = Client(CallbackAPIVersion.VERSION2, client_id="listener")

    def subscribed(*_: Any) -> None:
        ready.set()

    def received(_client: Client, _userdata: Any, message: MQTTMessage) -> None:
        heard.append(Publication(datetime.now(UTC), message.topic, bytes(message.payload), message.retain))

    client.on_subscribe = subscribed
    client.on_message = received
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    client.subscribe("wt/v1/#", qos=1)
    assert ready.wait(10)
    try:
        yield heard
    finally:
        client.disconnect()
        client.loop_stop()


def wait_for(heard: list[Publication], count: int) -> None:
    """That many messages have been heard."""
    deadline = time.monotonic() + 60
    while len(heard) < count:
        assert time.monotonic() < deadline, f"{len(heard)} of {count} messages arrived"
        time.sleep(0.02)


def expected(until: datetime = NOW) -> list[Said]:
    return read(simulate(PACKAGE, seed=1, municipality=None, begins=BEGINS, ends=until))


def counted(said: list[Said]) -> Counter[str]:
    return Counter(f"{each.device} {each.channel} {json.dumps(each.body)}" for each in said)


class Clock:
    """A clock that stands at a moment of the simulation when made, and runs on at its own pace."""

    def __init__(self, at: datetime, pace: float = 1.0) -> None:
        self._at, self._pace, self._started = at, pace, time.monotonic()

    def __call__(self) -> datetime:
        return self._at + timedelta(seconds=self._pace * (time.monotonic() - self._started))


def test_all_of_history_reaches_a_broker_packed(broker: Mosquitto | EmbeddedBroker, tmp_path: Path) -> None:
    days: list[tuple[int, int]] = []
    with listening(broker) as heard:
        sent = run(
            [PACKAGE],
            Settings(mqtt_url=broker.url),
            seed=1,
            history_from=BEGINS,
            until=NOW,
            truth=tmp_path / "truth.jsonl",
            progress=lambda done, of: days.append((done, of)),
        )
        wait_for(heard, sent)
    assert counted(read(heard)) == counted(expected())
    assert sent < len(expected()) / 5
    assert days == sorted(days)
    assert days[-1] == (30, 30)
    lines = (tmp_path / "truth.jsonl").read_text().splitlines()
    assert len(lines) == 31 * 4
    assert any(json.loads(line)["uses"] for line in lines)


def test_the_next_run_goes_on_where_the_last_one_was_acknowledged(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    resume_file = tmp_path / "state" / "resume.json"
    settings = Settings(mqtt_url=mosquitto.url)
    halfway = BEGINS + timedelta(days=12, hours=9, minutes=17)
    with listening(mosquitto) as heard:
        first = run([PACKAGE], settings, seed=1, history_from=BEGINS, until=halfway, resume_file=resume_file)
        second = run([PACKAGE], settings, seed=1, history_from=halfway, until=NOW, resume_file=resume_file)
        third = run([PACKAGE], settings, seed=1, history_from=NOW, until=NOW, resume_file=resume_file)
        wait_for(heard, first + second + third)
    said = [each for each in read(heard) if each.channel != "state"]
    wanted = {identity(each): each.body for each in expected() if each.channel != "state"}
    assert {identity(each): each.body for each in said} == wanted
    assert third <= 2, "what was acknowledged is not sent again, except for the last moment"


def test_a_run_that_was_stopped_amid_history_leaves_nothing_out(mosquitto: Mosquitto, tmp_path: Path) -> None:
    resume_file = tmp_path / "resume.json"
    settings = Settings(mqtt_url=mosquitto.url)
    stop = threading.Event()

    def at_day_ten(done: int, _of: int) -> None:
        if done >= 10:
            stop.set()

    with listening(mosquitto) as heard:
        first = run(
            [PACKAGE],
            settings,
            seed=1,
            history_from=BEGINS,
            until=NOW,
            resume_file=resume_file,
            progress=at_day_ten,
            stop=stop,
        )
        wait_for(heard, first)
        assert 0 < len(read(heard)) < len(expected()) / 2
        second = run([PACKAGE], settings, seed=1, until=NOW, resume_file=resume_file)
        wait_for(heard, first + second)
    said = {identity(each) for each in read(heard) if each.channel != "state"}
    assert said == {identity(each) for each in expected() if each.channel != "state"}


def test_a_trial_that_joins_later_gets_its_whole_history(mosquitto: Mosquitto, tmp_path: Path) -> None:
    resume_file = tmp_path / "resume.json"
    settings = Settings(mqtt_url=mosquitto.url)
    new = trial_of("robot_vacuum", homes=1)
    new = replace(new, trial=replace(new.trial, id="new"))
    run([PACKAGE], settings, seed=1, history_from=BEGINS, until=NOW, resume_file=resume_file)
    with listening(mosquitto) as heard:
        heard_before = len(heard)
        sent = run([PACKAGE, new], settings, seed=1, history_from=BEGINS, until=NOW, resume_file=resume_file)
        wait_for(heard, heard_before + sent)
    devices = Counter(each.device for each in read(heard) if each.channel == "health")
    assert devices["robot_vacuum-h0"] > 600
    assert sum(devices.values()) - devices["robot_vacuum-h0"] <= 2


def test_live_each_message_comes_at_its_time(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """On a clock that makes an hour of every second."""
    clock = Clock(NOW, pace=3600)
    resume_file = tmp_path / "resume.json"
    ends = NOW + timedelta(hours=5)
    with listening(mosquitto) as heard:
        sent = run(
            [PACKAGE],
            Settings(mqtt_url=mosquitto.url),
            seed=1,
            history_from=NOW - timedelta(hours=2),
            now=clock,
            live=True,
            until=ends,
            resume_file=resume_file,
        )
        assert clock() > ends - timedelta(hours=1.5)
        wait_for(heard, sent)
    live = [each for each in read(heard) if each.time >= NOW and each.channel != "state"]
    wanted = [each for each in expected(ends) if each.time >= NOW and each.channel != "state"]
    assert [identity(each) for each in live] == [identity(each) for each in wanted]
    assert len(live) > 10
    acknowledged = json.loads(resume_file.read_text())["trials"]["t"]["acknowledged_until"]
    assert datetime.fromisoformat(acknowledged) > ends - timedelta(hours=1.5)


def test_history_can_be_played_faster_than_it_was(mosquitto: Mosquitto) -> None:
    begins = NOW - timedelta(hours=4)
    started = time.monotonic()
    with listening(mosquitto) as heard:
        sent = run(
            [PACKAGE],
            Settings(mqtt_url=mosquitto.url),
            seed=1,
            history_from=begins,
            until=NOW,
            speed=4 * 3600,
        )
        wait_for(heard, sent)
    assert 0.5 < time.monotonic() - started < 10
    assert sent == len(read(heard)) > 10


def test_sigterm_ends_a_live_run_cleanly_and_keeps_what_was_reached(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    resume_file = tmp_path / "resume.json"
    threading.Timer(1.5, os.kill, (os.getpid(), signal.SIGTERM)).start()
    started = time.monotonic()
    before = signal.getsignal(signal.SIGTERM)
    run(
        [PACKAGE],
        Settings(mqtt_url=mosquitto.url),
        seed=1,
        history_from=NOW - timedelta(days=1),
        now=Clock(NOW),
        live=True,
        resume_file=resume_file,
    )
    assert time.monotonic() - started < 10
    assert signal.getsignal(signal.SIGTERM) is before
    reached = json.loads(resume_file.read_text())["trials"]["t"]["acknowledged_until"]
    assert NOW <= datetime.fromisoformat(reached) < NOW + timedelta(minutes=1)


def test_a_lively_demo_apartment_shows_that_it_is_there_and_no_more(mosquitto: Mosquitto) -> None:
    package = trial_of("stove_guard", "light_path", homes=1, site_type="demo")
    at = datetime(2026, 9, 12, 20, 0, tzinfo=UTC)  # a Saturday evening: nobody is there
    with listening(mosquitto) as heard:
        sent = run(
            [package],
            Settings(mqtt_url=mosquitto.url),
            seed=1,
            history_from=at,
            now=Clock(at),
            live=True,
            until=at + timedelta(minutes=30),
            liveliness_seconds=0.2,
            stop=_stop_after(1.5),
        )
        wait_for(heard, sent)
    pulses = [each for each in read(heard) if each.channel == "state"]
    assert {each.device for each in pulses} == {"stove_guard-h0", "light_path-h0"}
    assert 4 <= len(pulses) <= 10
    assert {each.body["state"] for each in pulses} == {"online"}
    assert not [each for each in read(heard) if each.channel == "event"]


def _stop_after(seconds: float) -> threading.Event:
    stop = threading.Event()
    threading.Timer(seconds, stop.set).start()
    return stop


def test_a_device_of_two_trials_speaks_once(mosquitto: Mosquitto) -> None:
    twin = replace(PACKAGE, trial=replace(PACKAGE.trial, id="twin"))
    with listening(mosquitto) as heard:
        sent = run([PACKAGE, twin], Settings(mqtt_url=mosquitto.url), seed=1, history_from=BEGINS, until=NOW)
        wait_for(heard, sent)
    assert counted(read(heard)) == counted(expected())


def test_a_resume_file_of_another_seed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "resume.json"
    path.write_text('{"seed": 3, "trials": {}}')
    with pytest.raises(SettingsError, match=r"resume\.json: belongs to seed 3, not 4; use the seed"):
        run([PACKAGE], Settings(), seed=4, history_from=BEGINS, until=NOW, resume_file=path)
    path.write_text("{")
    with pytest.raises(SettingsError, match="remove it"):
        run([PACKAGE], Settings(), seed=4, history_from=BEGINS, until=NOW, resume_file=path)


def test_without_a_broker_the_error_names_it(unused_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulators.publish.FIRST_RETRY_SECONDS", 20)  # gives up at once
    settings = Settings(mqtt_url=f"mqtt://127.0.0.1:{unused_port}")
    with pytest.raises(BrokerUnavailableError, match=str(unused_port)):
        run([PACKAGE], settings, seed=1, history_from=BEGINS, until=NOW)
