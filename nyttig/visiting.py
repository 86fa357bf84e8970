"""Bringing in a list of visits: each row checked against the trial and what counts already, then all that count at once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from operator import itemgetter
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from nyttig import entering, visit_list
from nyttig.errors import ClashError, EntryError
from nyttig.indicators import NEW_WORK_PURPOSES
from nyttig.model import Home, Parameters, Visit
from nyttig.package.columns import closest, nearest
from nyttig.saying import Saying
from nyttig.sheet import RowProblem
from nyttig.store import db, entries, history, registry, visits
from nyttig.store.db import Session
from nyttig.store.visits import Counts
from nyttig.visit_list import Line, SeenValue, VisitColumns

Result = Literal["counted", "double", "outside", "refused"]


class FirstDays(NamedTuple):
    """The first local day of the registration before and of that after, where somebody chose them."""

    before: date | None = None
    after: date | None = None


NOT_CHOSEN = FirstDays()


@dataclass(frozen=True, slots=True)
class VisitRow:
    """What becomes of one row. `reasons` say why it is not counted; `cells` is the row itself where it is not kept."""

    row: int
    result: Result
    home: str | None
    started_at: datetime | None
    ended_at: datetime | None
    kind: str | None
    purpose: str | None
    staff_group: str | None
    travel_minutes: float | None
    period: str | None
    reasons: tuple[RowProblem, ...] = ()
    cells: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UnknownHome:
    """A code that is no home of the trial, in how many rows, and the known code that is nearest to it."""

    value: str
    rows: int
    closest: str | None


@dataclass(frozen=True, slots=True)
class PeriodSpan:
    """The rows of a period that count: how many, at how many homes, and from which local day to which."""

    period: str
    rows: int
    homes: int
    first_day: date
    last_day: date


@dataclass(frozen=True, slots=True)
class BroughtIn:
    """What became of a list. `import_id`: under which it was brought in; null: nothing was written.

    `columns` is how it was read, `system` the remembered name that was found by its columns; `missing` fields keep
    every row from being read. `new_work` of the counted rows are work that the technology brought.
    """

    file: str
    dry_run: bool
    import_id: int | None
    counted: int
    double: int
    outside: int
    refused: int
    new_work: int
    header: tuple[str, ...]
    columns: VisitColumns
    system: str | None
    missing: tuple[str, ...]
    values: tuple[SeenValue, ...]
    unknown_homes: tuple[UnknownHome, ...]
    periods: tuple[PeriodSpan, ...]
    registration_days: int
    rows: tuple[VisitRow, ...]


def bring_in(
    connection: Session,
    content: bytes,
    file: str,
    trial_id: str,
    *,
    by: str,
    at: datetime,
    columns: str | None = None,
    system: str | None = None,
    first_days: FirstDays = NOT_CHOSEN,
    dry_run: bool = False,
    skip_bad: bool = False,
    units: Collection[str] | None = None,
) -> BroughtIn:
    """The visits of the list count as one import, committed, and each row has its result.

    All rows that can or none: one that is refused keeps the others out too, unless `skip_bad`; rows that are counted
    already or lie outside the registration never do. With `dry_run` nothing is written in any case. `columns` is a JSON
    object that says how to read the list, by default as a remembered one or by its words; under the name `system` it
    is remembered. Only homes in `units` are known to whoever asks (None: all). Raises ListError, EntryError,
    NotFoundError.
    """
    with db.translated():
        if not dry_run:
            history.lock(connection)
        package = registry.read(connection, trial_id)
        remembered = _remembered(connection)
        sheet = visit_list.read(content, file, remembered.values())
        found, guessed = visit_list.guess(sheet.header, remembered)
        how = guessed if columns is None else visit_list.columns_of(columns, sheet.header)
        homes = [home for home in package.homes if units is None or home.unit in units]
        zone = ZoneInfo(package.trial.timezone)
        plan = _Plan(homes, package.visits, package.trial.parameters, zone, first_days, how.columns)
        if how.missing and not dry_run:
            names = ", ".join(how.missing)
            raise EntryError(
                "nothing says which column is {names}; name it in columns", field="columns", names=names
            )
        lines = [] if how.missing else visit_list.lines(sheet, how, zone)
        rows = plan.take(lines)
        counts = Counter(row.result for row in rows)
        import_id = None
        if not dry_run and plan.visits and (skip_bad or not counts["refused"]):
            left_out = Counts(counts["double"], counts["outside"], counts["refused"])
            import_id = visits.bring_in(
                connection, trial_id, plan.visits, left_out, file=file, system=system, by=by, at=at
            )
            if system is not None:
                _remember(connection, system, how, by, at)
            connection.commit()
        else:
            connection.rollback()
    return BroughtIn(
        file=file,
        dry_run=dry_run,
        import_id=import_id,
        counted=counts["counted"],
        double=counts["double"],
        outside=counts["outside"],
        refused=counts["refused"],
        new_work=sum(visit.purpose in NEW_WORK_PURPOSES for visit in plan.visits),
        header=sheet.header,
        columns=how,
        system=found,
        missing=how.missing,
        values=visit_list.seen_values(sheet, how),
        unknown_homes=plan.unknown_homes(),
        periods=plan.periods(),
        registration_days=package.trial.parameters.registration_days,
        rows=rows,
    )


def restore(connection: Session, trial_id: str, import_id: int, *, by: str) -> None:
    """The import that was taken back counts again, in the current transaction.

    Raises NotFoundError, and ClashError where it was not taken back, where some of its visits are counted by now, or
    where a registration would have too many days.
    """
    visits.restore(connection, trial_id, import_id, by=by)
    package = registry.read(connection, trial_id)
    its = visits.of_import(connection, import_id)
    known = _Known((Counter(package.visits) - Counter(its)).elements())
    again = sum(known.at(visit) is not None for visit in its)
    if again:
        raise ClashError(
            "{again} of its {visits} visits are counted from another list by now; take that one back first",
            again=again,
            visits=len(its),
        )
    if too_long := visits.too_long(connection, package.trial):
        _, said = too_long[0]
        raise ClashError("it cannot count again: {fault}; take another list back first", fault=said)


def _remembered(connection: Session) -> dict[str, VisitColumns]:
    """How lists were read before, by their systems' names; the newest last."""
    found = {}
    for entry in entries.current(connection, None, ["mapping"]):
        with suppress(
            EntryError
        ):  # entered by hand, and no way of reading a list: nobody is kept from another
            found[entry.data.system] = visit_list.from_json(entry.data.columns)
    return found


def _remember(connection: Session, system: str, columns: VisitColumns, by: str, at: datetime) -> None:
    values = {"system": system, "table": "visits", "columns": visit_list.to_json(columns)}
    known = next(
        (each for each in entries.current(connection, None, ["mapping"]) if each.data.system == system), None
    )
    if known is None:
        entering.enter(connection, "mapping", values, trial_id=None, by=by, at=at)
    else:
        entering.change(connection, known.entry, values, version=known.version, by=by, at=at)


class _Known:
    """Visits that count, to be asked whether another is one of them.

    A visit is the same where home, beginning, end and kind are, and the staff group as far as both name one: care
    systems write a row per task of a visit, and two lists may name purposes differently.
    """

    def __init__(self, counted: Iterable[Visit] = ()) -> None:
        self._by_beginning: dict[tuple[str, datetime, str], list[Visit]] = defaultdict(list)
        for visit in counted:
            self.add(visit)

    def add(self, visit: Visit) -> None:
        """The visit counts."""
        self._by_beginning[visit.home, visit.started_at, visit.kind].append(visit)

    def at(self, visit: Visit) -> Visit | None:
        """A counted visit of the same staff group that began there then."""
        return next((each for each in self._alike(visit)), None)

    def same(self, visit: Visit) -> Visit | None:
        """The counted visit that this is."""
        return next((each for each in self._alike(visit) if each.ended_at == visit.ended_at), None)

    def _alike(self, visit: Visit) -> list[Visit]:
        groups = (None, visit.staff_group)
        return [
            each
            for each in self._by_beginning.get((visit.home, visit.started_at, visit.kind), ())
            if visit.staff_group is None or each.staff_group in groups
        ]


class _Plan:
    """The trial's visits as they will be, row after row."""

    def __init__(
        self,
        homes: Sequence[Home],
        counted: Sequence[Visit],
        parameters: Parameters,
        zone: ZoneInfo,
        first_days: FirstDays,
        titles: Mapping[str, str],
    ) -> None:
        self._homes = {home.home: home for home in homes}
        self._by_lower = {home.home.lower(): home.home for home in homes}
        self._parameters = parameters
        self._zone = zone
        self._first_days = first_days
        self._titles = titles
        self._known = _Known(counted)
        self._extents: dict[tuple[str, str], tuple[date, date]] = {}
        for visit in counted:
            day, key = self._day(visit), (visit.home, visit.period)
            first, last = self._extents.get(key, (day, day))
            self._extents[key] = min(first, day), max(last, day)
        self._unknown: Counter[str] = Counter()
        self._row_of: dict[Visit, int] = {}
        self.visits: list[Visit] = []

    def take(self, lines: Iterable[Line]) -> tuple[VisitRow, ...]:
        """What becomes of each line; those that count are in `visits`."""
        read = [self._read(line) for line in lines]
        spans = self._spans([visit for _, visit in read if visit is not None])
        done = [row for row, _ in read]
        in_time = [
            (visit.started_at, place, visit) for place, (_, visit) in enumerate(read) if visit is not None
        ]
        for _, place, visit in sorted(in_time, key=itemgetter(0, 1)):
            done[place] = self._place(done[place], visit, spans)
        self.visits = [
            visit
            for row, (_, visit) in zip(done, read, strict=True)
            if visit is not None and row.result == "counted"
        ]
        return tuple(done)

    def unknown_homes(self) -> tuple[UnknownHome, ...]:
        """The codes that are no homes, the most frequent first."""
        ordered = sorted(self._unknown.items(), key=lambda each: (-each[1], each[0]))
        return tuple(UnknownHome(code, rows, nearest(code, self._homes)) for code, rows in ordered)

    def periods(self) -> tuple[PeriodSpan, ...]:
        """The rows that count, by period."""
        spans = []
        for period in ("before", "after"):
            of = [visit for visit in self.visits if visit.period == period]
            if of:
                days = [self._day(visit) for visit in of]
                spans.append(
                    PeriodSpan(period, len(of), len({each.home for each in of}), min(days), max(days))
                )
        return tuple(spans)

    def _day(self, visit: Visit) -> date:
        return visit.started_at.astimezone(self._zone).date()

    def _read(self, line: Line) -> tuple[VisitRow, Visit | None]:
        """The row, and its visit where nothing is wrong with it."""
        problems = list(line.problems)
        home = line.home
        if home is not None and home not in self._homes:
            home = self._by_lower.get(home.lower())
        if line.home is not None and home is None:
            self._unknown[line.home] += 1
            remedy = Saying(
                "is no home of the trial; write the code that the trial has, or leave the row out.{near}",
                near=closest(line.home, self._homes),
            )
            problems.append(RowProblem(self._titles["home"], line.home, remedy))
        period = line.period
        if home is not None and period is None and line.started_at is not None:
            installed = self._homes[home].installed_on
            day = line.started_at.astimezone(self._zone).date()
            period = "after" if installed is not None and day >= installed else "before"
        told: dict[str, Any] = {
            "home": home or line.home,
            "started_at": line.started_at,
            "ended_at": line.ended_at,
            "kind": line.kind,
            "purpose": line.purpose,
            "staff_group": line.staff_group,
            "travel_minutes": line.travel_minutes,
            "period": period,
        }
        if problems:
            return VisitRow(line.row, "refused", **told, reasons=tuple(problems), cells=line.cells), None
        return VisitRow(line.row, "counted", **told, cells=line.cells), Visit(**told)

    def _spans(self, candidates: Sequence[Visit]) -> dict[tuple[str, str], tuple[date, date]]:
        """Per home and period the local days that a row may lie on, both included.

        A registration has as many days as the trial says. Those that count already, or the chosen first day, say which;
        else all days where the list has no more, else the last before the installation and the first after it when the
        days of getting used to it are over.
        """
        days: dict[tuple[str, str], set[date]] = defaultdict(set)
        for visit in candidates:
            days[visit.home, visit.period].add(self._day(visit))
        length = timedelta(days=self._parameters.registration_days - 1)
        spans = {}
        for (home, period), found in days.items():
            chosen = self._first_days.before if period == "before" else self._first_days.after
            installed = self._homes[home].installed_on
            if chosen is not None:
                spans[home, period] = (chosen, chosen + length)
            elif max(found) - min(found) <= length or (home, period) in self._extents:
                spans[home, period] = (min(found), max(found))
            elif period == "before":
                last = max(found) if installed is None else min(max(found), installed - timedelta(days=1))
                spans[home, period] = (last - length, last)
            else:
                used_to = (
                    None if installed is None else installed + timedelta(days=self._parameters.ramp_in_days)
                )
                first = min(found) if used_to is None else max(min(found), used_to)
                spans[home, period] = (first, first + length)
        return spans

    def _place(
        self, row: VisitRow, visit: Visit, spans: dict[tuple[str, str], tuple[date, date]]
    ) -> VisitRow:
        """The row with its result; a visit that counts is part of the plan from now on."""
        same = self._known.same(visit)
        if same is not None:
            remedy = Saying("is counted already ({where}); it counts once", where=self._where(same))
            return self._left_out(row, "double", None, remedy)
        day, key = self._day(visit), (visit.home, visit.period)
        first, last = self._extents.get(key, (day, day))
        extent = min(first, day), max(last, day)
        days = self._parameters.registration_days
        if not spans[key][0] <= day <= spans[key][1]:
            remedy = Saying(
                "lies outside the registration {period!r} at {home}, {from_day} to {to_day}",
                period=visit.period,
                home=visit.home,
                from_day=spans[key][0],
                to_day=spans[key][1],
            )
            return self._left_out(row, "outside", day.isoformat(), remedy)
        if (extent[1] - extent[0]).days >= days:
            remedy = Saying(
                "lies too far from the visits {period!r} at {home} that are counted, {from_day} to {to_day}: a registration has "
                "{days} days",
                period=visit.period,
                home=visit.home,
                from_day=first,
                to_day=last,
                days=days,
            )
            return self._left_out(row, "outside", day.isoformat(), remedy)
        other = self._known.at(visit)
        if other is not None:
            until = other.ended_at.astimezone(self._zone)
            remedy = Saying(
                "began when another visit did that lasted until {time} ({where}); correct one of them, take the other list back, "
                "or tell them apart by the staff group",
                time=f"{until:%Y-%m-%d %H:%M}",
                where=self._where(other),
            )
            return self._left_out(row, "refused", visit.started_at.astimezone(self._zone).isoformat(), remedy)
        self._extents[key] = extent
        self._known.add(visit)
        self._row_of[visit] = row.row
        return replace(row, cells=())

    def _where(self, visit: Visit) -> str:
        row = self._row_of.get(visit)
        return Saying("brought in before") if row is None else Saying("row {row}", row=row)

    def _left_out(self, row: VisitRow, result: Result, value: str | None, remedy: str) -> VisitRow:
        return replace(row, result=result, reasons=(RowProblem(self._titles["started_at"], value, remedy),))
