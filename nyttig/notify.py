"""Notices: what needs a visit now, at once, and what there is to do, once a day; by webhook and by e-mail.

They name homes and devices by code and hold nothing that anybody wrote or did. What was told stands in the database, so
that neither a restart nor a second notifier tells it again.
"""

from __future__ import annotations

import logging
import smtplib
import ssl
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

import httpx

from nyttig.device_record import open_work
from nyttig.errors import NyttigError, SettingsError, StoreUnavailableError
from nyttig.health import words
from nyttig.health.visits import Task, WorkList
from nyttig.settings import Settings
from nyttig.store import db, migrate, work
from nyttig.store.db import Session

LOOK_EVERY_SECONDS = 60.0
SEND_SECONDS_MAX = 20.0
FIRST_RETRY, LAST_RETRY = timedelta(minutes=1), timedelta(hours=1)
DIGEST = "digest"

log = logging.getLogger("nyttig.notify")

Key = tuple[str, str]
"""What was told: a subject and its finding."""


class NotSentError(NyttigError):
    """A notice could not be sent; it is tried again."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One message to a channel, and what it tells."""

    kind: str
    headline: str
    text: str
    content: dict[str, Any]
    told: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Schedule:
    """When the digest goes out, in which zone's hours, and for how long nothing is told twice."""

    digest_hour: int
    zone: ZoneInfo
    repeat_after: timedelta


class Channel(Protocol):
    """Where notices go."""

    @property
    def name(self) -> str:
        """What it is called in the database and in the log."""
        ...

    def send(self, notice: Notice) -> None:
        """The notice is on its way. Raises NotSentError."""
        ...


@dataclass(frozen=True, slots=True)
class Webhook:
    """A POST of JSON; its `text` is what chat programs show."""

    url: str
    name: str = "webhook"

    def send(self, notice: Notice) -> None:
        """The other side has answered that it took the notice. Raises NotSentError."""
        try:
            httpx.post(self.url, json=notice.content, timeout=SEND_SECONDS_MAX).raise_for_status()
        except httpx.HTTPStatusError as error:
            raise NotSentError(
                f"the webhook at {urlsplit(self.url).hostname} answers {error.response.status_code}; check NYTTIG_NOTIFY_WEBHOOK"
            ) from None  # its text would show the whole address
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NotSentError(
                f"the webhook at {urlsplit(self.url).hostname} cannot be reached ({type(error).__name__}); it is tried again"
            ) from None


@dataclass(frozen=True, slots=True)
class Email:
    """Mail through a server: with STARTTLS where it offers that, or TLS from the start, and never a password without."""

    host: str
    port: int
    tls: bool
    username: str | None
    password: str | None = field(repr=False)
    sender: str = ""
    recipients: tuple[str, ...] = ()
    name: str = "email"

    def send(self, notice: Notice) -> None:
        """The server has taken the mail. Raises NotSentError."""
        mail = EmailMessage()
        mail["Subject"], mail["From"], mail["To"] = notice.headline, self.sender, ", ".join(self.recipients)
        mail["Date"], mail["Message-ID"] = format_datetime(datetime.now(UTC)), make_msgid(domain="nyttig")
        mail.set_content(notice.text)
        try:
            with self._connected() as server:
                server.send_message(mail)
        except (OSError, smtplib.SMTPException) as error:
            raise NotSentError(
                f"the mail server {self.host}:{self.port} did not take the mail ({_said(error)}); check NYTTIG_NOTIFY_SMTP_URL"
            ) from error

    def _connected(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self.tls:
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self.host, self.port, timeout=SEND_SECONDS_MAX, context=context
            )
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=SEND_SECONDS_MAX)
        try:
            server.ehlo()
            if not self.tls and server.has_extn("starttls"):
                server.starttls(context=context)
                server.ehlo()
            elif not self.tls and self.username is not None:
                raise smtplib.SMTPNotSupportedError("it offers no STARTTLS, and no password goes out without")
            if self.username is not None:
                server.login(self.username, self.password or "")
        except BaseException:
            server.close()
            raise
        return server


def channels(settings: Settings) -> list[Channel]:
    """Where notices go by these settings. Raises SettingsError naming the variable, its value and the remedy."""
    found: list[Channel] = []
    if settings.notify_webhook:
        if urlsplit(settings.notify_webhook).scheme not in ("http", "https"):
            raise SettingsError("NYTTIG_NOTIFY_WEBHOOK is not the address of a webhook; write https://…")
        found.append(Webhook(settings.notify_webhook))
    if settings.notify_email_to:
        found.append(_email(settings))
    if not found:
        raise SettingsError(
            "there is nobody to tell: set NYTTIG_NOTIFY_WEBHOOK, or NYTTIG_NOTIFY_EMAIL_TO and NYTTIG_NOTIFY_SMTP_URL"
        )
    return found


def schedule(settings: Settings) -> Schedule:
    """When to tell by these settings. Raises SettingsError."""
    hour = _whole("NYTTIG_NOTIFY_DIGEST_HOUR", settings.notify_digest_hour, 0, 23)
    hours = _whole("NYTTIG_NOTIFY_REPEAT_HOURS", settings.notify_repeat_hours, 1, 24 * 365)
    try:
        zone = ZoneInfo(settings.notify_timezone)
    except (ValueError, OSError, LookupError):
        raise SettingsError(
            f"NYTTIG_NOTIFY_TIMEZONE={settings.notify_timezone!r} is no time zone; write for example Europe/Oslo"
        ) from None
    return Schedule(hour, zone, timedelta(hours=hours))


def urgent(found: WorkList, told: set[Key], now: datetime, page: str) -> Notice | None:
    """The urgent tasks that nobody was told of yet, by home; None where there are none."""
    return _notice(
        "urgent", found, lambda task: task.severity == "urgent" and _key(task) not in told, now, page
    )


def digest(found: WorkList, now: datetime, page: str) -> Notice | None:
    """All that there is to do, by home; None where nobody needs to go out."""
    if not found.gateways and all(visit.severity == "watch" for visit in found.visits):
        return None
    return _notice(DIGEST, found, lambda _task: True, now, page)


def tell(connection: Session, channel: Channel, times: Schedule, now: datetime, page: str) -> list[Notice]:
    """The channel knows what is due, and the database that it does; returns what was sent.

    In a transaction of its own, one notifier at a time: what another is sending is not sent. Should we die between
    sending and committing, that one notice comes again. Raises NotSentError and StoreUnavailableError; then nothing of
    what was not sent counts as told.
    """
    sent: list[Notice] = []
    connection.rollback()
    with db.translated():
        if not work.take_turn(connection):
            connection.rollback()
            return sent
        found = open_work(connection, now)
        told = work.told_since(connection, channel.name, now - times.repeat_after)
        today = (DIGEST, now.astimezone(times.zone).date().isoformat())
        due = [urgent(found, told, now, page)]
        digested = work.told_since(connection, channel.name, now - timedelta(days=2))
        if now.astimezone(times.zone).hour >= times.digest_hour and today not in digested:
            due.append(digest(found, now, page))
        try:
            for notice in due:
                if notice is not None:
                    channel.send(notice)
                    # What stands in the digest is told; it need not come at once as well, nor the other way round.
                    work.tell(connection, channel.name, notice.told, now)
                    if notice.kind == DIGEST:
                        work.tell(connection, channel.name, [today], now)
                    sent.append(notice)
        finally:
            connection.commit()
    return sent


def run(settings: Settings, stop: threading.Event, *, once: bool = False, conninfo: str = "") -> bool:
    """Notices go out until `stop` is set, or once; False when one could not be sent.

    A channel that fails is tried again after a minute, then ever later, up to an hour. A database that is away is waited
    for. Raises SettingsError and StaleSchemaError.
    """
    told, times, page = channels(settings), schedule(settings), settings.dashboard()
    retries: dict[str, tuple[datetime, timedelta]] = {}
    well = True
    while not stop.is_set():
        try:
            with db.connect(conninfo) as connection:
                migrate.require_current(connection)
                for channel in told:
                    well = _try(connection, channel, times, page, retries) and well
        except StoreUnavailableError as error:
            if once:
                raise
            log.warning("%s; trying again", error)
        if once:
            break
        stop.wait(LOOK_EVERY_SECONDS)
    return well


def _try(
    connection: Session,
    channel: Channel,
    times: Schedule,
    page: str,
    retries: dict[str, tuple[datetime, timedelta]],
) -> bool:
    now = datetime.now(UTC)
    retry_at, waited = retries.get(channel.name, (now, timedelta()))
    if now < retry_at:
        return True
    try:
        for notice in tell(connection, channel, times, now, page):
            log.info("told %s: %s", channel.name, notice.headline)
    except NotSentError as error:
        wait = min(max(2 * waited, FIRST_RETRY), LAST_RETRY)
        retries[channel.name] = (now + wait, wait)
        log.warning("%s; %s is tried again in %d minutes", error, channel.name, wait // timedelta(minutes=1))
        return False
    retries.pop(channel.name, None)
    return True


def _notice(kind: str, found: WorkList, wanted: Any, now: datetime, page: str) -> Notice | None:
    gateways = [one for one in found.gateways if wanted(one.task)]
    visits = [
        (visit, tasks) for visit in found.visits if (tasks := [task for task in visit.tasks if wanted(task)])
    ]
    if not gateways and not visits:
        return None
    places = [_counted(len(gateways), "gateway")] if gateways else []
    places += [_counted(len(visits), "home")] if visits else []
    verb = "needs" if len(gateways) + len(visits) == 1 else "need"
    headline = f"Nyttig: {' and '.join(places)} {verb} {'somebody now' if kind == 'urgent' else 'a visit'}"
    lines = [f"{words.task(one.task, now)} (homes {', '.join(one.sites)})" for one in gateways]
    for visit, tasks in visits:
        lines += [f"{visit.site} ({visit.unit})", *(f"  - {words.task(task, now)}" for task in tasks)]
        items = tuple(dict.fromkeys(item for task in tasks for item in task.bring))
        if items:
            lines.append(f"  bring {words.bring(items)}")
    told = [one.task for one in gateways] + [task for _, tasks in visits for task in tasks]
    text = "\n".join([headline, "", *lines, "", f"{page}/devices"])
    content = {
        "kind": kind,
        "at": now.isoformat(timespec="seconds"),
        "text": text,
        "page": f"{page}/devices",
        "gateways": [{**_told(one.task, now), "homes": list(one.sites)} for one in gateways],
        "homes": [
            {"home": visit.site, "unit": visit.unit, "tasks": [_told(task, now) for task in tasks]}
            for visit, tasks in visits
        ],
    }
    return Notice(kind, headline, text, content, tuple(_key(task) for task in told))


def _told(task: Task, now: datetime) -> dict[str, Any]:
    return {
        "subject_kind": task.subject_kind,
        "subject": task.subject,
        "technology": task.technology,
        "finding": task.finding,
        "severity": task.severity,
        "since": task.since.isoformat(timespec="seconds"),
        "remedy": task.remedy,
        "text": words.task(task, now),
    }


def _key(task: Task) -> Key:
    return f"{task.subject_kind} {task.subject}", task.finding


def _email(settings: Settings) -> Email:
    try:
        parts = urlsplit(settings.notify_smtp_url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or not settings.notify_email_from:
        raise SettingsError(
            "NYTTIG_NOTIFY_EMAIL_TO needs NYTTIG_NOTIFY_EMAIL_FROM and NYTTIG_NOTIFY_SMTP_URL, a mail server's address:"
            " smtp://user:password@host:587 (with STARTTLS) or smtps://user:password@host:465"
        )
    tls = parts.scheme == "smtps"
    recipients: Sequence[str] = [one.strip() for one in settings.notify_email_to.split(",") if one.strip()]
    user, password = (None if text is None else unquote(text) for text in (parts.username, parts.password))
    return Email(
        parts.hostname,
        port or (465 if tls else 587),
        tls,
        user,
        password,
        settings.notify_email_from,
        tuple(recipients),
    )


def _said(error: Exception) -> str:
    """What a mail server answered, as it answered it."""
    if not isinstance(error, smtplib.SMTPResponseException):
        return str(error)
    text = error.smtp_error
    return f"{error.smtp_code} {text.decode(errors='replace') if isinstance(text, bytes) else text}"


def _whole(variable: str, text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and least <= int(text) <= most):
        raise SettingsError(f"{variable}={text!r} is not a whole number from {least} to {most}")
    return int(text)


def _counted(number: int, one: str) -> str:
    return f"{number} {one}" if number == 1 else f"{number} {one}s"
