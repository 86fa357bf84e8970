"""All settings of one process, read once by the command line and passed down.

PostgreSQL is reached through libpq's own `PG*` variables, which libpq reads itself; ours are `NYTTIG_*`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from urllib.parse import unquote, urlsplit

from nyttig.errors import SettingsError

KEEP_EVENTS_DAYS_MIN = 30

DASHBOARD_URL = "http://127.0.0.1:8501"

PG_VARIABLES = ("PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE", "PGSERVICE", "PGSSLMODE")


@dataclass(frozen=True, slots=True)
class Source:
    """A topic filter to subscribe to and the dialect spoken below it."""

    dialect: str
    topic_filter: str


@dataclass(frozen=True, slots=True)
class Settings:
    """What a process must know about its surroundings. Each field names its environment variable."""

    mqtt_url: str = field(default="mqtt://127.0.0.1:1883", metadata={"env": "NYTTIG_MQTT_URL"})
    mqtt_client_id: str = field(default="nyttig-ingest", metadata={"env": "NYTTIG_MQTT_CLIENT_ID"})
    mqtt_sources: str = field(
        default="nyttig=wt/v1/#,zigbee2mqtt=zigbee2mqtt/#", metadata={"env": "NYTTIG_MQTT_SOURCES"}
    )
    keep_events_days: str = field(default="", metadata={"env": "NYTTIG_KEEP_EVENTS_DAYS"})
    api_url: str = field(default="http://127.0.0.1:8000", metadata={"env": "NYTTIG_API_URL"})
    dashboard_url: str = field(default=DASHBOARD_URL, metadata={"env": "NYTTIG_DASHBOARD_URL"})
    notify_webhook: str = field(default="", metadata={"env": "NYTTIG_NOTIFY_WEBHOOK", "secret": True})
    notify_smtp_url: str = field(default="", metadata={"env": "NYTTIG_NOTIFY_SMTP_URL"})
    notify_email_from: str = field(default="", metadata={"env": "NYTTIG_NOTIFY_EMAIL_FROM"})
    notify_email_to: str = field(default="", metadata={"env": "NYTTIG_NOTIFY_EMAIL_TO"})
    notify_digest_hour: str = field(default="7", metadata={"env": "NYTTIG_NOTIFY_DIGEST_HOUR"})
    notify_timezone: str = field(default="Europe/Oslo", metadata={"env": "NYTTIG_NOTIFY_TIMEZONE"})
    notify_repeat_hours: str = field(default="72", metadata={"env": "NYTTIG_NOTIFY_REPEAT_HOURS"})
    postgres: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """The settings that `environment` describes; an empty variable counts as unset.

        Raises SettingsError naming the variable, its value and the remedy.
        """
        values = {}
        for spec in fields(cls):
            variable = spec.metadata.get("env")
            if variable and environment.get(variable):
                values[spec.name] = environment[variable]
        postgres = {name: environment[name] for name in PG_VARIABLES if environment.get(name)}
        settings = cls(postgres=postgres, **values)
        settings.broker()
        settings.sources()
        settings.keep_events()
        settings.dashboard()
        return settings

    def broker(self) -> Broker:
        """The broker's address, taken apart."""
        return Broker.from_url(self.mqtt_url)

    def dashboard(self) -> str:
        """The address at which people open the dashboard: what QR labels and messages lead to."""
        try:
            parts = urlsplit(self.dashboard_url)
            sound = (
                parts.scheme in ("http", "https") and parts.hostname and not (parts.query or parts.fragment)
            )
        except ValueError:
            sound = False
        if not sound:
            raise SettingsError(
                f"NYTTIG_DASHBOARD_URL={_masked(self.dashboard_url)!r} is not the address of a page; write for example "
                "https://nyttig.example.no"
            )
        return self.dashboard_url.rstrip("/")

    def sources(self) -> tuple[Source, ...]:
        """The topic filters to subscribe to, each with its dialect."""
        sources = []
        for part in self.mqtt_sources.split(","):
            dialect, equals, topic_filter = part.strip().partition("=")
            if not (dialect and equals and topic_filter):
                raise SettingsError(
                    f"NYTTIG_MQTT_SOURCES={self.mqtt_sources!r}: {part!r} is not of the form dialect=topic/filter, "
                    "for example zigbee2mqtt=zigbee2mqtt/#"
                )
            sources.append(Source(dialect, topic_filter))
        return tuple(sources)

    def keep_events(self) -> timedelta | None:
        """How long raw events are kept; None (unset): for ever."""
        if not self.keep_events_days:
            return None
        text = self.keep_events_days
        days = int(text) if text.isascii() and text.isdigit() and len(text) <= 6 else 0
        if days < KEEP_EVENTS_DAYS_MIN:
            raise SettingsError(
                f"NYTTIG_KEEP_EVENTS_DAYS={text!r} is not a number of days from {KEEP_EVENTS_DAYS_MIN} up, "
                "the time in which late data is still waited for; leave it out to keep everything"
            )
        return timedelta(days=days)

    def described(self) -> list[tuple[str, str]]:
        """Every variable with its value in force, secrets masked, for `nyttig settings`."""
        ours = {f.metadata["env"]: getattr(self, f.name) for f in fields(self) if f.metadata.get("env")}
        for spec in fields(self):
            if spec.metadata.get("secret") and ours[spec.metadata["env"]]:
                ours[spec.metadata["env"]] = _place_of(ours[spec.metadata["env"]])
        libpq = dict.fromkeys(PG_VARIABLES, "(libpq's default)") | dict(self.postgres)
        if "PGPASSWORD" in self.postgres:
            libpq["PGPASSWORD"] = "****"
        return [(name, _masked(value)) for name, value in (ours | libpq).items()]


@dataclass(frozen=True, slots=True)
class Broker:
    """Where an MQTT broker listens and how to log in."""

    host: str
    port: int
    tls: bool
    username: str | None
    password: str | None

    @classmethod
    def from_url(cls, url: str) -> Broker:
        """The broker that an `mqtt://` or `mqtts://` address names; user and password may be percent-encoded.

        Raises SettingsError, which never shows the password.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise _no_broker(url) from None  # its text would show the password
        if (
            parts.scheme not in ("mqtt", "mqtts")
            or not host
            or parts.path.strip("/")
            or parts.query
            or parts.fragment
        ):
            raise _no_broker(url)
        tls = parts.scheme == "mqtts"
        user, password = (
            None if text is None else unquote(text) for text in (parts.username, parts.password)
        )
        return cls(host, port or (8883 if tls else 1883), tls, user, password)


def _no_broker(url: str) -> SettingsError:
    return SettingsError(
        f"NYTTIG_MQTT_URL={_masked(url)!r} is not a broker's address; write mqtt://user:password@host:1883 or "
        "mqtts://host:8883, and / ? # in a password as %2F %3F %23"
    )


def _masked(value: str) -> str:
    """`value` without the password that an address may hold before its last @."""
    login, at, rest = value.rpartition("@")
    parts = re.fullmatch(r"((?:mqtt|http|smtp)s?://)?([^:]*)(:.*)?", login, re.DOTALL) if at else None
    return value if parts is None else f"{parts[1] or ''}{parts[2]}{':****' if parts[3] else ''}@{rest}"


def _place_of(url: str) -> str:
    """The scheme and host of an address whose path is itself a secret, as webhooks have it."""
    scheme, separator, rest = url.partition("://")
    return f"{scheme}{separator}{rest.partition('/')[0].rpartition('@')[2]}/****" if separator else "****"
