"""Notices reach a real mail server and a real webhook: urgent ones at once, the rest once a day, none of them twice."""

from __future__ import annotations

import email
import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from conftest import Database, free_port
from homes import NOW, Street, homes, street

from nyttig.device_record import open_work
from nyttig.errors import SettingsError
from nyttig.notify import Email, NotSentError, Schedule, Webhook, channels, run, tell
from nyttig.settings import Settings
from nyttig.store import db, work

PAGE = "https://nyttig.example.no"
OSLO = ZoneInfo("Europe/Oslo")
NIGHT = Schedule(23, OSLO, timedelta(hours=72))  # no digest at NOW, which is 13 o'clock in Oslo
MORNING = Schedule(7, OSLO, timedelta(hours=72))


@dataclass
class Inbox:
    """What a webhook or a mail server took. `refuses` makes it answer with an error."""

    address: str = ""
    port: int = 0
    taken: list[Any] = field(default_factory=list)
    refuses: bool = False
    logins: list[tuple[bytes, bytes, bool]] = field(default_factory=list)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        if self.refuses:
            return "451 try again later"
        assert isinstance(envelope.content, bytes)
        self.taken.append(email.message_from_bytes(envelope.content))
        return "250 OK"


@contextmanager
def listening() -> Iterator[Inbox]:
    """A webhook on a free port."""
    inbox = Inbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if not inbox.refuses:
                inbox.taken.append(json.loads(body))
            self.send_response(503 if inbox.refuses else 204)
            self.end_headers()

        def log_message(self, *_args: Any) -> None:
            """Tests print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    inbox.address = f"http://127.0.0.1:{server.server_address[1]}/hook/secret-token"
    try:
        yield inbox
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def mail_server(**options: Any) -> Iterator[Inbox]:
    """A mail server on a free port."""
    inbox = Inbox(port=free_port())

    def login(_server: SMTP, session: Session, _envelope: Envelope, _mechanism: str, told: Any) -> AuthResult:
        assert isinstance(told, LoginPassword)
        inbox.logins.append((told.login, told.password, session.ssl is not None))
        return AuthResult(success=told.password == b"p@ss", handled=False)

    controller = Controller(inbox, hostname="127.0.0.1", port=inbox.port, authenticator=login, **options)
    controller.start()
    try:
        yield inbox
    finally:
        controller.stop()


def mail_to(inbox: Inbox, **more: Any) -> Email:
    return Email(**({"host": "127.0.0.1", "port": inbox.port, "tls": False, "username": None, "password": None,
                     "sender": "nyttig@example.no", "recipients": ("a@example.no", "b@example.no")} | more))  # fmt: skip


@pytest.fixture
def here(embedded_database: Database) -> Iterator[Street]:
    """Home h1 with a silent device, a low battery and one that is well; h2 with a low battery."""
    with street(embedded_database, homes("h1-a", "h1-b", "h1-c", "h2-a")) as found:
        found.says("h1-a", 500, battery_pct=80)
        for device, pct in (("h1-b", 9), ("h1-c", 80), ("h2-a", 8)):
            found.says(device, 5, battery_pct=pct)
        yield found


def test_what_is_urgent_is_told_at_once_by_home_and_never_twice(here: Street) -> None:
    with listening() as inbox:
        hook = Webhook(inbox.address)
        (notice,) = tell(here.connection, hook, NIGHT, NOW, PAGE)
        assert tell(here.connection, hook, NIGHT, NOW, PAGE) == []
    (told,) = inbox.taken
    assert told["kind"] == notice.kind == "urgent"
    assert [(home["home"], [task["subject"] for task in home["tasks"]]) for home in told["homes"]] == [
        ("h1", ["h1-a"])
    ]
    assert "h1-a (climate_sensor) silent: last heard 8 h ago" in told["text"]
    assert f"{PAGE}/devices" in told["text"]


def test_a_restart_and_a_second_notifier_tell_nothing_again(here: Street) -> None:
    with listening() as inbox, db.connect(here.database.conninfo) as other:
        hook = Webhook(inbox.address)
        assert work.take_turn(other)  # another one is sending right now
        assert tell(here.connection, hook, NIGHT, NOW, PAGE) == []
        other.rollback()
        assert len(tell(here.connection, hook, NIGHT, NOW, PAGE)) == 1
        assert tell(other, Webhook(inbox.address), NIGHT, NOW, PAGE) == []
    assert len(inbox.taken) == 1


def test_what_is_still_urgent_is_told_again_only_after_the_set_time(here: Street) -> None:
    with listening() as inbox:
        hook = Webhook(inbox.address)
        for hours in (0, 71, 73):
            later = NOW + timedelta(hours=hours)
            here.beat(later)
            here.says("h1-c", -60 * hours + 1, battery_pct=80)
            tell(here.connection, hook, Schedule(23, ZoneInfo("Etc/GMT+9"), NIGHT.repeat_after), later, PAGE)
    said = [[task["subject"] for home in told["homes"] for task in home["tasks"]] for told in inbox.taken]
    assert [names.count("h1-a") for names in said] == [1, 0, 1]


def test_the_digest_goes_out_once_a_day_from_its_hour_on(here: Street) -> None:
    with listening() as inbox:
        hook = Webhook(inbox.address)
        (urgent,) = tell(here.connection, hook, Schedule(14, OSLO, timedelta(days=3)), NOW, PAGE)
        (digest,) = tell(here.connection, hook, MORNING, NOW, PAGE)
        assert (urgent.kind, digest.kind) == ("urgent", "digest")
        assert tell(here.connection, hook, MORNING, NOW + timedelta(hours=1), PAGE) == []
    assert [home["home"] for home in inbox.taken[1]["homes"]] == ["h1", "h2"]


def test_a_gateway_is_one_line_however_many_devices_stand_behind_it(here: Street) -> None:
    here.says("h2-a", -1)
    later = NOW + timedelta(hours=8)
    here.beat(later)
    here.behind("gw", "h1-b", "h1-c", "h2-a")
    with listening() as inbox:
        tell(here.connection, Webhook(inbox.address), NIGHT, later, PAGE)
    (told,) = inbox.taken
    assert [(task["subject"], task["homes"]) for task in told["gateways"]] == [("nyttig gw", ["h1", "h2"])]
    assert "h2" not in [home["home"] for home in told["homes"]]


def test_a_mail_holds_what_the_webhook_gets_and_nothing_that_an_installer_wrote(here: Street) -> None:
    here.connection.execute(
        "INSERT INTO work_marks (subject_kind, subject, finding, action, note, marked_by, marked_at)"
        " VALUES ('device', 'h1-b', 'battery_low', 'done', 'fru Hansen var ikke hjemme', 'per', %s)",
        (NOW - timedelta(days=9),),
    )
    with mail_server() as inbox:
        (urgent, digest) = tell(here.connection, mail_to(inbox), MORNING, NOW, PAGE)
    assert [mail["Subject"] for mail in inbox.taken] == [urgent.headline, digest.headline]
    assert inbox.taken[0]["To"] == "a@example.no, b@example.no"
    text = inbox.taken[1].get_payload(decode=True).decode()
    assert "h1-b (climate_sensor) battery low: battery 9 %" in text
    assert "bring battery for h1-a" in text
    assert "Hansen" not in text
    assert "per" not in text.split()


def test_a_notice_that_could_not_be_sent_is_not_told_and_comes_again(here: Street) -> None:
    with mail_server() as inbox:
        inbox.refuses = True
        with pytest.raises(NotSentError, match="451 try again later"):
            tell(here.connection, mail_to(inbox), NIGHT, NOW, PAGE)
        inbox.refuses = False
        assert len(tell(here.connection, mail_to(inbox), NIGHT, NOW, PAGE)) == 1
    assert len(inbox.taken) == 1


def test_an_address_that_is_a_secret_stays_out_of_what_went_wrong(here: Street) -> None:
    with listening() as inbox:
        inbox.refuses = True
        with pytest.raises(NotSentError) as refused:
            tell(here.connection, Webhook(inbox.address), NIGHT, NOW, PAGE)
    with pytest.raises(NotSentError) as gone:
        tell(here.connection, Webhook(inbox.address), NIGHT, NOW, PAGE)
    assert "503" in str(refused.value)
    for error in (refused.value, gone.value):
        assert "secret-token" not in str(error)


def test_a_password_goes_out_only_under_tls(
    here: Street, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = {"username": "nyttig", "password": "p@ss"}
    with mail_server(auth_require_tls=False) as inbox:
        with pytest.raises(NotSentError, match="no STARTTLS"):
            tell(here.connection, mail_to(inbox, **login), NIGHT, NOW, PAGE)
        assert inbox.logins == []
    context = certified(tmp_path, monkeypatch)
    with mail_server(tls_context=context, require_starttls=True) as inbox:
        with pytest.raises(NotSentError, match="535"):
            tell(here.connection, mail_to(inbox, **login | {"password": "wrong"}), NIGHT, NOW, PAGE)
        assert len(tell(here.connection, mail_to(inbox, **login), NIGHT, NOW, PAGE)) == 1
    assert inbox.logins[-1] == (b"nyttig", b"p@ss", True)


def certified(folder: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A mail server's TLS, whose certificate this process trusts."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "30",
         "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context


def test_run_once_tells_what_is_due_now_and_says_whether_all_went_out(here: Street) -> None:
    with listening() as inbox:
        settings = Settings(notify_webhook=inbox.address)
        inbox.refuses = True
        assert run(settings, threading.Event(), once=True, conninfo=here.database.conninfo) is False
        inbox.refuses = False
        assert run(settings, threading.Event(), once=True, conninfo=here.database.conninfo) is True
    assert all(told["kind"] in ("urgent", "digest") for told in inbox.taken)


def test_nothing_is_said_when_nobody_needs_to_go_out(embedded_database: Database) -> None:
    with street(embedded_database, homes("h1-a")) as well, listening() as inbox:
        well.says("h1-a", 5, battery_pct=80)
        assert open_work(well.connection, NOW).visits == ()
        assert tell(well.connection, Webhook(inbox.address), MORNING, NOW, PAGE) == []
    assert inbox.taken == []


@pytest.mark.parametrize(
    ("told", "variable"),
    [
        ({}, "NYTTIG_NOTIFY_WEBHOOK"),
        ({"NYTTIG_NOTIFY_WEBHOOK": "chat"}, "NYTTIG_NOTIFY_WEBHOOK"),
        ({"NYTTIG_NOTIFY_EMAIL_TO": "a@b.no"}, "NYTTIG_NOTIFY_SMTP_URL"),
        ({"NYTTIG_NOTIFY_EMAIL_TO": "a@b.no", "NYTTIG_NOTIFY_EMAIL_FROM": "c@b.no", "NYTTIG_NOTIFY_SMTP_URL": "mail.b.no"},
         "NYTTIG_NOTIFY_SMTP_URL"),
        ({"NYTTIG_NOTIFY_WEBHOOK": "https://b.no", "NYTTIG_NOTIFY_DIGEST_HOUR": "24"}, "NYTTIG_NOTIFY_DIGEST_HOUR"),
        ({"NYTTIG_NOTIFY_WEBHOOK": "https://b.no", "NYTTIG_NOTIFY_REPEAT_HOURS": "0"}, "NYTTIG_NOTIFY_REPEAT_HOURS"),
        ({"NYTTIG_NOTIFY_WEBHOOK": "https://b.no", "NYTTIG_NOTIFY_TIMEZONE": "Oslo"}, "NYTTIG_NOTIFY_TIMEZONE"),
    ],
)  # fmt: skip
def test_settings_that_make_no_sense_are_named(told: dict[str, str], variable: str) -> None:
    settings = Settings.from_environment(told)
    with pytest.raises(SettingsError, match=variable):
        run(settings, threading.Event(), once=True)


def test_secrets_are_masked() -> None:
    settings = Settings.from_environment(
        {
            "NYTTIG_NOTIFY_WEBHOOK": "https://hooks.example.no/services/T0/secret",
            "NYTTIG_NOTIFY_SMTP_URL": "smtp://nyttig:p%40ss@mail.example.no:587",
            "NYTTIG_NOTIFY_EMAIL_FROM": "nyttig@example.no",
            "NYTTIG_NOTIFY_EMAIL_TO": "a@example.no",
        }
    )
    told = dict(settings.described())
    assert told["NYTTIG_NOTIFY_WEBHOOK"] == "https://hooks.example.no/****"
    assert told["NYTTIG_NOTIFY_SMTP_URL"] == "smtp://nyttig:****@mail.example.no:587"
    mail = channels(settings)[1]
    assert isinstance(mail, Email)
    assert (mail.password, mail.port) == ("p@ss", 587)
    assert "p@ss" not in repr(mail)
