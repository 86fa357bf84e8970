"""A small HTTP server that answers as Nyttig's API does, for the dashboard's tests."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import sample_trial
from sample_devices import all_devices as all_sample_devices
from sample_devices import (
    make_choices,
    make_devices,
    make_history,
    make_record,
    make_registered,
    make_work,
)
from sample_people import make_board
from sample_report import NOW, TITLES, as_json, make_report, summary

from api.entries import entry_kinds
from nyttig.report import Report


def make_demo_sites() -> list[dict[str, Any]]:
    """One demo apartment with a visitors' day each week and one thing nobody shows."""
    chance = random.Random(5)
    days = [date(2026, 11, 22) - timedelta(days=41 - back) for back in range(42)]
    devices = []
    for technology, liking in (
        ("feeding_robot", 4),
        ("wash_dry_toilet", 2),
        ("light_path", 1),
        ("safety_alarm", 0),
    ):
        shown = [
            chance.randint(0, liking * (5 if day.weekday() == 2 else 1)) if day.weekday() < 5 else 0
            for day in days
        ]
        devices.append(
            {
                "device": f"demo-{technology}",
                "technology": technology,
                "technology_titles": TITLES[technology],
                "status": "silent" if technology == "safety_alarm" else "ok",
                "demonstrations": shown,
                "visitor_uses": [chance.randint(0, count * 2) for count in shown],
            }
        )
    return [
        {
            "site": "odense-lejlighed",
            "unit": "Odense Kommune",
            "timezone": "Europe/Copenhagen",
            "days": [day.isoformat() for day in days],
            "devices": devices,
        }
    ]


def make_health(
    *, running: bool = True, connected: bool = True, age_seconds: float | None = 12.0
) -> dict[str, Any]:
    """The answer to `/v1/health/ready` with one receiver."""
    alive_age = 2.0 if running else 700.0
    last = None if age_seconds is None else (NOW - timedelta(seconds=age_seconds)).isoformat()
    return {
        "status": "ready",
        "reason": None,
        "now": NOW.isoformat(),
        "last_event_at": last,
        "last_commit_at": last,
        "last_commit_age_seconds": age_seconds,
        "ingest": [
            {
                "client_id": "nyttig-ingest",
                "alive_at": (NOW - timedelta(seconds=alive_age)).isoformat(),
                "alive_age_seconds": alive_age,
                "connected": connected,
                "running": running,
            }
        ],
    }


@dataclass
class SampleApi:
    """What the server answers; tests change it while it runs. `problem` answers everything with that status.

    `more` holds further answers by path, those to what is sent by "POST path"; `posted` is what was sent.
    """

    reports: list[Report] = field(default_factory=list)
    devices: dict[str, Any] = field(default_factory=lambda: make_devices([]))
    demo_sites: list[dict[str, Any]] = field(default_factory=list)
    quarantine: list[dict[str, Any]] = field(default_factory=list)
    health: dict[str, Any] = field(default_factory=make_health)
    more: dict[str, Any] = field(default_factory=dict)
    posted: list[tuple[str, Any]] = field(default_factory=list)
    problem: tuple[int, str] | None = None
    url: str = ""

    def answer(self, path: str) -> tuple[int, Any]:
        """Status and body for a path."""
        if self.problem is not None:
            status, detail = self.problem
            return status, {
                "type": "about:blank",
                "title": "Not available",
                "status": status,
                "detail": detail,
            }
        if path.startswith("/v1/trials/") and path.endswith("/report"):
            found = [report for report in self.reports if report.trial.id == path.split("/")[3]]
            return (
                (200, as_json(found[0]))
                if found
                else (404, {"title": "Not found", "status": 404, "detail": path})
            )
        bodies: dict[str, Callable[[], Any]] = {
            "/v1/trials": lambda: {"trials": [summary(report) for report in self.reports]},
            "/v1/devices": lambda: self.devices,
            "/v1/demo-sites": lambda: {"sites": self.demo_sites},
            "/v1/entry-kinds": lambda: json.loads(bytes(entry_kinds().body)),
            "/v1/quarantine": lambda: {"groups": self.quarantine},
        }
        bodies |= {
            f"/v1/demo-sites/{site['site']}": partial(make_board, site["site"]) for site in self.demo_sites
        }
        if path in self.more:
            return 200, self.more[path]
        if path.startswith("/v1/trials/") and path.count("/") > 3:
            trial, _slash, rest = path.removeprefix("/v1/trials/").partition("/")
            told = [sample_trial.answer(report, rest) for report in self.reports if report.trial.id == trial]
            if told and told[0] is not None:
                return 200, told[0]
        if path == "/v1/health/ready":
            return (200 if self.health["status"] == "ready" else 503), self.health
        return (200, bodies[path]()) if path in bodies else (404, {"title": "Not found", "status": 404})

    def accept(self, path: str, content: bytes) -> tuple[int, Any]:
        """Status and body for what is sent to a path."""
        if self.problem is not None or f"POST {path}" not in self.more:
            return self.answer(path)
        self.posted.append((path, json.loads(content)))
        return 200, self.more[f"POST {path}"]


def full() -> SampleApi:
    """An API with a trial of each usage class, devices, a demo apartment and set-aside messages."""
    return SampleApi(
        reports=[
            make_report(
                "alna-medisindispenser",
                "Medisindispenser i hjemmetjenesten",
                "medicine_dispenser",
                "scheduled",
            ),
            make_report(
                "odense-toilet",
                "Vaske-tørre-toilet i eget hjem",
                "wash_dry_toilet",
                "on_demand",
                seed=2,
                homes=14,
            ),
            make_report(
                "trygghetsalarm", "Trygghetsalarm med GPS", "safety_alarm", "standby", seed=3, homes=13
            ),
        ],
        devices=make_devices(),
        demo_sites=make_demo_sites(),
        quarantine=[
            {
                "reason": "unknown_device",
                "dialect": "zigbee2mqtt",
                "messages_total": 41,
                "last_received_at": (NOW - timedelta(hours=3)).isoformat(),
                "example_topic": "zigbee2mqtt/0x00158d0001a2b3c4",
            }
        ],
        more=make_device_answers(),
    )


def make_device_answers() -> dict[str, Any]:
    """What is said of each device by itself, of the work to do, and of the registry."""
    found: dict[str, Any] = {
        "/v1/work": make_work(),
        "POST /v1/work": make_work(),
        "/v1/registry/devices": {"devices": make_registered()},
        "/v1/registry/choices": make_choices(),
    }
    for device in all_sample_devices():
        found[f"/v1/devices/{device.device}"] = make_record(device)
        found[f"/v1/devices/{device.device}/history"] = make_history(device.device)
    return found


@contextmanager
def serving(api: SampleApi) -> Iterator[SampleApi]:
    """The API listens on a free port of this machine while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._say(*api.answer(urlsplit(self.path).path))

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self._say(*api.accept(urlsplit(self.path).path, content))

        def _say(self, status: int, body: Any) -> None:
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header(
                "Content-Type", "application/json" if status == 200 else "application/problem+json"
            )
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_args: Any) -> None:
            """Tests print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    api.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
