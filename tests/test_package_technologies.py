"""Technologies as data: rules are read as written, and what cannot be meant is said with its remedy."""

from __future__ import annotations

import pytest
from conftest import Database
from packages import one_home, technologies_of

from nyttig.model import Technology, UseRule
from nyttig.package.technologies import builtin_technologies, suggest
from nyttig.store import db, registry, technologies

BED = """
[bed]
titles = { en = "Bed" }
usage_class = "standby"
use = [
    "in_bed",
    { type = "weight", above = 20, release = 10, minimum_minutes = 10, joining_gap_minutes = 15 },
    { type = "worn", above = 0.5, bare = true, until = "taken_off" },
]
armed = [{ type = "on_guard", until = "off_guard" }]
alarm = ["alarm"]
alarm_handled = ["alarm_handled", "staff_came"]
"""
READ = Technology(
    "bed",
    {"en": "Bed", "nb": "Bed", "da": "Bed"},
    "standby",
    (
        UseRule("in_bed"),
        UseRule("weight", above=20, release=10, minimum_minutes=10, joining_gap_minutes=15),
        UseRule("worn", above=0.5, bare=True, until="taken_off"),
    ),
    armed_rules=(UseRule("on_guard", until="off_guard"),),
    alarm=("alarm",),
    alarm_handled=("alarm_handled", "staff_came"),
)


def test_a_technology_is_read_as_it_is_written() -> None:
    assert technologies_of(BED) == ({"bed": READ}, [])


def test_the_store_gives_a_technology_back_as_it_was(database: Database) -> None:
    with db.connect(database.conninfo) as connection:
        registry.save(connection, one_home("bed"), {"bed": READ})
        assert technologies.read(connection, {"bed"}) == (READ,)


@pytest.mark.parametrize(
    ("field", "rule", "column", "remedy"),
    [
        (
            "use",
            "{ type = 'power', above = 5, release = 7 }",
            "bed.use[1].release",
            "lies beyond the threshold 5",
        ),
        (
            "use",
            "{ type = 'power', below = 5, release = 3 }",
            "bed.use[1].release",
            "lies beyond the threshold 5",
        ),
        ("use", "{ type = 'power', release = 3 }", "bed.use[1].release", "add the threshold that it eases"),
        ("use", "{ type = 'power', above = 5, below = 3 }", "bed.use[1].below", "keep one of the two"),
        (
            "use",
            "{ type = 'rung', minimum_minutes = 3 }",
            "bed.use[1].minimum_minutes",
            "a moment has no length",
        ),
        (
            "use",
            "{ type = 'power', above = 5, minimum_minutes = -1 }",
            "bed.use[1].minimum_minutes",
            "at least 0",
        ),
        ("use", "{ type = 'motion', bare = true }", "bed.use[1].bare", "every reading counts"),
        (
            "use",
            "{ type = 'motion', above = 1, bare = true, minimum_minutes = 1 }",
            "bed.use[1].bare",
            "needs 'until'",
        ),
        ("use", "{ type = 'worn', until = 'worn' }", "bed.use[1].until", "is the type itself"),
        ("armed", "'worn'", "bed.armed[1].type", "how long the device is armed"),
        (
            "armed",
            "{ type = 'worn', above = 1, minimum_minutes = 1 }",
            "bed.armed[1].minimum_minutes",
            "no such key",
        ),
        ("alarm", "3", "bed.alarm", "is no list of names"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused_with_what_to_do(
    field: str, rule: str, column: str, remedy: str
) -> None:
    text = f"[bed]\ntitles = {{ en = 'Bed' }}\nusage_class = 'standby'\n{field} = [{rule}]\n"
    if field != "use":
        text += "use = []\n"
    (problem,) = technologies_of(text)[1]
    assert problem.column == column
    assert remedy in problem.remedy


def test_a_device_that_says_when_it_is_worn_is_taken_for_an_alarm() -> None:
    assert suggest(["worn", "battery"]) == "safety_alarm"
    assert suggest(["motion"]) == "motion_sensor"


def test_standby_technologies_that_watch_over_somebody_say_when_they_are_armed() -> None:
    armed = {each.id for each in builtin_technologies().values() if each.armed_rules}
    assert armed == {"safety_alarm", "fall_detector", "gps_tracker", "stove_guard"}
    assert all(builtin_technologies()[each].alarm for each in armed)
