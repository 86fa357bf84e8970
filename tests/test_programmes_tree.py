"""Programmes stand as a tree, whatever people enter of what is part of what."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nyttig.entries.life import Programme
from nyttig.errors import NotFoundError
from nyttig.model import Entry
from nyttig.programmes import programmes, trials_within
from nyttig.report import TrialFacts

NAMES = ("Oslo+", "Trygg hjemme", "Mestring", "Natt")


def facts(trial: str, programme: str | None) -> TrialFacts:
    return TrialFacts(
        id=trial, title=trial.title(), programme=programme, units=("Bydel Alna",), technology="stove_guard",
        technology_titles={}, usage_class="standby", timezone="Europe/Oslo", currency="NOK",
        starts=date(2026, 9, 1), ends=None,
    )  # fmt: skip


def entered(**part_of: str | None) -> list[Entry]:
    """Programmes by their names (underscores for spaces), each with the one that it is part of."""
    return [
        Entry(f"e{n}", 1, "programme", None, Programme(name=name.replace("_", " "), part_of=outer))
        for n, (name, outer) in enumerate(part_of.items())
    ]


def test_parts_follow_their_programme_and_count_towards_it() -> None:
    tree = programmes(
        [*entered(Natt="Trygg hjemme", Mestring=None, Trygg_hjemme="Oslo+")],
        [facts("a", "Oslo+"), facts("b", "Natt"), facts("c", " Natt "), facts("d", None), facts("e", "")],
    )
    assert [(node.name, node.depth, node.trials, node.trials_total) for node in tree.programmes] == [
        ("Mestring", 0, (), 0),
        ("Oslo+", 0, ("a",), 3),
        ("Trygg hjemme", 1, (), 2),
        ("Natt", 2, ("b", "c"), 2),
    ]
    assert [each.id for each in tree.trials_of_none] == ["d", "e"]


def test_a_programme_that_only_a_trial_or_a_part_names_is_there_without_an_entry() -> None:
    tree = programmes(entered(Natt="Omsorg 2030"), [facts("a", "Oslo+")]).programmes
    assert [(node.name, node.entry) for node in tree] == [
        ("Omsorg 2030", None),
        ("Natt", "e0"),
        ("Oslo+", None),
    ]


def test_programmes_that_are_part_of_each_other_both_stand_and_one_says_so() -> None:
    tree = programmes(entered(Natt="Mestring", Mestring="Natt"), []).programmes
    assert [(node.name, node.depth, node.loop) for node in tree] == [
        ("Mestring", 0, True),
        ("Natt", 1, False),
    ]
    (itself,) = programmes(entered(Natt="Natt"), []).programmes
    assert (itself.part_of, itself.loop) == (None, True)


def test_the_trials_of_a_programme_are_its_own_and_those_of_its_parts() -> None:
    said, trials = entered(Natt="Oslo+", Mestring="Natt"), [facts("a", "Mestring"), facts("b", "Oslo+")]
    assert trials_within("Oslo+", said, trials) == ("b", "a")
    assert trials_within("Natt", said, trials) == ("a",)
    with pytest.raises(NotFoundError, match=r"no programme 'Oslo'; programmes: Oslo\+, Natt, Mestring"):
        trials_within("Oslo", said, trials)


@given(st.dictionaries(st.sampled_from(NAMES), st.none() | st.sampled_from((*NAMES, "Elsewhere"))))
def test_every_programme_stands_once_beneath_the_one_that_it_is_part_of(said: dict[str, str | None]) -> None:
    entries = [
        Entry(name, 1, "programme", None, Programme(name=name, part_of=outer)) for name, outer in said.items()
    ]
    tree = programmes(entries, [facts(name, name) for name in said]).programmes
    named = {node.name: node for node in tree}
    assert len(named) == len(tree)
    assert named.keys() == said.keys() | {outer for outer in said.values() if outer}
    for node in tree:
        if node.part_of is not None:
            assert node.part_of == said[node.name]
            assert node.depth == named[node.part_of].depth + 1
            assert node.trials_total <= named[node.part_of].trials_total
    assert sum(node.trials_total for node in tree if node.depth == 0) == len(said)
