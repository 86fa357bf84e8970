"""All settings of one process, read once by the command line and passed down.

PostgreSQL is reached through libpq's own `PG*` variables, which libpq reads itself; ours are `NYTTIG_*`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from urllib.parse import urlsplit

from nyttig.errors import SettingsError

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
    api_url: str = field(default="http://127.0.0.1:8000", metadata={"env": "NYTTIG_API_URL"})
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
        return settings

    def broker(self) -> Broker:
        """The broker's address, taken apart."""
        return Broker.from_url(self.mqtt_url)

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

    def described(self) -> list[tuple[str, str]]:
        """Every variable with its value in force, secrets masked, for `nyttig settings`."""
        rows = [(f.metadata["env"], getattr(self, f.name)) for f in fields(self) if f.metadata.get("env")]
        rows += [(name, self.postgres.get(name, "(libpq's default)")) for name in PG_VARIABLES]
        return [(name, _masked(name, value)) for name, value in rows]


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
        """The broker that an `mqtt://` or `mqtts://` address names."""
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError as error:
            raise SettingsError(f"NYTTIG_MQTT_URL={_masked_url(url)!r}: {error}") from error
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise SettingsError(
                f"NYTTIG_MQTT_URL={_masked_url(url)!r} is not a broker's address; "
                "write mqtt://user:password@host:1883 or mqtts://host:8883"
            )
        tls = parts.scheme == "mqtts"
        return cls(parts.hostname, port or (8883 if tls else 1883), tls, parts.username, parts.password)


def _masked(name: str, value: str) -> str:
    if name == "PGPASSWORD" and not value.startswith("("):
        return "****"
    return _masked_url(value) if "://" in value else value


def _masked_url(url: str) -> str:
    head, at, tail = url.rpartition("@")
    scheme, slashes, login = head.partition("://")
    user, colon, _ = login.partition(":")
    return f"{scheme}{slashes}{user}{':****' if colon else ''}{at}{tail}" if at else url
