"""What a package says that people entered is judged as if somebody typed it: load and the pages obey one set of rules."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packages import one_home

from nyttig import entering
from nyttig.entries.answers import Answer, Feedback, Instrument, Registration, RegistrationPlan
from nyttig.entries.kinds import KINDS, kind_of, to_json
from nyttig.entries.life import Cycle, Decision, Handover, Phase, PhaseName
from nyttig.entries.people import Ambassador, AmbassadorActivity
from nyttig.errors import ClashError, EntryError, PackageError, Problem
from nyttig.export import export
from nyttig.load import load, refusals
from nyttig.model import Entry, Gain, TrialPackage
from nyttig.package.read import read
from nyttig.package.technologies import builtin_technologies
from nyttig.package.write import write
from nyttig.store import db, entries, registry
from nyttig.store.db import Session

KNOWN = builtin_technologies()
EXAMPLES = Path(__file__).parent.parent / "examples"
UNIT, OTHER = "Bydel Alna", "Bydel Gamle Oslo"
_ONE = one_home("medicine_dispenser", homes=2)
TRIAL = replace(_ONE, trial=replace(_ONE.trial, units=(UNIT, OTHER)))
TRIAL_ID = TRIAL.trial.id
NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)
THE_END = datetime(2099, 12, 30, tzinfo=UTC)
"""Nothing is still to come then."""

OWN = "key,title,items\nown,Own,Rest?\n"
WHO5 = "instrument,answered_on,period,respondent,home,unit,items\nwho5,2026-09-02,before,"
WORK = "unit,day,shift,period,home,purpose,minutes\n"
PLAN = "unit,period,from_day,to_day,shifts\n"
DECIDED = "decided_on,phase,decision,reason,decided_by,next_phase\n2026-10-01,"


@pytest.fixture
def store(embedded_server: Any) -> Iterator[Session]:
    """A system with nothing in it."""
    with embedded_server.fresh_database() as fresh, db.connect(fresh.conninfo) as session:
        yield session


@pytest.fixture(scope="module")
def running(embedded_server: Any) -> Iterator[Session]:
    """A system with the trial, and a line that takes it on."""
    with embedded_server.fresh_database() as fresh, db.connect(fresh.conninfo) as session:
        registry.save(session, TRIAL, KNOWN)
        entries.write(session, TRIAL_ID, "handover", Handover(line_owner="Head"), by="ida", at=NOON)
        session.commit()
        yield session


def problems_of(folder: Path) -> list[Problem]:
    """What load has against the package."""
    try:
        read(folder, KNOWN, refusals)
    except PackageError as error:
        return list(error.problems)
    return []


def written(folder: Path, package: TrialPackage = TRIAL, /, **tables: str) -> Path:
    write(package, folder / "package")
    (folder / "package" / "datapackage.json").unlink()
    for name, text in tables.items():
        (folder / "package" / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder / "package"


@pytest.mark.parametrize(
    ("table", "text", "column", "value", "remedy"),
    [
        ("answers", f"{WHO5}resident,h1,,3 3 3 2 6\n", "items", "3 3 3 2 6", "6 is beside the scale"),
        ("answers", f"{WHO5}resident,h1,,3 3 3 2\n", "items", "3 3 3 2", "enter 5"),
        ("answers", f"{WHO5}resident,h1,,- - - - -\n", "items", "- - - - -", "answers nothing"),
        ("answers", f"{WHO5}resident,,,3 3 3 2 2\n", "home", None, "enter the code of the home"),
        ("answers", f"{WHO5}staff,,,3 3 3 2 2\n", "unit", None, "enter the unit"),
        ("answers", f"{WHO5}resident,h1,,3 3 3 2 2\n".replace("who5", "who6"), "instrument", "who6", "who5"),
        ("instruments", OWN.replace("own,", "sus,"), "key", "sus", "take another code"),
        ("instruments", OWN.replace("items", "items,reversed_items").replace("?", "?,9"), None, None, "no item 9"),
        ("registrations", f"{WORK}{OTHER},2026-09-02,day,after,h1,wash,9\n", "home", "h1", "lies in 'Bydel Alna'"),
        ("registrations", f"{WORK}{UNIT},2026-09-02,day,after,h1,wash,2000\n", "minutes", "2000.0", "a day has"),
        ("registrations", f"{WORK}{UNIT},2026-09-02,day,after,h1,none,5\n", "purpose", "none", "or enter 0"),
        ("registration_plans", f"{PLAN}{UNIT},after,2026-09-14,2026-09-01,day\n", "to_day", "2026-09-01", "before"),
        ("registration_plans", f"{PLAN}{UNIT},after,2026-09-01,2026-09-14,dawn\n", "shifts", "dawn", "day evening"),
        (
            "feedback",
            "words,said_by,said_on,visible_to\nRing 22 33 44 55,staff,2026-09-02,staff\n",
            "words",
            "Ring 22 33 44 55",
            "looks like a phone number",
        ),
        ("phases", "phase,starts_on,ends_on\nidea,2026-09-02,2026-09-01\n", "ends_on", "2026-09-01", "before it starts"),
        ("cycles", "number,need,starts_on,ends_on\n1,Rest,2026-09-02,2026-09-01\n", "ends_on", "2026-09-01", "before"),
        ("decisions", f"{DECIDED}idea,go_on,Good,All,main_project\n", "next_phase", "main_project", "does not follow"),
        ("decisions", f"{DECIDED}pre_study,stop,Bad,All,operation\n", "next_phase", "operation", "leave it empty"),
        ("ambassador_activities", "ambassador,done_on,what\na1,2026-09-02,guided\n", "ambassador", "a1", "ambassadors.csv"),
        ("votes", "idea,voter\ni1,Nurse\n", "idea", "i1", "stands in no row of ideas.csv"),
    ],
)  # fmt: skip
def test_what_a_page_would_refuse_is_refused_with_file_row_column_value_and_remedy(
    table: str, text: str, column: str | None, value: str | None, remedy: str, tmp_path: Path
) -> None:
    (problem,) = problems_of(written(tmp_path, **{table: text}))
    assert (problem.file, problem.row, problem.column, problem.value) == (f"{table}.csv", 2, column, value)
    assert remedy in problem.remedy
    assert value is None or not problem.remedy.startswith(repr(value))


def test_rows_that_speak_against_each_other_are_found_and_the_later_one_is_named(tmp_path: Path) -> None:
    folder = written(
        tmp_path,
        registrations=f"{WORK}{UNIT},2026-09-02,day,after,h1,wash,9\n{UNIT},2026-09-02,day,after,,none,0\n"
        f"{UNIT},2026-09-02,night,after,,none,0\n",
        registration_plans=f"{PLAN}{UNIT},after,2026-09-01,2026-09-14,day\n{UNIT},after,2026-09-14,2026-09-20,day\n"
        f"{OTHER},after,2026-09-01,2026-09-14,day\n",
        ideas="entry,title,need,raised_by,raised_on\ni1,Rest,Sleep,Nurse,2026-05-01\n",
        votes="idea,voter\ni1,Nurse\ni1,Cook\ni1,nurse\n",
    )
    assert [(each.file, each.row, each.column) for each in problems_of(folder)] == [
        ("votes.csv", 4, "voter"),
        ("registration_plans.csv", 3, "from_day"),
        ("registrations.csv", 3, "purpose"),
    ]


def test_every_problem_is_told_at_once_and_one_slip_is_one_problem(tmp_path: Path) -> None:
    folder = written(
        tmp_path,
        instruments="key,title,items,lowest\nown,Own,Rest?,low\n",
        answers=f"{WHO5}resident,h1,,1\n".replace("who5", "own"),
        feedback="words,said_by,said_on,visible_to\na@b.no,staff,2026-09-02,staff\n",
        cycles="number,need,starts_on,ends_on\n1,Rest,2026-09-02,2026-09-01\n2,,,\n",
        homes="home,site_type,unit\nh1,home,Bydel Aker\n",
    )
    told = [(each.file, each.column) for each in problems_of(folder)]
    assert set(told) >= {
        ("instruments.csv", "lowest"),
        ("feedback.csv", "words"),
        ("cycles.csv", "ends_on"),
        ("cycles.csv", "need"),
        ("homes.csv", "unit"),
    }
    assert "answers.csv" not in dict(told), "its questionnaire could not be read, and that is told"


def test_answers_to_a_questionnaire_that_is_refused_are_not_told_on_top_of_it(tmp_path: Path) -> None:
    folder = written(
        tmp_path,
        instruments="key,title,items,highest\nown,Own,Rest?,1\n",
        answers=f"{WHO5}resident,h1,,1\n".replace("who5", "own"),
    )
    assert [each.file for each in problems_of(folder)] == ["instruments.csv"]


def test_nothing_is_loaded_of_a_package_with_an_answer_beside_its_scale(
    store: Session, tmp_path: Path
) -> None:
    with pytest.raises(PackageError, match=r"answers.csv, row 2, column items: '3 3 3 2 6': who5, item 5"):
        load(store, written(tmp_path, answers=f"{WHO5}resident,h1,,3 3 3 2 6\n"), KNOWN)
    store.rollback()
    assert registry.trial_ids(store) == []


def test_a_package_may_tell_of_what_is_still_to_come_and_of_a_start_without_a_baseline(
    store: Session, tmp_path: Path
) -> None:
    gain = Gain("time", "Fewer visits", "time", "organisation", "visit_minutes_per_week", "lower")
    folder = written(
        tmp_path,
        replace(TRIAL, trial=replace(TRIAL.trial, gains=(gain,))),
        phases="phase,starts_on\nmain_project,2026-09-01\n",
        decisions=f"{DECIDED}main_project,put_to_use,Good,All,operation\n",
        answers=f"{WHO5}resident,h1,,3 3 3 2 2\n".replace("2026", "2098"),
    )
    load(store, folder, KNOWN)
    assert len(entries.current(store, TRIAL_ID)) == 4


@pytest.mark.parametrize("example", [each.name for each in EXAMPLES.iterdir() if each.is_dir()])
def test_the_examples_obey_also_without_the_history_that_vouches_for_them(
    example: str, tmp_path: Path
) -> None:
    folder = shutil.copytree(EXAMPLES / example, tmp_path / example)
    (folder / "entry_versions.csv").unlink()
    assert problems_of(folder) == []


# What stood in a Nyttig moves on, whatever was taken back around it


def entered(session: Session, data: Any, trial_id: str | None = TRIAL_ID) -> Entry:
    return entering.enter(session, kind_of(data).name, to_json(data), trial_id=trial_id, by="ida", at=NOON)


def test_an_export_loads_though_what_an_entry_rests_on_was_taken_back(store: Session, tmp_path: Path) -> None:
    registry.save(store, TRIAL, KNOWN)
    asked = entered(store, Instrument(key="own", title="Own", items="Rest?\nSleep?"))
    entered(store, answer("own", "3 4"))
    guide = entered(store, Ambassador(code="a1", unit=UNIT))
    entered(store, AmbassadorActivity(ambassador="a1", done_on=date(2026, 9, 2), what="guided"))
    for each in (asked, guide):
        entries.change(store, each.entry, None, version=1, by="ida", at=NOON)
    store.commit()
    folder = tmp_path / "export"
    export(store, TRIAL_ID, folder, formats=("csv",), now=NOON)
    before = entries.current(store, TRIAL_ID)
    assert load(store, folder, KNOWN).package.entries
    assert entries.current(store, TRIAL_ID) == before

    (folder / "datapackage.json").unlink()
    table = folder / "answers.csv"
    table.write_text(table.read_text().replace("3 4", "3 5"))
    (problem,) = problems_of(folder)
    assert (problem.file, problem.column, problem.value) == ("answers.csv", "instrument", "own")


def answer(instrument: str, items: str) -> Answer:
    return Answer(
        instrument=instrument,
        answered_on=date(2026, 9, 2),
        period="before",
        items=items,
        respondent="resident",
        home="h1",
    )


# Both ways in accept the same

days = st.dates(date(2026, 9, 1), date(2026, 9, 4))
units = st.sampled_from((UNIT, OTHER))
homes = st.sampled_from((None, "h1", "h2"))
phase_names = st.sampled_from(get_args(PhaseName))
periods = st.sampled_from(("before", "after"))

INSTRUMENTS = st.builds(
    Instrument,
    key=st.sampled_from(("own", "more", "sus")),
    title=st.just("Own"),
    items=st.sampled_from(("Rest?", "Rest?\nSleep?")),
    lowest=st.integers(0, 2),
    highest=st.integers(1, 4),
    reversed_items=st.sampled_from((None, "1", "2", "one")),
)
ANSWERS = st.builds(
    Answer,
    instrument=st.sampled_from(("own", "more", "who5")),
    answered_on=days,
    period=periods,
    items=st.sampled_from(("3", "3 1", "- 1", "-", "3 3 3 2 2")),
    respondent=st.sampled_from(("resident", "staff")),
    home=homes,
    unit=st.none() | units,
)
FORMS = st.builds(
    Registration,
    unit=st.sampled_from((UNIT, UNIT, OTHER)),
    day=st.just(date(2026, 9, 2)),
    shift=st.sampled_from(("day", "day", "night")),
    period=periods,
    purpose=st.sampled_from(("wash", "none")),
    minutes=st.sampled_from((0.0, 0.0, 12.5, 1500.0)),
    home=homes,
)
PLANS = st.builds(
    RegistrationPlan,
    unit=units,
    period=periods,
    from_day=st.dates(date(2026, 9, 1), date(2026, 9, 9)),
    to_day=st.dates(date(2026, 9, 3), date(2026, 9, 12)),
    shifts=st.sampled_from(("day", "day night", "day", "day day")),
)
WORDS = st.builds(
    Feedback,
    words=st.sampled_from(("It beeps", "Ring 22 33 44 55")),
    said_by=st.just("staff"),
    said_on=days,
    visible_to=st.just("staff"),
)
LIFE = (
    st.builds(Phase, phase=phase_names, starts_on=days, ends_on=st.none() | days)
    | st.builds(
        Cycle, number=st.integers(1, 2), need=st.just("Rest"), starts_on=days, ends_on=st.none() | days
    )
    | st.builds(
        Decision,
        decided_on=days,
        phase=phase_names,
        decision=st.sampled_from(("go_on", "stop", "put_to_use")),
        reason=st.just("Good"),
        decided_by=st.just("All"),
        next_phase=st.none() | phase_names,
    )
)
GUIDES = st.builds(Ambassador, code=st.sampled_from(("a1", "a2")), unit=units) | st.builds(
    AmbassadorActivity, ambassador=st.sampled_from(("a1", "a2")), done_on=days, what=st.just("guided")
)


@pytest.mark.parametrize(
    "kinds",
    [INSTRUMENTS | ANSWERS, FORMS, PLANS, WORDS, LIFE, GUIDES],
    ids=["questionnaires", "forms", "plans", "words", "life", "guides"],
)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_load_accepts_a_package_where_entering_each_of_it_in_order_is_accepted_and_no_other(
    running: Session, kinds: st.SearchStrategy[Any], data: st.DataObject
) -> None:
    told = data.draw(st.lists(kinds, min_size=1, max_size=4))
    told.sort(key=lambda noun: list(KINDS).index(kind_of(noun).name))
    said = tuple(Entry("", 1, kind_of(noun).name, TRIAL_ID, noun) for noun in told)
    with TemporaryDirectory() as folder:
        write(replace(TRIAL, entries=said), Path(folder) / "package")
        refused = problems_of(Path(folder) / "package")
    accepted = True
    try:
        for noun in told:
            kind = kind_of(noun).name
            entering.enter(running, kind, to_json(noun), trial_id=TRIAL_ID, by="ida", at=THE_END)
    except (EntryError, ClashError):
        accepted = False
    finally:
        running.rollback()
    assert accepted is (not refused), refused
