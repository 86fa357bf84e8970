"""The tables of a trial package: their columns, what may stand in them, and what they mean.

Reading, writing and the manifest all go by this one list.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import get_args

import pyarrow as pa

from nyttig.column import Column, Kind, columns_of
from nyttig.entries.kinds import KINDS, EntryKind
from nyttig.model import Cost, EndReason, Measure, Origin, Period, RetireReason, Role, SiteType
from nyttig.saying import Saying

CODE_PATTERN = r"[A-Za-z0-9._-]+"
"""What a home's or a device's code is made of: it stands in MQTT topics and in addresses of pages."""

ARROW_TYPES: dict[Kind, pa.DataType] = {
    "code": pa.string(),
    "text": pa.string(),
    "choice": pa.string(),
    "date": pa.date32(),
    "time": pa.timestamp("us", tz="UTC"),
    "day_or_time": pa.timestamp("us", tz="UTC"),
    "time_of_day": pa.time64("us"),
    "weekdays": pa.string(),
    "number": pa.float64(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "json": pa.string(),
}


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is nearest to `name`, where one is near."""
    by_lower = {each.lower(): each for each in known}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[near[0]] if near else None


def closest(name: str, known: Iterable[str]) -> str:
    """A "did you mean" for `name`, or nothing where no known name is near."""
    near = nearest(name, known)
    return Saying(" Did you mean {near!r}?", near=near) if near else ""


def arrow_schema(columns: Iterable[Column]) -> pa.Schema:
    """The columns as an Arrow schema: times in UTC to the microsecond, days as dates."""
    return pa.schema([pa.field(each.name, ARROW_TYPES[each.kind]) for each in columns])


_HOME = Column(
    "home", "code", "Code of the home or demo apartment; never a name or an address", required=True
)
_PERIOD = Column(
    "period", "choice", "Before or after the technology came", required=True, choices=get_args(Period)
)

TABLES: dict[str, tuple[Column, ...]] = {
    "homes": (
        _HOME,
        Column(
            "site_type", "choice", "A home, or a demo apartment", required=True, choices=get_args(SiteType)
        ),
        Column("unit", "text", "District or municipality, one of the trial's units", required=True),
        Column("asked_on", "date", "Day on which the home was asked to take part"),
        Column("consented_on", "date", "Day of consent"),
        Column("installed_on", "date", "Day on which the technology was installed"),
        Column("ended_on", "date", "Last day in the trial"),
        Column("end_reason", "choice", "Why the home ended", choices=get_args(EndReason)),
        Column("legal_basis", "text", "Legal basis of the processing"),
    ),
    "devices": (
        Column("device", "code", "Code of the device", required=True),
        Column("technology", "text", "Key of the technology", required=True),
        Column("dialect", "text", "How the device speaks; default nyttig"),
        Column(
            "address",
            "text",
            "The dialect's name for the device; default the code where the dialect is nyttig",
        ),
        Column(
            "heartbeat_minutes",
            "number",
            "Minutes between two messages of a device that works; default the technology's",
            above=0,
        ),
        Column("power", "choice", "Where its power comes from; default mains", choices=("battery", "mains")),
        Column(
            "role",
            "choice",
            "Primary devices carry the trial's figures; default primary",
            choices=get_args(Role),
        ),
        Column(
            "hardware_id",
            "text",
            "The maker's own mark that no renaming changes: IEEE address, DevEUI, serial number",
        ),
        Column("retired_at", "time", "From when the device is out of service for good"),
        Column("retired_because", "choice", "Why it was retired", choices=get_args(RetireReason)),
    ),
    "placements": (
        Column("device", "code", "Code of the device", required=True),
        _HOME,
        Column("placed_at", "time", "From when the device stood there", required=True),
        Column("removed_at", "time", "Until when; empty: still there"),
    ),
    "pauses": (
        _HOME,
        Column(
            "paused_from", "day_or_time", "From when the home is excused; a day counts whole", required=True
        ),
        Column("paused_to", "day_or_time", "Until when; a day counts whole", required=True),
        Column("reason", "text", "Kind of pause, without personal data"),
    ),
    "schedules": (
        _HOME,
        Column("due_time", "time_of_day", "Local time of day at which it is due", required=True),
        Column("weekdays", "weekdays", "Its days, 1 Monday to 7 Sunday; default all"),
        Column("from_day", "date", "First day; default as soon as the home is in the trial"),
        Column("to_day", "date", "Last day; default as long as it is"),
    ),
    "units": (
        Column("unit", "text", "District or municipality, invited or taking part", required=True),
        Column("invited_on", "date", "Day on which it was invited to take part"),
        Column("joined_on", "date", "Day on which it said yes"),
        Column("staff", "integer", "Employees who could become ambassadors", at_least=0),
        Column("ambassadors_trained", "integer", "Employees trained as ambassadors", at_least=0),
        Column("ambassadors_active", "integer", "Of those, active in the last 28 days", at_least=0),
    ),
    "visits": (
        _HOME,
        Column("started_at", "time", "When the visit or call began", required=True),
        Column("ended_at", "time", "When it ended", required=True),
        Column("kind", "choice", "At the door, or from afar", required=True, choices=("physical", "remote")),
        Column(
            "purpose",
            "text",
            "What for; alarm_handling, refill, remote_check and support are work that the technology brought",
            required=True,
        ),
        Column("staff_group", "text", "Who went or called"),
        Column("travel_minutes", "number", "Minutes under way; may be empty for remote visits", at_least=0),
        _PERIOD,
    ),
    "measures": columns_of(Measure),
    "costs": columns_of(Cost),
}

EVENT_COLUMNS: tuple[Column, ...] = (
    Column("device", "code", "Code of the device", required=True),
    Column("at", "time", "The time the event counts for", required=True),
    Column("received_at", "time", "When Nyttig received it; default the time it counts for"),
    Column("device_time", "time", "The device's own time, as sent", any_year=True),
    Column("type", "text", "What happened or was measured", required=True),
    Column("value", "number", "Value in `unit`; yes and no as 1 and 0"),
    Column("unit", "text", "Unit of the value"),
    Column("origin", "choice", "Who caused it; default citizen", choices=get_args(Origin)),
    Column("boot_id", "text", "The device's run, within which seq counts"),
    Column("seq", "integer", "The device's own count of messages"),
    Column("message_id", "text", "Identity of messages without a count"),
    Column("late", "boolean", "Arrived so late that it was history, not news; default false"),
    Column("clock_fault", "choice", "Why the device's time was not believed", choices=("future", "past")),
    Column("health", "json", "Battery and signal facts, a JSON object"),
    Column("extra", "json", "Whatever else was sent, a JSON object"),
)

OUTAGE_COLUMNS: tuple[Column, ...] = (
    Column(
        "cause",
        "choice",
        "What was away",
        required=True,
        choices=("ingest", "broker", "database", "session", "imported"),
    ),
    Column("began_at", "time", "From when the platform was away", required=True),
    Column("ended_at", "time", "Until when", required=True),
    Column("lossy", "boolean", "What devices sent meanwhile may be gone for good", required=True),
)

EVENT_SCHEMA: pa.Schema = arrow_schema(EVENT_COLUMNS)
"""Events as `read_events` gives and `write` takes them."""

OUTAGE_SCHEMA: pa.Schema = arrow_schema(OUTAGE_COLUMNS)
"""Outages as `read_outages` gives and `write` takes them."""

_KEPT_BESIDE: tuple[Column, ...] = (
    Column("entry", "code", "Code of the entry; empty in a file written by hand"),
    Column("version", "integer", "How often it was written: 1, and 1 more by each change", at_least=1),
    Column("entered_at", "time", "When this version was entered"),
    Column("entered_by", "text", "Who entered it"),
)

ENTRY_TABLES: dict[str, EntryKind] = {
    kind.table: kind for kind in KINDS.values() if kind.name not in ("gain", "measure", "cost")
}
"""What people enter, beside gains, measures and costs; a table without rows is not written."""

VERSIONS = "entry_versions"
VERSION_COLUMNS: tuple[Column, ...] = (
    Column("entry", "code", "Code of the entry", required=True),
    Column("version", "integer", "1, and 1 more by each change", required=True, at_least=1),
    Column("kind", "choice", "What was entered", required=True, choices=tuple(KINDS)),
    Column("entered_at", "time", "When this version was entered", required=True),
    Column("entered_by", "text", "Who entered it", required=True),
    Column("loaded", "boolean", "It came with a package then, and not by hand; default false"),
    Column("data", "json", "Its fields as a JSON object; empty: the entry was taken back"),
)

ALL_TABLES: dict[str, tuple[Column, ...]] = {
    **TABLES,
    **{table: (*_KEPT_BESIDE, *kind.columns) for table, kind in ENTRY_TABLES.items()},
    VERSIONS: VERSION_COLUMNS,
    "events": EVENT_COLUMNS,
    "outages": OUTAGE_COLUMNS,
}
