"""Whatever a gate comes to, it is told in the reader's language with its numbers, and no code of ours is left in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from typing import Any

import orjson
import pytest
import streamlit as st
from hypothesis import given, settings
from hypothesis import strategies as strategies_of

from dashboard import gate_words
from dashboard.sections.gates import told
from nyttig.figures.gates import (
    Criterion,
    EarlierTrial,
    GainShown,
    Gate,
    Override,
    StartedHomes,
    new,
    overridden,
    put_to_use,
    useful,
)

TODAY = date(2027, 2, 28)
CODE = re.compile(r"\b[a-z]+_[a-z_]+\b|\{\w*\}")
FEW = strategies_of.integers(0, 4)
GAINS = strategies_of.lists(
    strategies_of.builds(
        GainShown,
        strategies_of.sampled_from(["time", "calm"]),
        strategies_of.sampled_from(["lower", "higher"]),
        strategies_of.booleans(),
        FEW,
        strategies_of.sampled_from([None, -2.0, 0.5]),
        strategies_of.sampled_from([None, -1.0, 3.0]),
        strategies_of.booleans(),
    ),
    max_size=4,
)
CRITERIA = strategies_of.lists(
    strategies_of.builds(
        Criterion, strategies_of.just("Calm"), strategies_of.sampled_from([None, True, False])
    ),
    max_size=2,
)
HOMES = strategies_of.builds(StartedHomes, FEW, FEW, FEW, FEW)
HELD = strategies_of.sampled_from(
    [None, Override("passed", "Kari", "She saw it"), Override("not_passed", "Kari", "No")]
)


def as_told(gate: Gate) -> Any:
    """The gate as the API tells it."""
    return orjson.loads(orjson.dumps(asdict(gate)))


def said(gate: Gate, rests_on: str = "use") -> str:
    """All that is said of a gate, without the marks of HTML."""
    content = as_told(gate)
    sentences = gate_words.evidence(
        content, {"time": "Fewer visits", "calm": "Calm nights"}, {"t1": "First"}, rests_on
    )
    assert all(sentences)
    return re.sub(r"<[^>]*>", " ", told(content, sentences))


@pytest.fixture(params=["en", "nb", "da"])
def reader(request: pytest.FixtureRequest) -> Iterator[str]:
    st.session_state["language"] = request.param
    yield request.param
    del st.session_state["language"]


@pytest.mark.usefixtures("reader")
@settings(max_examples=40)
@given(GAINS, CRITERIA, HOMES, strategies_of.sampled_from([None, TODAY]), HELD)
def test_every_gate_that_can_be_is_put_into_words(
    gains: list[GainShown],
    criteria: list[Criterion],
    homes: StartedHomes,
    handed: date | None,
    held: Override | None,
) -> None:
    was = useful(gains, criteria)
    for gate in (was, put_to_use(was, homes, handed, TODAY)):
        shown = gate if held is None else overridden(gate, held)
        for rests_on in ("use", "contact"):
            assert not CODE.search(said(shown, rests_on))
        assert held is None or "Kari" in said(shown)


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize("earlier", [None, [], ["Alna"], ["Sagene"], ["Alna", "Sagene"]])
def test_whether_it_is_new_is_put_into_words(earlier: list[str] | None) -> None:
    known = (
        None
        if earlier is None
        else [EarlierTrial("t1", "medicine_dispenser", unit, date(2024, 1, 8)) for unit in earlier]
    )
    words = said(new("medicine_dispenser", "Alna", date(2026, 9, 1), known))
    assert not CODE.search(words)
    assert ("First" in words) == ("Alna" in (earlier or [])), "earlier trials are named by their titles"
    assert ("Sagene" in words) == ("Sagene" in (earlier or []))


@pytest.mark.parametrize("reader", ["en"], indirect=True)
def test_a_gate_says_n_and_what_was_asked_for(reader: str) -> None:
    measured = useful([GainShown("time", "lower", True, 1, -5.8, -0.6)])
    words = said(put_to_use(measured, StartedHomes(7, 2, 1, 2), None, TODAY))
    assert "A habit in 7 of 12 homes that started (58%); 70% are asked for." in words
    assert "1 home is still within its first days." in words
    assert "Of 2 homes too little was observed." in words
