"""What people entered, every version of it; the newest counts."""

from __future__ import annotations

import json
import secrets
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from psycopg import Connection

from nyttig.entries.kinds import KINDS, from_json, to_json
from nyttig.errors import ClashError, NotFoundError
from nyttig.model import Entry, Trial, TrialPackage
from nyttig.store import history
from nyttig.store.history import Subject

STAYING = frozenset({"feedback"})
"""Kinds of which a package carries what stands, and not how it came to."""


def current(
    connection: Connection[Any],
    trial_id: str | None,
    kinds: Iterable[str] | None = None,
    *,
    before: datetime | None = None,
) -> list[Entry]:
    """The entries of a trial (None: of none) as they stand, or stood before a moment, the oldest first."""
    rows = connection.execute(
        """
        SELECT entry, version, kind, trial_id, data, entered_at, entered_by, loaded FROM (
            SELECT DISTINCT ON (entry) *, min(id) OVER (PARTITION BY entry) AS first FROM entries
            WHERE (trial_id = %(trial)s OR (%(trial)s::text IS NULL AND trial_id IS NULL))
              AND (%(kinds)s::text[] IS NULL OR kind = ANY (%(kinds)s))
              AND (%(before)s::timestamptz IS NULL OR entered_at < %(before)s)
            ORDER BY entry, version DESC) newest
        WHERE data IS NOT NULL ORDER BY first
        """,
        {"trial": trial_id, "kinds": None if kinds is None else list(kinds), "before": before},
    ).fetchall()
    return [_entry(row) for row in rows]


def versions(connection: Connection[Any], entry: str) -> list[Entry]:
    """Every version of an entry, the oldest first. Raises NotFoundError."""
    rows = connection.execute(
        """
        SELECT entry, version, kind, trial_id, data, entered_at, entered_by, loaded FROM entries
        WHERE entry = %s ORDER BY version
        """,
        (entry,),
    ).fetchall()
    if not rows:
        raise NotFoundError("there is no entry {entry!r}; the lists of entries name theirs", entry=entry)
    return [_entry(row) for row in rows]


def every_version(connection: Connection[Any], trial_id: str | None, kind: str) -> list[Entry]:
    """Every version of a trial's (None: no trial's) entries of one kind in the order they came, also of those taken back."""
    rows = connection.execute(
        """
        SELECT entry, version, kind, trial_id, data, entered_at, entered_by, loaded FROM entries
        WHERE trial_id IS NOT DISTINCT FROM %s AND kind = %s ORDER BY id
        """,
        (trial_id, kind),
    ).fetchall()
    return [_entry(row) for row in rows]


def write(
    connection: Connection[Any], trial_id: str | None, kind: str, data: object, *, by: str, at: datetime
) -> Entry:
    """A new entry stands, in the current transaction. Raises ClashError where its key is taken."""
    history.lock(connection)
    _refuse_double(connection, trial_id, kind, data, but=None)
    return _append(connection, Entry(secrets.token_hex(6), 1, kind, trial_id, data, at, by), "entered")


def change(
    connection: Connection[Any], entry: str, data: object | None, *, version: int, by: str, at: datetime
) -> Entry:
    """The entry says `data` from now on (None: it is taken back), in the current transaction.

    `version` is the one that the change was made from. Raises NotFoundError, and ClashError where somebody changed
    the entry meanwhile or its key is taken.
    """
    history.lock(connection)
    newest = _unchanged(connection, entry, version)[-1]
    if data is not None:
        _refuse_double(connection, newest.trial_id, newest.kind, data, but=entry)
    if data == newest.data:
        return newest
    action = "took back" if data is None else "changed"
    return _append(
        connection, Entry(entry, newest.version + 1, newest.kind, newest.trial_id, data, at, by), action
    )


def undo(connection: Connection[Any], entry: str, *, version: int, by: str, at: datetime) -> Entry:
    """The entry says again what it said before its newest version, in the current transaction.

    Undone twice, it is as it was. Raises as `change` does.
    """
    history.lock(connection)
    known = _unchanged(connection, entry, version)
    before = known[-2].data if len(known) > 1 else None
    return change(connection, entry, before, version=version, by=by, at=at)


def carried(connection: Connection[Any], package: TrialPackage) -> tuple[Entry, ...]:
    """Every version of what the trial's package holds and of what was taken back, kind by kind, in the order they came.

    Of words that people said themselves only those that stand travel, in their table: others were perhaps changed because
    they named somebody.
    """
    rows = connection.execute(
        """
        SELECT entry, version, kind, trial_id, data, entered_at, entered_by, loaded FROM entries
        WHERE (trial_id = %s OR entry = ANY (%s)) AND kind <> ALL (%s) ORDER BY id
        """,
        (
            package.trial.id,
            [each.entry for each in package.entries if each.trial_id is None],
            list(STAYING),
        ),
    ).fetchall()
    places = {name: place for place, name in enumerate(KINDS)}
    return tuple(sorted((_entry(row) for row in rows), key=lambda each: places[each.kind]))


def load(
    connection: Connection[Any],
    trial_id: str | None,
    kind: str,
    given: Sequence[Entry],
    *,
    by: str,
    past: Sequence[Entry] = (),
) -> None:
    """What a package says of one kind stands, in the current transaction, and what people entered stays.

    `past` holds the versions that the package tells of; where those of an entry go on from the ones here, the rest
    of them are added as they are, and with an entry that is new here all of them. Else: a row that is there already,
    under its own name, its key or word for word, changes nothing; nor does one that says what an earlier version or the
    last load said, where somebody changed it since. What an earlier load brought and this package lacks is taken back,
    unless somebody changed it. What belongs to no trial is only added. A name that another trial uses is changed.
    """
    key = KINDS[kind].key
    here = _Known(every_version(connection, trial_id, kind), key)
    told = _Known(past, key)
    names = set(here.free)
    elsewhere = _elsewhere(connection, trial_id, kind, {each.entry for each in (*given, *past)})
    new: list[Entry] = []
    for row in given:
        before = told.take(row) if row.entry in told.free or not row.entry else None
        versions = _with(row, [] if before is None else before.versions)
        state = here.take(replace(row, entry=versions[0].entry))
        if state is not None:
            new += _news(state, versions)
        elif versions[0].entry not in names:
            new += versions
    if trial_id is not None:
        for before in told.free.values():
            if before.newest.data is None and before.newest.entry not in names | elsewhere:
                new += before.versions
        for state in here.free.values():
            gone = Entry(state.newest.entry, state.newest.version + 1, kind, trial_id, None, loaded=True)
            taken_back = told.free.get(state.newest.entry)
            tail = None if taken_back is None else _tail(state, taken_back.versions)
            if tail and tail[-1].data is None:
                new += tail
            elif state.newest.loaded and state.newest.data is not None:
                new.append(gone)
    places = {(each.entry, each.version): place for place, each in enumerate(past)}
    new.sort(key=lambda each: places.get((each.entry, each.version), len(places)))
    codes = {name: secrets.token_hex(6) for name in elsewhere}
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            INSERT INTO entries (entry, version, kind, trial_id, data, entered_at, entered_by, loaded)
            VALUES (%s, %s, %s, %s, %s::jsonb, coalesce(%s, clock_timestamp()), %s, %s)
            """,
            [
                (
                    codes.get(each.entry, each.entry) or secrets.token_hex(6),
                    each.version,
                    kind,
                    trial_id,
                    None if each.data is None else json.dumps(to_json(each.data)),
                    each.entered_at,
                    each.entered_by or by,
                    each.loaded,
                )
                for each in new
            ],
        )


def _elsewhere(connection: Connection[Any], trial_id: str | None, kind: str, names: set[str]) -> set[str]:
    """Those names that are entries of another trial or kind already: the package is a copy."""
    rows = connection.execute(
        "SELECT DISTINCT entry FROM entries WHERE entry = ANY (%s) AND (trial_id IS DISTINCT FROM %s OR kind <> %s)",
        (list(names), trial_id, kind),
    ).fetchall()
    return {entry for (entry,) in rows}


def save(connection: Connection[Any], package: TrialPackage, *, by: str) -> None:
    """All that a package says was entered stands, in the current transaction, and what people entered stays."""
    trial_id = package.trial.id
    given: dict[str, list[Entry]] = {name: [] for name in KINDS}
    for name, nouns in (
        ("gain", package.trial.gains),
        ("measure", package.measures),
        ("cost", package.costs),
    ):
        given[name] = [Entry("", 1, name, trial_id, noun) for noun in nouns]
    for each in package.entries:
        given[each.kind].append(each)
    past: dict[str, list[Entry]] = defaultdict(list)
    for each in package.versions:
        past[each.kind].append(each)
    for name, rows in given.items():
        load(connection, trial_id if KINDS[name].of_trial else None, name, rows, by=by, past=past[name])


def around(connection: Connection[Any], trial: Trial) -> list[Entry]:
    """Entries of no trial that led to this one or hold it: its ideas with their votes, its programme and what that is part of."""
    free = current(connection, None, ["idea", "vote", "programme"])
    ideas = {each.entry for each in free if each.kind == "idea" and each.data.trial == trial.id}
    programmes = {each.data.name: each.data for each in free if each.kind == "programme"}
    named: set[str] = set()
    name = trial.programme
    while name is not None and name in programmes and name not in named:
        named.add(name)
        name = programmes[name].part_of
    return [
        each
        for each in free
        if each.entry in ideas
        or (each.kind == "vote" and each.data.idea in ideas)
        or (each.kind == "programme" and each.data.name in named)
    ]


class _State(NamedTuple):
    """The versions of one entry, the oldest first."""

    versions: list[Entry]

    @property
    def newest(self) -> Entry:
        return self.versions[-1]

    @property
    def loaded(self) -> Any:
        """What the last load said; None: none did."""
        return next((each.data for each in reversed(self.versions) if each.loaded), None)


class _Known:
    """Entries of one kind by name, each to be taken once. `free` are those that were not."""

    def __init__(self, versions: Iterable[Entry], key: str | None) -> None:
        of_entry: dict[str, list[Entry]] = defaultdict(list)
        for each in versions:
            of_entry[each.entry].append(each)
        self.free = {entry: _State(known) for entry, known in of_entry.items()}
        self._key = key
        self._saying: dict[Hashable, list[_State]] = defaultdict(list)
        states = list(self.free.values())
        # What an entry says now goes before what it said when it was last loaded.
        for data, state in [(each.newest.data, each) for each in states] + [
            (each.loaded, each) for each in states
        ]:
            for says in self._sayings(data):
                self._saying[says].append(state)

    def take(self, row: Entry) -> _State | None:
        """The entry that the row is, under its name, its key or word for word; it is free no longer."""
        alike = (each for says in self._sayings(row.data) for each in self._saying.get(says, ()))
        state = self.free.get(row.entry) or next(
            (each for each in alike if each.newest.entry in self.free), None
        )
        if state is not None:
            del self.free[state.newest.entry]
        return state

    def _sayings(self, data: Any) -> list[Hashable]:
        if data is None:
            return []
        return [data] if self._key is None else [data, (self._key, getattr(data, self._key))]


def _with(row: Entry, versions: list[Entry]) -> list[Entry]:
    """The versions that lead to what a row of a package says; a row that was changed by hand is one more."""
    if not versions:
        return [replace(row, loaded=True)]
    if versions[-1].data == row.data:
        return versions
    first = versions[0]
    return [*versions, Entry(first.entry, len(versions) + 1, row.kind, row.trial_id, row.data, loaded=True)]


def _tail(state: _State, versions: list[Entry]) -> list[Entry] | None:
    """The versions that go on from what is here, under its name; None where they do not."""
    here = [each.data for each in state.versions]
    if [each.data for each in versions[: len(here)]] != here:
        return None
    return [
        replace(each, entry=state.newest.entry, version=state.newest.version + more)
        for more, each in enumerate(versions[len(here) :], start=1)
    ]


def _news(state: _State, versions: list[Entry]) -> list[Entry]:
    """What the versions of a package add to those that are here."""
    tail = _tail(state, versions)
    if tail is not None:
        return tail
    row = versions[-1]
    went_on = row.entered_at is not None and any(
        (each.data, each.entered_at, each.entered_by) == (row.data, row.entered_at, row.entered_by)
        for each in state.versions
    )
    if went_on or row.data in (state.newest.data, state.loaded):
        return []
    return [
        Entry(state.newest.entry, state.newest.version + 1, row.kind, row.trial_id, row.data, loaded=True)
    ]


def _unchanged(connection: Connection[Any], entry: str, version: int) -> list[Entry]:
    known = versions(connection, entry)
    if known[-1].version != version:
        raise ClashError(
            "somebody changed this meanwhile: it is version {newest}, by {by}, and yours was made from version {version}; look "
            "at it and enter yours again",
            newest=known[-1].version,
            by=known[-1].entered_by,
            version=version,
        )
    return known


def _refuse_double(
    connection: Connection[Any], trial_id: str | None, kind: str, data: object, *, but: str | None
) -> None:
    key = KINDS[kind].key
    if key is None:
        return
    for there in current(connection, trial_id, [kind]):
        if there.entry != but and getattr(there.data, key) == getattr(data, key):
            raise ClashError(
                "{value!r} is there already; change that one, or give another {key}",
                field=key,
                value=getattr(data, key),
                key=key,
            )


def _append(connection: Connection[Any], entry: Entry, action: str) -> Entry:
    connection.execute(
        """
        INSERT INTO entries (entry, version, kind, trial_id, data, entered_at, entered_by, loaded)
        VALUES (%s, %s, %s, %s, %s::jsonb, %s, %s, false)
        """,
        (
            entry.entry,
            entry.version,
            entry.kind,
            entry.trial_id,
            None if entry.data is None else json.dumps(to_json(entry.data)),
            entry.entered_at,
            entry.entered_by,
        ),
    )
    if entry.trial_id is not None:
        # Its words stay with the entry, where those may read them who may read it.
        history.record(
            connection,
            by=entry.entered_by or history.COMMAND_LINE,
            action=action,
            subject=Subject("trial", entry.trial_id),
            before=None,
            after={"kind": entry.kind, "entry": entry.entry, "version": entry.version},
        )
    return entry


def _entry(row: tuple[Any, ...]) -> Entry:
    entry, version, kind, trial_id, data, *rest = row
    return Entry(entry, version, kind, trial_id, None if data is None else from_json(kind, data), *rest)
