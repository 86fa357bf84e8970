"""What people entered, every version of it; the newest counts."""

from __future__ import annotations

import json
import secrets
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from psycopg import Connection

from nyttig.entries.kinds import KINDS, from_json, to_json
from nyttig.errors import ClashError, NotFoundError
from nyttig.model import Entry, Trial, TrialPackage
from nyttig.store import history
from nyttig.store.history import Subject


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
        raise NotFoundError(f"there is no entry {entry!r}; the lists of entries name theirs")
    return [_entry(row) for row in rows]


def every_version(connection: Connection[Any], trial_id: str, kind: str) -> list[Entry]:
    """Every version of a trial's entries of one kind in the order in which they came, also of those taken back."""
    rows = connection.execute(
        """
        SELECT entry, version, kind, trial_id, data, entered_at, entered_by, loaded FROM entries
        WHERE trial_id = %s AND kind = %s ORDER BY id
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


def load(
    connection: Connection[Any], trial_id: str | None, kind: str, given: Sequence[Entry], *, by: str
) -> None:
    """What a package says of one kind stands, in the current transaction, and what people entered stays.

    A row that is there already, under its own name, its key or word for word, changes nothing; nor does one that says
    what the last load said, where somebody changed it since. What an earlier load brought and this package lacks is
    taken back, unless somebody changed it. What belongs to no trial is only added.
    """
    known = _known(connection, trial_id, kind)
    names = {state.newest.entry: state for state in known}
    free = dict(names)
    same = _by_what_they_say(known, KINDS[kind].key)
    new: list[Entry] = []
    for row in given:
        alike = (each for says in _sayings(row.data, KINDS[kind].key) for each in same.get(says, ()))
        state = free.get(row.entry) or next((each for each in alike if each.newest.entry in free), None)
        if state is not None:
            del free[state.newest.entry]
            if row.data not in (state.newest.data, state.loaded):
                new.append(Entry(state.newest.entry, state.newest.version + 1, kind, trial_id, row.data))
        elif row.entry not in names:
            new.append(row)
    if trial_id is not None:
        new += [
            Entry(state.newest.entry, state.newest.version + 1, kind, trial_id, None)
            for state in free.values()
            if state.newest.loaded and state.newest.data is not None
        ]
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            INSERT INTO entries (entry, version, kind, trial_id, data, entered_at, entered_by, loaded)
            VALUES (%s, %s, %s, %s, %s::jsonb, coalesce(%s, clock_timestamp()), %s, true)
            """,
            [
                (
                    each.entry or secrets.token_hex(6),
                    each.version,
                    kind,
                    trial_id,
                    None if each.data is None else json.dumps(to_json(each.data)),
                    each.entered_at,
                    each.entered_by or by,
                )
                for each in new
            ],
        )


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
    for name, rows in given.items():
        load(connection, trial_id if KINDS[name].of_trial else None, name, rows, by=by)


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
    """An entry as a load finds it: its newest version, and what the last load said (None: none did)."""

    newest: Entry
    loaded: Any


def _known(connection: Connection[Any], trial_id: str | None, kind: str) -> list[_State]:
    rows = connection.execute(
        """
        SELECT entry, version, kind, trial_id, data, entered_at, entered_by, loaded FROM entries
        WHERE (trial_id = %(trial)s OR (%(trial)s::text IS NULL AND trial_id IS NULL)) AND kind = %(kind)s
        ORDER BY entry, version
        """,
        {"trial": trial_id, "kind": kind},
    ).fetchall()
    of_entry: dict[str, list[Entry]] = defaultdict(list)
    for row in rows:
        of_entry[row[0]].append(_entry(row))
    return [
        _State(known[-1], next((each.data for each in reversed(known) if each.loaded), None))
        for known in of_entry.values()
    ]


def _sayings(data: Any, key: str | None) -> list[Hashable]:
    """What an entry may be known by: its words, and its key."""
    return [data] if key is None else [data, (key, getattr(data, key))]


def _by_what_they_say(states: Sequence[_State], key: str | None) -> dict[Hashable, list[_State]]:
    """The entries by what they say now, and after those by what they said when they were last loaded."""
    known: dict[Hashable, list[_State]] = defaultdict(list)
    told = [(state.newest.data, state) for state in states] + [(state.loaded, state) for state in states]
    for data, state in told:
        if data is not None:
            for says in _sayings(data, key):
                known[says].append(state)
    return known


def _unchanged(connection: Connection[Any], entry: str, version: int) -> list[Entry]:
    known = versions(connection, entry)
    if known[-1].version != version:
        raise ClashError(
            f"somebody changed this meanwhile: it is version {known[-1].version}, by {known[-1].entered_by}, and yours was made "
            f"from version {version}; look at it and enter yours again"
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
                f"{key}: {getattr(data, key)!r} is there already; change that one, or give another {key}"
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
