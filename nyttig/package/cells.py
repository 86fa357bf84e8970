"""One cell of a table: text in, value out, or the remedy for what stands there."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from nyttig.column import Column
from nyttig.errors import NyttigError
from nyttig.package.columns import CODE_PATTERN, closest
from nyttig.saying import Saying

YEARS = range(2000, 2100)
"""A trial's days lie in these years; another one is a slip of the finger."""

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_MIDNIGHT = re.compile(r"(\d{4}-\d{2}-\d{2})[T ]00:00(:00(\.0+)?)?")
_NORDIC_DATE = re.compile(r"(\d{1,2})[.\-/](\d{1,2})[.\-/](\d{4})(.*)")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?")
_CLOCK = re.compile(r"(\d{1,2})[:.]([0-5]\d)(?:[:.]([0-5]\d)(?:\.0+)?)?")
_WEEKDAYS = re.compile(r"[1-7]+")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_INTEGER = re.compile(r"[+-]?\d{1,18}")
# What English, Norwegian and Danish spreadsheets make of true and false when they save.
_BOOLEANS = {
    **dict.fromkeys(("true", "1", "sann", "sand"), True),
    **dict.fromkeys(("false", "0", "usann", "falsk"), False),
}


_OBJECT = '{"battery_pct": 81}'
OUTSIDE_YEARS = Saying("lies outside the years {years}; check the year", years=f"{YEARS[0]}–{YEARS[-1]}")


class CellError(NyttigError):
    """A cell cannot be read; the message is the remedy."""


def parse(text: str, column: Column, zone: ZoneInfo | None) -> Any:
    """The value of a non-empty cell: str, float, int, bool, date, or a datetime in UTC.

    A time without offset is local to `zone`; None demands an offset. Raises CellError.
    """
    match column.kind:
        case "code":
            return _code(text)
        case "text":
            return plain(text)
        case "choice":
            return _choice(text, column)
        case "date":
            return _date(text)
        case "time":
            return _time(text, zone, any_year=column.any_year)
        case "day_or_time":
            return _day_or_time(text, zone, column)
        case "time_of_day":
            return _time_of_day(text)
        case "weekdays":
            return _weekdays(text)
        case "number":
            return _number(text, column)
        case "integer":
            if not _INTEGER.fullmatch(text):
                raise CellError("is no whole number; write digits only, such as 4182")
            if column.at_least is not None and int(text) < column.at_least:
                raise CellError("must be {limit:g} or more", limit=column.at_least)
            if column.at_most is not None and int(text) > column.at_most:
                raise CellError("must be {limit:g} or less", limit=column.at_most)
            return int(text)
        case "boolean":
            if text.lower() not in _BOOLEANS:
                raise CellError("is neither true nor false; write one of the two")
            return _BOOLEANS[text.lower()]
        case "json":
            return json_object(text)


def parse_fields(
    values: Mapping[str, Any], columns: Iterable[Column], zone: ZoneInfo | None
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """What the fields of a JSON object say, those that are empty left out; and each that cannot be, with its remedy."""
    told: dict[str, Any] = {}
    wrong: list[tuple[str, str]] = []
    for column in columns:
        given = values.get(column.name)
        if isinstance(given, dict | list):
            wrong.append((column.name, Saying("is a list or an object; give one value")))
            continue
        text = cell_text(given)
        try:
            if text:
                told[column.name] = parse(text, column, zone)
            elif column.required:
                said = Saying("is empty; fill it in ({meaning})", meaning=column.description)
                wrong.append((column.name, said))
        except CellError as error:
            wrong.append((column.name, error.said))
    return told, wrong


def cell_text(value: Any) -> str:
    """The text of a typed cell (Parquet), so that it is read like one of a CSV file."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, float):
        return "" if math.isnan(value) else repr(value)
    return str(value).strip()


def plain(text: str) -> str:
    """`text` itself, where it holds nothing that cannot be seen or stored. Raises CellError."""
    if any(unicodedata.category(each) in ("Cc", "Cs") and each not in "\t\r\n" for each in text):
        raise CellError("holds an invisible control character; type the text anew")
    return text


def local_midnight(day: date, zone: ZoneInfo) -> datetime:
    """The first moment of the local day, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def localize(naive: datetime, zone: ZoneInfo) -> datetime:
    """The moment of a local wall-clock time, in UTC. Raises CellError where there is none, or two."""
    first, second = (naive.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    before, after = first.utcoffset(), second.utcoffset()
    assert before is not None
    assert after is not None
    if before < after:
        raise CellError(
            "does not exist in {zone}: the clocks were put forward past it. Write the time that the clock showed, such as "
            "{example}",
            zone=zone.key,
            example=first.astimezone(UTC).astimezone(zone).isoformat(),
        )
    if before > after:
        raise CellError(
            "happened twice in {zone}, when the clocks were put back. Say which with its offset: {first} or {second}",
            zone=zone.key,
            first=first.isoformat(),
            second=second.isoformat(),
        )
    return first.astimezone(UTC)


def json_object(text: str) -> str:
    """`text` itself, where it is a JSON object that the database can hold. Raises CellError."""
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise CellError(
            "is no JSON; write an object such as {example}, or leave it empty", example=_OBJECT
        ) from error
    if not isinstance(value, dict):
        raise CellError("is no JSON object; write one such as {example}, or leave it empty", example=_OBJECT)
    if "\\u0000" in text:
        raise CellError("holds a NUL character, which cannot be stored; take it out")
    return text


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _code(text: str) -> str:
    if not re.fullmatch(CODE_PATTERN, text):
        raise CellError("is no code; use letters a-z, digits, dot, hyphen and underscore only")
    return text


def _choice(text: str, column: Column) -> str:
    if text not in column.choices:
        raise CellError(not_one_of(text, column.choices))
    return text


def not_one_of(text: str, choices: Sequence[str]) -> Saying:
    """The remedy for a text that is none of the choices."""
    return Saying("is not one of: {choices}.{near}", choices=", ".join(choices), near=closest(text, choices))


def _number(text: str, column: Column) -> float:
    if not _NUMBER.fullmatch(text):
        with_point = text.replace(",", ".")
        if text.count(",") == 1 and _NUMBER.fullmatch(with_point):
            raise CellError("has a decimal comma; write it with a point: {example}", example=with_point)
        raise CellError("is no number; write digits, with a point before decimals and no thousands separator")
    value = float(text)
    if not math.isfinite(value):
        raise CellError("is too large a number; check it")
    if column.at_least is not None and value < column.at_least:
        raise CellError("must be {limit:g} or more", limit=column.at_least)
    if column.at_most is not None and value > column.at_most:
        raise CellError("must be {limit:g} or less", limit=column.at_most)
    if column.above is not None and value <= column.above:
        raise CellError("must be more than {limit:g}", limit=column.above)
    return value


def _date(text: str) -> date:
    midnight = _MIDNIGHT.fullmatch(text)
    text = midnight[1] if midnight else text
    if not _DATE.fullmatch(text):
        raise CellError("is no date; write year-month-day{example}", example=_nordic(text))
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise CellError("is no day of the calendar; check day and month") from error
    if day.year not in YEARS:
        raise CellError(OUTSIDE_YEARS)
    return day


def _time(text: str, zone: ZoneInfo | None, *, any_year: bool) -> datetime:
    if not _TIME.fullmatch(text):
        if _DATE.fullmatch(text):
            raise CellError(
                "is a day without a time of day; write one, such as {example}", example=f"{text}T09:30"
            )
        raise CellError(
            "is no time; write it as 2026-09-01T09:30 or 2026-09-01T09:30+02:00{example}",
            example=_nordic(text),
        )
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise CellError("is no time of the calendar and the clock; check each part") from error
    if not any_year and moment.year not in YEARS:
        raise CellError(OUTSIDE_YEARS)
    if moment.tzinfo is None:
        if zone is None:
            raise CellError("has no offset from UTC; write it as 2026-09-01T09:30+02:00")
        return localize(moment, zone)
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise CellError("lies outside the calendar; check the year") from error


def _day_or_time(text: str, zone: ZoneInfo | None, column: Column) -> datetime:
    if _TIME.fullmatch(text) and not _MIDNIGHT.fullmatch(text):
        return _time(text, zone, any_year=False)
    if _MIDNIGHT.fullmatch(text):
        return local_midnight(_date(text), zone or ZoneInfo("UTC"))
    day = _date(text)
    if column.name.endswith("_to"):
        day += timedelta(days=1)
    return local_midnight(day, zone or ZoneInfo("UTC"))


def _time_of_day(text: str) -> time:
    found = _CLOCK.fullmatch(text)
    if not found or int(found[1]) > 23:
        raise CellError("is no time of day; write it as 08:00")
    return time(int(found[1]), int(found[2]), int(found[3] or 0))


def _weekdays(text: str) -> str:
    if not _WEEKDAYS.fullmatch(text) or len(set(text)) < len(text):
        raise CellError("is no list of weekdays; write their numbers, 1 Monday to 7 Sunday, such as 12345")
    return "".join(sorted(text))


def _nordic(text: str) -> str:
    """Shows how a date such as 24.08.2026, as a Nordic spreadsheet writes it, is to be written."""
    found = _NORDIC_DATE.fullmatch(text)
    if not found:
        return Saying(", such as 2026-09-01") if len(text) <= 10 else ""
    return f": {found[3]}-{int(found[2]):02}-{int(found[1]):02}{found[4]}"
