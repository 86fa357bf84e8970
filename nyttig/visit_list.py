"""A list of visits as a care system exports it: which column is which, and what each row says."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from nyttig.column import Column
from nyttig.errors import EntryError
from nyttig.package.cells import CellError, parse, plain
from nyttig.package.columns import TABLES, closest
from nyttig.saying import Saying
from nyttig.sheet import RowProblem, Sheet, iso_time, plain_header, read_sheet, too_wide, with_point
from nyttig.visit_words import BY_HEADER, MEANINGS, PHRASES

TEXT_CHARACTERS_MAX = 100
HOURS_MAX = 24
MINUTES_MAX = 60 * HOURS_MAX

FIELDS = tuple(PHRASES)
"""What a column of the list may be."""

TOLD_BY_VALUE = ("kind", "purpose", "period")
"""Fields whose values care systems name in their own words."""

CHOICES: dict[str, tuple[str, ...]] = {
    column.name: column.choices for column in TABLES["visits"] if column.choices
}

_TIME = Column("started_at", "time", "")
_CLOCK = Column("clock", "time_of_day", "")
_CLOCK_TEXT = re.compile(r"(?:kl\.? *)?(\d{1,2}[:.]\d{2}(?:[:.]\d{2})?|\d{4})(?:[:.]\d+)?", re.IGNORECASE)
_SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})([/-])(\d{4}.*)")
_LASTING = re.compile(r"(\d{1,3}):([0-5]\d)(?::([0-5]\d)(?:\.\d+)?)?")
_WORDS = re.compile(r"\w+")
_MINUTES = re.compile(r"(\d{1,6}(?:\.\d+)?) *(?:min\.?|mins|minutter|minutes|minuter|m)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class VisitColumns:
    """How a list is to be read.

    `columns` names the list's column for each of our fields, `values` says per field what the list's own words mean,
    `always` what counts where the list says nothing.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    always: Mapping[str, str] = field(default_factory=dict)

    @property
    def missing(self) -> tuple[str, ...]:
        """The fields without which no row can be read."""
        needed = [name for name in ("home", "started_at") if name not in self.columns]
        if not {"ended_at", "minutes"} & set(self.columns):
            needed.append("ended_at")
        return tuple(needed)


@dataclass(frozen=True, slots=True)
class Line:
    """What one row says, as far as it could be read; `problems` say why it cannot be counted."""

    row: int
    cells: tuple[str, ...]
    home: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    kind: str | None = None
    purpose: str | None = None
    staff_group: str | None = None
    travel_minutes: float | None = None
    period: str | None = None
    problems: tuple[RowProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class SeenValue:
    """A value of the list in a field with words of its own, in how many rows, and what it is taken for (null: unknown)."""

    field: str
    value: str
    rows: int
    means: str | None


def read(content: bytes, file: str, remembered: Iterable[VisitColumns] = ()) -> Sheet:
    """The list that a CSV or Excel file holds, its columns under names of their own. Raises ListError."""
    theirs = {plain_header(name) for each in remembered for name in each.columns.values()}
    sheet = read_sheet(
        content,
        file,
        lambda header: header in theirs or _field_of(header) is not None,
        if_empty=Saying("export the visits again, with a row per visit"),
    )
    return Sheet(file, sheet.header_row, _titles(sheet), sheet.rows)


def guess(titles: Sequence[str], remembered: Mapping[str, VisitColumns]) -> tuple[str | None, VisitColumns]:
    """How a list with these columns is to be read: as one that had the same, by its system's name, else by the words."""
    by_plain = {plain_header(title): title for title in titles}
    fitting = {
        system: columns
        for system, columns in remembered.items()
        if columns.columns and all(plain_header(name) in by_plain for name in columns.columns.values())
    }
    if fitting:
        system = max(fitting, key=lambda name: len(fitting[name].columns))
        known = fitting[system]
        renamed = {name: by_plain[plain_header(title)] for name, title in known.columns.items()}
        return system, VisitColumns(renamed, known.values, known.always)
    columns: dict[str, str] = {}
    for name, phrases in PHRASES.items():
        exact = next((by_plain[phrase] for phrase in phrases if phrase in by_plain), None)
        if exact is not None:
            columns[name] = exact
    for title in titles:
        name_within = _field_of(plain_header(title))
        if name_within is not None and name_within not in columns and title not in columns.values():
            columns[name_within] = title
    always = {"purpose": "visit"}
    if "kind" not in columns:
        always["kind"] = "physical"
    return None, VisitColumns(columns, {}, always)


def columns_of(text: str, titles: Sequence[str]) -> VisitColumns:
    """The way of reading that a JSON object says; the columns it names are in the list. Raises EntryError."""
    told = from_json(text)
    for name, title in told.columns.items():
        if title not in titles:
            raise EntryError(
                "{title!r} is no column of the list ({name}); name one of: {titles}.{near}",
                field="columns", title=title, name=name, titles=", ".join(titles), near=closest(title, titles),
            )  # fmt: skip
    return told


def from_json(text: str) -> VisitColumns:
    """What `to_json` wrote. Raises EntryError naming what is wrong and what may stand there."""
    try:
        told = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise EntryError(f"columns: {text[:80]!r} is no JSON; {_EXAMPLE}") from error
    if not isinstance(told, dict) or not told.keys() <= {"columns", "values", "always"}:
        raise EntryError(f"columns: {text[:80]!r} holds something else; {_EXAMPLE}")
    columns, always = _texts(told.get("columns", {})), _texts(told.get("always", {}))
    values = told.get("values", {})
    if not isinstance(values, dict) or not values.keys() <= set(TOLD_BY_VALUE):
        raise EntryError(f"values: {values!r:.80} is none of {', '.join(TOLD_BY_VALUE)}; {_EXAMPLE}")
    if unknown := [name for name in (*columns, *always) if name not in FIELDS]:
        raise EntryError(f"columns: {unknown[0]!r} is no field; the fields are: {', '.join(FIELDS)}")
    meant = {name: _texts(each) for name, each in values.items()}
    for name, choices in CHOICES.items():
        wrong = {*meant.get(name, {}).values(), *([always[name]] if name in always else [])} - {*choices, ""}
        if wrong:
            raise EntryError(f"{name}: {min(wrong)!r} is not one of: {', '.join(choices)}")
    if "travel_minutes" in always:
        try:
            _minutes(always["travel_minutes"])
        except CellError as error:
            given = always["travel_minutes"]
            raise EntryError(
                "{value!r} {remedy}", field="travel_minutes", value=given, remedy=error.said
            ) from error
    return VisitColumns(columns, meant, always)


def to_json(columns: VisitColumns) -> str:
    """The way of reading as a JSON object."""
    return json.dumps(asdict(columns), ensure_ascii=False)


def seen_values(sheet: Sheet, columns: VisitColumns) -> tuple[SeenValue, ...]:
    """The list's own words for kind, purpose and period, the most frequent first, and what each is taken for."""
    found: list[SeenValue] = []
    for name in TOLD_BY_VALUE:
        if name not in columns.columns:
            continue
        place = sheet.header.index(columns.columns[name])
        counts = Counter(cells[place] for _, cells in sheet.rows if place < len(cells) and cells[place])
        found += [
            SeenValue(name, value, rows, _meaning(name, value, columns))
            for value, rows in sorted(counts.items(), key=lambda each: (-each[1], each[0]))
        ]
    return tuple(found)


def lines(sheet: Sheet, columns: VisitColumns, zone: ZoneInfo) -> list[Line]:
    """What each row says; times without offset are local to `zone`. Never raises: what is wrong stands in the line."""
    places = {name: sheet.header.index(title) for name, title in columns.columns.items()}
    day_first = _day_first(
        sheet, [places[name] for name in ("day", "started_at", "ended_at") if name in places]
    )
    return [
        _Reading(row, cells, columns, places, zone, day_first=day_first).line(len(sheet.header))
        for row, cells in sheet.rows
    ]


class _Reading:
    """One row while it is read."""

    def __init__(
        self,
        row: int,
        cells: list[str],
        columns: VisitColumns,
        places: Mapping[str, int],
        zone: ZoneInfo,
        *,
        day_first: bool,
    ) -> None:
        self._row = row
        self._cells = cells
        self._columns = columns
        self._places = places
        self._zone = zone
        self._day_first = day_first
        self._problems: list[RowProblem] = []

    def line(self, width: int) -> Line:
        """The row as a line."""
        if any(self._cells[width:]):
            self._problems.append(RowProblem(None, None, too_wide(len(self._cells), width)))
        home = self._cell("home")
        if not home:
            self._refuse("home", Saying("is empty; fill in the code of the home"))
        started = self._read("started_at", self._start)
        ended = self._end(started) if started is not None else None
        if started is not None and ended is not None:
            self._check(started, ended)
        kind = self._kind()
        return Line(
            self._row,
            tuple(self._cells),
            home or None,
            started,
            ended,
            kind,
            self._read("purpose", self._purpose),
            self._read("staff_group", self._short),
            self._travel(kind),
            self._period(),
            tuple(self._problems),
        )

    def _cell(self, name: str) -> str:
        place = self._places.get(name)
        return self._cells[place] if place is not None and place < len(self._cells) else ""

    def _refuse(self, name: str, remedy: str) -> None:
        self._problems.append(RowProblem(self._columns.columns.get(name, name), self._cell(name), remedy))

    def _read(self, name: str, reading: Any) -> Any:
        try:
            return reading(self._cell(name))
        except CellError as error:
            self._refuse(name, error.said)
            return None

    def _start(self, text: str) -> datetime:
        if not text:
            raise CellError("is empty; fill in when the visit began")
        if not _CLOCK_TEXT.fullmatch(text):
            moment: datetime = parse(self._iso(text), _TIME, self._zone)
            return moment
        day = self._iso(self._cell("day"))[:10]
        if not day:
            raise CellError("is a time of day without a day; say which column holds the day, or fill it in")
        return self._at(day, _clock(text))

    def _iso(self, text: str) -> str:
        found = _SLASHED.fullmatch(text)
        if found and (self._day_first or found[3] == "-"):  # 24/8-2026 is Danish
            text = f"{found[1]}.{found[2]}.{found[4]}"
        return iso_time(text)

    def _at(self, day: str, clock: time) -> datetime:
        moment: datetime = parse(f"{day}T{clock.isoformat()}", _TIME, self._zone)
        return moment

    def _end(self, started: datetime) -> datetime | None:
        name = "ended_at" if self._cell("ended_at") else "minutes"

        def end(text: str) -> datetime:
            if not text:
                raise CellError("is empty; fill in when the visit ended, or how many minutes it took")
            if name == "minutes":
                return started + timedelta(minutes=_minutes(text))
            if not _CLOCK_TEXT.fullmatch(text):
                moment: datetime = parse(self._iso(text), _TIME, self._zone)
                return moment
            clock, begun = _clock(text), started.astimezone(self._zone)
            over_midnight = clock < begun.time().replace(microsecond=0)
            return self._at((begun.date() + timedelta(days=over_midnight)).isoformat(), clock)

        ended: datetime | None = self._read(name, end)
        return ended

    def _check(self, started: datetime, ended: datetime) -> None:
        name = "ended_at" if self._cell("ended_at") else "minutes"
        if ended < started:
            self._refuse(name, Saying("is before the visit began; check both times"))
        elif ended - started > timedelta(hours=HOURS_MAX):
            lasting = Saying(
                "makes a visit of {hours} hours; check both times, {most} are the most",
                hours=round((ended - started) / timedelta(hours=1)),
                most=HOURS_MAX,
            )
            self._refuse(name, lasting)

    def _kind(self) -> str | None:
        cell = self._cell("kind")
        if not cell and "kind" in self._columns.always:
            return self._columns.always["kind"]
        meaning = _meaning("kind", cell, self._columns)
        if meaning is None:
            if "kind" not in self._places:
                remedy = Saying("says no column; choose one, or say whether all are at the door or from afar")
            else:
                remedy = Saying(
                    "is not known; say whether it is at the door (physical) or from afar (remote)"
                )
            self._refuse("kind", remedy)
        return meaning

    def _purpose(self, text: str) -> str:
        said = (
            _meaning("purpose", text, self._columns) or text if text else self._columns.always.get("purpose")
        )
        return self._short(said or "visit") or "visit"

    def _short(self, text: str) -> str | None:
        if len(text) > TEXT_CHARACTERS_MAX:
            raise CellError(
                "has {characters} characters, and {most} are the most; choose a column of short words, never one of notes",
                characters=len(text),
                most=TEXT_CHARACTERS_MAX,
            )
        return plain(text) or None

    def _travel(self, kind: str | None) -> float | None:
        def minutes(text: str) -> float | None:
            if not text:
                text = self._columns.always.get("travel_minutes", "")
                if kind == "remote":
                    return 0.0
                if not text:
                    raise CellError(
                        "is empty for a visit at the door; fill in the minutes under way, 0 where there were none, or say how "
                        "many to reckon with"
                    )
            return _minutes(text)

        found: float | None = self._read("travel_minutes", minutes)
        return found

    def _period(self) -> str | None:
        cell = self._cell("period")
        if not cell:
            return None
        meaning = _meaning("period", cell, self._columns)
        if meaning is None:
            self._refuse(
                "period", Saying("is not known; say whether it is before or after the technology came")
            )
        return meaning


def _day_first(sheet: Sheet, places: Sequence[int]) -> bool:
    """Whether days with slashes are 24/8/2026 and not 8/24/2026: some can be nothing else, and none is the other."""
    found = [
        slashed
        for _, cells in sheet.rows
        for place in places
        if place < len(cells) and (slashed := _SLASHED.fullmatch(cells[place]))
    ]
    return any(int(each[1]) > 12 for each in found) and all(int(each[2]) <= 12 for each in found)


def _titles(sheet: Sheet) -> tuple[str, ...]:
    """A name for each column: its own, with a number where it has none or another has the same."""
    titles: list[str] = []
    for number, name in enumerate(sheet.header, start=1):
        title = name or f"({number})"
        while title in titles:
            title = f"{title} ({number})"
        titles.append(title)
    return tuple(titles)


def _field_of(header: str) -> str | None:
    """What a column of this name holds: its name is known, or a known name is part of it."""
    if header in BY_HEADER:
        return BY_HEADER[header]
    words = f" {' '.join(_WORDS.findall(header))} "
    found = [phrase for phrase in BY_HEADER if f" {phrase} " in words and len(phrase) > 3]
    return BY_HEADER[max(found, key=len)] if found else None


def _meaning(name: str, value: str, columns: VisitColumns) -> str | None:
    """What a value of the list means in ours: as it was said, else by the words; None where nobody knows."""
    said = columns.values.get(name, {}).get(value)
    if said is not None:
        return said or None
    return MEANINGS[name].get(plain_header(value))


def _clock(text: str) -> time:
    found = _CLOCK_TEXT.fullmatch(text)
    assert found is not None
    shown = found[1] if len(found[1]) != 4 or not found[1].isdigit() else f"{found[1][:2]}:{found[1][2:]}"
    clock: time = parse(shown, _CLOCK, None)
    return clock


def _minutes(text: str) -> float:
    """Minutes as a number, or as hours and minutes (0:12, 00:12:00). Raises CellError."""
    if lasting := _LASTING.fullmatch(text):
        minutes = 60 * int(lasting[1]) + int(lasting[2]) + int(lasting[3] or 0) / 60
    elif number := _MINUTES.fullmatch(with_point(text.removesuffix(" ")).replace(",", ".")):
        minutes = float(number[1])
    else:
        raise CellError("is no number of minutes; write it as 12 or 0:12")
    if minutes > MINUTES_MAX:
        raise CellError("is more than {hours} hours; check it", hours=HOURS_MAX)
    return minutes


def _texts(told: Any) -> dict[str, str]:
    if not isinstance(told, dict) or not all(isinstance(each, str) for each in told.values()):
        raise EntryError(f"columns: {told!r:.80} is no object of texts; {_EXAMPLE}")
    return told


_EXAMPLE = (
    'write it as {"columns": {"home": "Bruker", "started_at": "Start"}, "values": {"kind": {"Skjerm": "remote"}}, "always": '
    '{"travel_minutes": "8"}}'
)
