"""Visits of a trial: those of its package, and those of lists that people brought in, which can be taken back whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from psycopg import Connection

from nyttig.errors import ClashError, NotFoundError, PackageError, Problem
from nyttig.model import Trial, TrialPackage, Visit
from nyttig.saying import Saying
from nyttig.store import history
from nyttig.store.history import Subject


@dataclass(frozen=True, slots=True)
class VisitImport:
    """A list that was brought in: what became of its rows, by whom and when, and whether it was taken back.

    `homes` are those that its visits were at.
    """

    id: int
    file: str
    system: str | None
    rows_counted: int
    rows_double: int
    rows_outside: int
    rows_refused: int
    imported_by: str
    imported_at: datetime
    withdrawn_by: str | None
    withdrawn_at: datetime | None
    homes: tuple[str, ...]


class Counts(NamedTuple):
    """How many rows of a list were not counted, and why."""

    double: int
    outside: int
    refused: int


def read(
    connection: Connection[Any], trial_id: str, *, imports: Collection[int] | None = None
) -> tuple[Visit, ...]:
    """The visits that count, in a fixed order: the package's, then each list's that was not taken back, or of `imports`.

    Homes that are no longer in the trial have none.
    """
    rows = connection.execute(
        """
        SELECT s.code, v.started_at, v.ended_at, v.kind, v.purpose, v.staff_group, v.travel_minutes, v.period
        FROM visits v JOIN sites s ON s.id = v.site_id
        JOIN enrolments e ON e.trial_id = v.trial_id AND e.site_id = v.site_id
        LEFT JOIN visit_imports i ON i.id = v.import_id
        WHERE v.trial_id = %(trial)s
          AND CASE WHEN v.import_id IS NULL THEN true WHEN %(imports)s::bigint[] IS NULL THEN i.withdrawn_at IS NULL
              ELSE v.import_id = ANY (%(imports)s) END
        ORDER BY v.import_id NULLS FIRST, v.place
        """,
        {"trial": trial_id, "imports": None if imports is None else list(imports)},
    ).fetchall()
    return tuple(Visit(*row) for row in rows)


def load(connection: Connection[Any], package: TrialPackage) -> None:
    """The package's visits stand in the place of those that an earlier load brought, in the current transaction.

    What people brought in stays, and a visit of the package that says the same is the same. Raises PackageError where
    both together make a registration of more days than the trial says.
    """
    trial_id = package.trial.id
    connection.execute("DELETE FROM visits WHERE trial_id = %s AND import_id IS NULL", (trial_id,))
    there = Counter(read(connection, trial_id))
    new: list[Visit] = []
    for visit in package.visits:
        if there[visit]:
            there[visit] -= 1
        else:
            new.append(visit)
    _insert(connection, trial_id, None, new)
    problems = [
        Problem(
            "visits.csv",
            None,
            "started_at",
            home,
            f"with the lists that were brought in, {said}; take the list back",
        )
        for home, said in too_long(connection, package.trial)
    ]
    if problems:
        raise PackageError(problems)


def too_long(connection: Connection[Any], trial: Trial) -> list[tuple[str, str]]:
    """Homes where visits of lists make a registration of more days than the trial says, and which days those are."""
    days = trial.parameters.registration_days
    rows = connection.execute(
        """
        SELECT s.code, v.period, min((v.started_at AT TIME ZONE %(zone)s)::date),
               max((v.started_at AT TIME ZONE %(zone)s)::date)
        FROM visits v JOIN sites s ON s.id = v.site_id
        JOIN enrolments e ON e.trial_id = v.trial_id AND e.site_id = v.site_id
        LEFT JOIN visit_imports i ON i.id = v.import_id
        WHERE v.trial_id = %(trial)s AND i.withdrawn_at IS NULL
        GROUP BY s.code, v.period HAVING bool_or(v.import_id IS NOT NULL) ORDER BY s.code, v.period
        """,
        {"trial": trial.id, "zone": trial.timezone},
    ).fetchall()
    return [
        (
            home,
            Saying(
                "the visits {period!r} at {home} go from {from_day} to {to_day}, and a registration has {days} days",
                period=period,
                home=home,
                from_day=first,
                to_day=last,
                days=days,
            ),
        )
        for home, period, first, last in rows
        if (last - first).days >= days
    ]


def bring_in(
    connection: Connection[Any],
    trial_id: str,
    visits: Sequence[Visit],
    left_out: Counts,
    *,
    file: str,
    system: str | None,
    by: str,
    at: datetime,
) -> int:
    """The visits count as one import, in the current transaction; its id. The history says so."""
    history.lock(connection)
    row = connection.execute(
        """
        INSERT INTO visit_imports (trial_id, file, system, rows_counted, rows_double, rows_outside, rows_refused,
                                   imported_by, imported_at)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id
        """,
        (trial_id, file, system, len(visits), *left_out, by, at),
    ).fetchone()
    assert row is not None
    import_id = int(row[0])
    _insert(connection, trial_id, import_id, visits)
    after = {"import": import_id, "file": file, "rows": len(visits)}
    _record(connection, trial_id, "visits_imported", None, after, by)
    return import_id


def imports(connection: Connection[Any], trial_id: str) -> list[VisitImport]:
    """The lists that were brought into the trial, also those that were taken back; the newest first."""
    rows = connection.execute(
        """
        SELECT i.id, i.file, i.system, i.rows_counted, i.rows_double, i.rows_outside, i.rows_refused, i.imported_by,
               i.imported_at, i.withdrawn_by, i.withdrawn_at,
               ARRAY(SELECT DISTINCT s.code FROM visits v JOIN sites s ON s.id = v.site_id
                     WHERE v.import_id = i.id ORDER BY s.code)
        FROM visit_imports i WHERE i.trial_id = %s ORDER BY i.id DESC
        """,
        (trial_id,),
    ).fetchall()
    return [VisitImport(*(*row[:-1], tuple(row[-1]))) for row in rows]


def one_import(connection: Connection[Any], trial_id: str, import_id: int) -> VisitImport:
    """The list of that id. Raises NotFoundError."""
    found = next((each for each in imports(connection, trial_id) if each.id == import_id), None)
    if found is None:
        raise NotFoundError(
            "no list {list} was brought into {trial!r}; its lists name their ids",
            list=import_id,
            trial=trial_id,
        )
    return found


def of_import(connection: Connection[Any], import_id: int) -> list[Visit]:
    """The visits that a list brought, in its order, also where it was taken back."""
    rows = connection.execute(
        """
        SELECT s.code, v.started_at, v.ended_at, v.kind, v.purpose, v.staff_group, v.travel_minutes, v.period
        FROM visits v JOIN sites s ON s.id = v.site_id WHERE v.import_id = %s ORDER BY v.place
        """,
        (import_id,),
    ).fetchall()
    return [Visit(*row) for row in rows]


def withdraw(connection: Connection[Any], trial_id: str, import_id: int, *, by: str, at: datetime) -> None:
    """Nothing of the list counts, in the current transaction. Raises NotFoundError, ClashError where it was so already."""
    history.lock(connection)
    found = one_import(connection, trial_id, import_id)
    if found.withdrawn_at is not None:
        raise ClashError(
            "{file} was taken back already, by {by}; there is nothing to do",
            file=found.file,
            by=found.withdrawn_by,
        )
    connection.execute(
        "UPDATE visit_imports SET withdrawn_by = %s, withdrawn_at = %s WHERE id = %s", (by, at, import_id)
    )
    before = {"import": import_id, "file": found.file, "rows": found.rows_counted}
    _record(connection, trial_id, "visits_withdrawn", before, None, by)


def restore(connection: Connection[Any], trial_id: str, import_id: int, *, by: str) -> None:
    """The list counts again, in the current transaction. Raises NotFoundError, ClashError where it does already."""
    history.lock(connection)
    found = one_import(connection, trial_id, import_id)
    if found.withdrawn_at is None:
        raise ClashError("{file} was not taken back; there is nothing to undo", file=found.file)
    connection.execute(
        "UPDATE visit_imports SET withdrawn_by = NULL, withdrawn_at = NULL WHERE id = %s", (import_id,)
    )
    after = {"import": import_id, "file": found.file, "rows": found.rows_counted}
    _record(connection, trial_id, "visits_restored", None, after, by)


def _insert(
    connection: Connection[Any], trial_id: str, import_id: int | None, visits: Iterable[Visit]
) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            INSERT INTO visits (trial_id, import_id, place, site_id, started_at, ended_at, kind, purpose, staff_group,
                                travel_minutes, period)
            SELECT %s, %s, %s, id, %s, %s, %s, %s, %s, %s, %s FROM sites WHERE code = %s
            """,
            [
                (trial_id, import_id, place, v.started_at, v.ended_at, v.kind, v.purpose, v.staff_group, v.travel_minutes,
                 v.period, v.home)
                for place, v in enumerate(visits)
            ],
        )  # fmt: skip


def _record(
    connection: Connection[Any],
    trial_id: str,
    action: str,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
    by: str,
) -> None:
    history.record(
        connection, by=by, action=action, subject=Subject("trial", trial_id), before=before, after=after
    )
