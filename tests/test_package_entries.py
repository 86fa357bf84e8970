"""What people entered, and how it came to stand so, comes out of a package as it went in, whatever kind it is of."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from operator import attrgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from conftest import Database
from hypothesis import given, settings
from hypothesis import strategies as st
from packages import one_home

from nyttig.column import Column
from nyttig.entries.answers import Feedback
from nyttig.entries.benefit import AssessedGain, Assumption, Harm, Realisation
from nyttig.entries.kinds import KINDS, EntryKind, from_json, to_json
from nyttig.entries.life import Idea, Vote
from nyttig.entries.people import Ambassador
from nyttig.errors import PackageError
from nyttig.export import export
from nyttig.model import Cost, Entry, Gain, Measure, TrialPackage
from nyttig.package.columns import ENTRY_TABLES
from nyttig.package.read import read
from nyttig.package.technologies import builtin_technologies
from nyttig.package.write import write
from nyttig.store import db, entries, registry
from nyttig.store.db import Session

KNOWN = builtin_technologies()
TRIAL = one_home("medicine_dispenser", homes=2)
GAINS = tuple(
    Gain(code, code, "time", "organisation", "visit_minutes_per_week", "lower") for code in ("time", "other")
)
NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)
LATER = datetime(2026, 10, 2, 7, 30, 0, 123, tzinfo=UTC)
FALL = Harm(title="Fell over the cable", perspective="citizen", severity="minor", seen_on=date(2026, 9, 20))
WORSE = replace(FALL, severity="serious")

GUIDE = Ambassador(code="guide", unit=TRIAL.trial.units[0])
IDEA = Idea(title="Rest", need="Sleep", raised_by="Nurse", raised_on=date(2026, 5, 1))
NAMED = {
    "ambassador_activity": (Entry("guide", 1, "ambassador", TRIAL.trial.id, GUIDE, loaded=True),),
    "vote": (Entry("rest", 1, "idea", None, IDEA, loaded=True),),
}
"""What entries of a kind name, and must be in their package."""

# Any entry at all

words = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")) | st.sampled_from("\t\r\n,;\"'"),
    min_size=1,
    max_size=12,
).filter(lambda text: text == text.strip())
codes = st.from_regex(r"[A-Za-z0-9._-]{1,8}", fullmatch=True)
days = st.dates(date(2000, 1, 1), date(2099, 12, 31))
moments = st.datetimes(datetime(2000, 1, 2), datetime(2099, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001  # naive on purpose: the bounds are of Hypothesis


def number(column: Column) -> st.SearchStrategy[Any]:
    """Finite, within the column's bounds."""
    low = column.above if column.at_least is None else column.at_least
    if column.kind == "integer":
        low, high = (bound if bound is None else int(bound) for bound in (low, column.at_most))
        return st.integers(-(10**17) if low is None else low, 10**17 if high is None else high)
    return st.floats(
        low,
        column.at_most,
        allow_nan=False,
        allow_infinity=False,
        exclude_min=column.at_least is None and column.above is not None,
    )


def value(column: Column) -> st.SearchStrategy[Any]:
    """Whatever may stand in the column of a trial with two homes, one unit and two gains."""
    named = {
        "home": ("h1", "h2"),
        "unit": TRIAL.trial.units,
        "gain": [gain.id for gain in GAINS],
        "ambassador": [GUIDE.code],
        "idea": ["rest"],
    }
    if column.name in named:
        return st.sampled_from(named[column.name])
    match column.kind:
        case "code":
            return codes
        case "choice":
            return st.sampled_from(column.choices)
        case "date":
            return days
        case "boolean":
            return st.booleans()
        case "json":
            return st.dictionaries(words, words, max_size=2).map(json.dumps)
        case "number" | "integer":
            return number(column)
        case "text":
            return words
    raise AssertionError(f"{column.name}: nobody said what a {column.kind} may be; say it here")


def noun(kind: EntryKind) -> st.SearchStrategy[Any]:
    """Anything of the kind that nothing speaks against."""
    if kind.noun is Assumption:
        told = [("discount_rate", 0.04, 0.0, 0.1), ("horizon_years", 5.0, None, None)]
        return st.sampled_from(told).map(
            lambda each: Assumption(name=each[0], likely=each[1], low=each[2], high=each[3])  # type: ignore[arg-type]  # names of the list
        )
    optional = {each.name for each in fields(kind.noun) if each.default is None}
    given = {each.name: value(each) for each in kind.columns}
    drawn = st.fixed_dictionaries(
        {name: st.none() | each if name in optional else each for name, each in given.items()}
    )
    return drawn.map(lambda told: settled(kind.noun(**told)))


def settled(data: Any) -> Any:
    """Numbers that depend on each other, so that they may stand together."""
    if isinstance(data, Realisation):
        return replace(data, reallocated_ratio=data.reallocated_ratio / 2, cashed_ratio=data.cashed_ratio / 2)
    if isinstance(data, AssessedGain):
        low, likely, high = sorted((data.low, data.likely, data.high))
        return replace(data, low=low, likely=likely, high=high)
    return data


def voice(vote: Vote) -> tuple[str, str]:
    """Each voter has one for an idea."""
    return vote.idea, vote.voter.casefold()


def entered(kind: EntryKind) -> st.SearchStrategy[list[Entry]]:
    """Up to two entries of the kind as they stand."""
    key: Any = attrgetter(kind.key) if kind.key else None
    if kind.noun is Vote:
        key = voice
    many = st.lists(noun(kind), max_size=2, unique_by=key)
    trial_id = TRIAL.trial.id if kind.of_trial else None
    return st.builds(
        lambda nouns, version, at, by: [
            Entry(f"{kind.name}-{n}", version, kind.name, trial_id, data, at, by, loaded=True)
            for n, data in enumerate(nouns)
        ],
        many,
        st.integers(1, 9),
        moments,
        words,
    )


def past(kind: EntryKind) -> st.SearchStrategy[list[Entry]]:
    """One entry of the kind as it was changed and taken back."""
    trial_id = TRIAL.trial.id if kind.of_trial else None
    said = st.tuples(st.none() | noun(kind), moments, words, st.booleans())
    return st.lists(said, max_size=3).map(
        lambda told: [
            Entry(f"past-{kind.name}", version, kind.name, trial_id, data, at, by, loaded)
            for version, (data, at, by, loaded) in enumerate(told, start=1)
        ]
    )


def one_kind(name: str) -> st.SearchStrategy[TrialPackage]:
    """The trial with whatever may be entered of one kind."""
    kind = KINDS[name]
    if name in ("gain", "measure", "cost"):
        key = attrgetter(kind.key) if kind.key else None
        nouns = st.lists(noun(kind), max_size=3, unique_by=key).map(tuple)
        where: Any = {
            "gain": lambda told: replace(TRIAL, trial=replace(TRIAL.trial, gains=told)),
            "measure": lambda told: replace(TRIAL, measures=told),
            "cost": lambda told: replace(TRIAL, costs=told),
        }[name]
        return st.builds(lambda told, rest: replace(where(told), versions=tuple(rest)), nouns, past(kind))
    with_gains = replace(TRIAL, trial=replace(TRIAL.trial, gains=GAINS))
    return st.builds(
        lambda told, rest: replace(with_gains, entries=(*NAMED.get(name, ()), *told), versions=tuple(rest)),
        entered(kind),
        past(kind),
    )


def back(package: TrialPackage, suffix: str) -> TrialPackage:
    with TemporaryDirectory() as folder:
        write(package, Path(folder) / "package", formats=(suffix,))
        return read(Path(folder) / "package", KNOWN)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=6)
@given(data=st.data(), suffix=st.sampled_from(("csv", "parquet")))
def test_whatever_is_entered_of_a_kind_comes_out_of_a_package_as_it_went_in(
    kind: str, data: st.DataObject, suffix: str
) -> None:
    package = data.draw(one_kind(kind))
    found = back(package, suffix)
    assert found.trial.gains == package.trial.gains
    assert (found.measures, found.costs) == (package.measures, package.costs)
    assert found.entries == package.entries
    assert found.versions == package.versions


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=15)
@given(data=st.data())
def test_whatever_is_entered_of_a_kind_is_kept_as_json_and_comes_back(kind: str, data: st.DataObject) -> None:
    told = data.draw(noun(KINDS[kind]))
    assert from_json(kind, json.loads(json.dumps(to_json(told)))) == told


def test_no_table_of_entries_is_written_where_nothing_was_entered(tmp_path: Path) -> None:
    write(TRIAL, tmp_path / "package")
    names = {path.stem for path in (tmp_path / "package").iterdir()}
    assert not names & {*ENTRY_TABLES, "entry_versions"}


# Histories that cannot be


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("e1,3,harm,2026-10-02T12:00Z,ida,false,", "column version: '3': does not follow: version 2 of e1"),
        ("e1,2,cost,2026-10-02T12:00Z,ida,false,", "column kind: 'cost': e1 is a harm in an earlier row"),
        ("e2,1,hram,2026-10-02T12:00Z,ida,false,", "Did you mean 'harm'"),
        ("e2,1,harm,2026-10-02T12:00Z,,false,", "column entered_by"),
        ('e2,1,harm,2026-10-02T12:00Z,ida,false,"[1]"', "is no JSON object"),
        (
            'e2,1,harm,2026-10-02T12:00Z,ida,false,"{""title"":""A"",""perspective"":""citizen"",""seen_on"":""2026-09-20"",""severity"":""bad""}"',
            "column data.severity: 'bad': is not one of: minor",
        ),
        ('e2,1,harm,2026-10-02T12:00Z,ida,false,"{""title"": [1]}"', "column data.title: '[1]': is a list"),
    ],
)
def test_a_history_that_cannot_be_is_refused_with_row_and_remedy(
    row: str, problem: str, tmp_path: Path
) -> None:
    folder = tmp_path / "package"
    write(TRIAL, folder)
    first = Entry("e1", 1, "harm", TRIAL.trial.id, FALL, NOON, "ida")
    write(replace(TRIAL, versions=(first,)), tmp_path / "whole")
    table = (tmp_path / "whole" / "entry_versions.csv").read_text()
    (folder / "entry_versions.csv").write_text(f"{table}{row}\n")
    with pytest.raises(PackageError) as refused:
        read(folder, KNOWN)
    assert f"entry_versions.csv, row 3, {problem}" in str(refused.value) or problem in str(refused.value)
    assert all(each.row == 3 for each in refused.value.problems)


def test_an_invisible_character_in_an_old_version_is_found() -> None:
    bell = Entry("e1", 1, "harm", TRIAL.trial.id, replace(FALL, title="a\x07b"), NOON, "ida")
    with pytest.raises(PackageError, match=r"data.title.*invisible control character"):
        back(replace(TRIAL, versions=(bell,)), "csv")


# From one house to the next

TIME = Gain("time", "Fewer visits", "time", "organisation", "visit_minutes_per_week", "lower", -30.0)
TRIED = replace(
    TRIAL,
    trial=replace(TRIAL.trial, gains=(TIME,)),
    measures=(Measure("h1", "who5", date(2026, 9, 2), "before", 52.0),) * 2,
    costs=(Cost("Dispenser", "capital", 9000.0, "device"),),
)
TRIAL_ID = TRIED.trial.id


@pytest.fixture
def here(embedded_database: Database) -> Iterator[Session]:
    """A system with the trial, in which people changed and took back what they and the package said."""
    with db.connect(embedded_database.conninfo) as session:
        registry.save(session, TRIED, KNOWN)
        braver = replace(TIME, target=-60.0)
        (gain,) = entries.current(session, TRIAL_ID, ["gain"])
        entries.change(session, gain.entry, braver, version=1, by="ida", at=NOON)
        fall = entries.write(session, TRIAL_ID, "harm", FALL, by="ida", at=NOON)
        entries.change(session, fall.entry, WORSE, version=1, by="per", at=LATER)
        slip = entries.write(session, TRIAL_ID, "harm", replace(FALL, title="A slip"), by="ida", at=NOON)
        entries.change(session, slip.entry, None, version=1, by="per", at=LATER)
        said = entries.write(session, TRIAL_ID, "feedback", words_of("Kari likes it"), by="ida", at=NOON)
        entries.change(session, said.entry, words_of("She likes it"), version=1, by="ida", at=LATER)
        session.commit()
        yield session


@pytest.fixture
def there(embedded_server: Any) -> Iterator[Session]:
    """Another system, with nothing in it."""
    with embedded_server.fresh_database() as fresh, db.connect(fresh.conninfo) as session:
        yield session


def words_of(text: str) -> Feedback:
    return Feedback(words=text, said_by="resident", said_on=date(2026, 9, 20), visible_to="coordinators")


def moved(session: Session, folder: Path) -> TrialPackage:
    """What the system's export says."""
    session.commit()
    export(session, TRIAL_ID, folder, formats=("csv",), now=LATER)
    return read(folder, KNOWN)


def load(session: Session, package: TrialPackage) -> None:
    registry.save(session, package, KNOWN)
    session.commit()


def everything(session: Session) -> list[Entry]:
    """Every version of everything but the words that people said, kind by kind."""
    return [
        each
        for kind in KINDS
        if kind != "feedback"
        for each in entries.every_version(session, TRIAL_ID, kind)
    ]


def test_history_survives_a_move_and_loading_it_twice_adds_nothing(
    here: Session, there: Session, tmp_path: Path
) -> None:
    package = moved(here, tmp_path / "export")
    for _twice in range(2):
        load(there, package)
        assert everything(there) == everything(here)
        carried = entries.current(there, TRIAL_ID)
        assert {(each.kind, each.data) for each in carried} == {
            (each.kind, each.data) for each in entries.current(here, TRIAL_ID)
        }
    assert {each.version for each in everything(there) if each.kind == "harm"} == {1, 2}
    again = moved(there, tmp_path / "again")
    assert again.versions == package.versions


def test_loading_an_export_where_it_came_from_adds_nothing(here: Session, tmp_path: Path) -> None:
    before = everything(here)
    load(here, moved(here, tmp_path / "export"))
    assert everything(here) == before


def test_undo_works_on_after_a_move(here: Session, there: Session, tmp_path: Path) -> None:
    load(there, moved(here, tmp_path / "export"))
    (harm,) = entries.current(there, TRIAL_ID, ["harm"])
    assert entries.undo(there, harm.entry, version=2, by="ola", at=LATER).data == FALL


def test_what_came_later_comes_with_the_next_export_and_what_was_changed_there_stays(
    here: Session, there: Session, tmp_path: Path
) -> None:
    first = moved(here, tmp_path / "first")
    load(there, first)
    (harm,) = entries.current(here, TRIAL_ID, ["harm"])
    entries.undo(here, harm.entry, version=2, by="ida", at=LATER)
    load(there, moved(here, tmp_path / "second"))
    assert everything(there) == everything(here)

    own = entries.change(there, harm.entry, replace(FALL, done="Cable moved"), version=3, by="ola", at=LATER)
    for number in range(2):
        load(there, moved(here, tmp_path / f"third-{number}"))
        load(there, first)
        assert entries.versions(there, harm.entry)[-1] == own


def test_what_was_entered_by_hand_and_moved_is_not_taken_back_by_the_package_it_was_not_in(
    here: Session, there: Session, tmp_path: Path
) -> None:
    load(there, moved(here, tmp_path / "export"))
    load(there, TRIED)
    assert [each.data for each in entries.current(there, TRIAL_ID, ["harm"])] == [WORSE]
    assert registry.read(there, TRIAL_ID).trial.gains == (replace(TIME, target=-60.0),)


def test_what_is_taken_back_here_is_taken_back_there_by_the_same_person(
    here: Session, there: Session, tmp_path: Path
) -> None:
    load(there, moved(here, tmp_path / "first"))
    (harm,) = entries.current(here, TRIAL_ID, ["harm"])
    entries.change(here, harm.entry, None, version=2, by="kari", at=LATER)
    load(there, moved(here, tmp_path / "second"))
    assert entries.current(there, TRIAL_ID, ["harm"]) == []
    assert entries.versions(there, harm.entry)[-1].entered_by == "kari"


def test_a_gain_that_was_changed_by_hand_in_an_export_is_one_version_more(
    here: Session, there: Session, tmp_path: Path
) -> None:
    package = moved(here, tmp_path / "export")
    bravest = replace(TIME, target=-90.0)
    load(there, replace(package, trial=replace(package.trial, gains=(bravest,))))
    (gain,) = entries.current(there, TRIAL_ID, ["gain"])
    told = [each.data.target for each in entries.versions(there, gain.entry)]
    assert told == [-30.0, -60.0, -90.0]


def test_words_that_were_changed_stay_where_they_were_entered(
    here: Session, there: Session, tmp_path: Path
) -> None:
    package = moved(here, tmp_path / "export")
    assert all("Kari" not in path.read_text() for path in (tmp_path / "export").iterdir())
    load(there, package)
    assert [each.data.words for each in entries.every_version(there, TRIAL_ID, "feedback")] == [
        "She likes it"
    ]


def test_a_copy_of_a_package_under_another_id_has_entries_of_its_own(here: Session, tmp_path: Path) -> None:
    package = moved(here, tmp_path / "export")
    before = everything(here)

    def owned(each: Entry) -> Entry:
        return replace(each, trial_id="copy")

    copy = replace(
        package,
        trial=replace(package.trial, id="copy"),
        homes=tuple(replace(each, home=f"c{each.home}") for each in package.homes),
        devices=(),
        placements=(),
        measures=(),
        entries=tuple(owned(each) for each in package.entries),
        versions=tuple(owned(each) for each in package.versions),
    )
    for _twice in range(2):
        load(here, copy)
        assert everything(here) == before
        (harm,) = entries.every_version(here, "copy", "harm")[-1:]
        assert harm.data == WORSE
        assert len(entries.every_version(here, "copy", "harm")) == 2
