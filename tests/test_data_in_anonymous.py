"""Words of residents and staff do not say who they are: what points at somebody is found, what does not is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.views.questionnaire import read_row
from nyttig.entries.anonymous import pointer


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("mail kari.n@alna.oslo.kommune.no", "email"),
        ("she was born 010150 12345", "identity_number"),
        ("01015012345", "identity_number"),
        ("CPR 010150-1234.", "identity_number"),
        ("ring 22334455 today", "phone"),
        ("tlf. 22 33 44 55", "phone"),
        ("mob 912 34 567", "phone"),
        ("+47 22 33 44 55", "phone"),
        ("+45 12345678", "phone"),
    ],
)
def test_what_points_at_somebody_is_found(text: str, kind: str) -> None:
    found = pointer(text)
    assert found is not None
    assert found[0] == kind


@pytest.mark.parametrize(
    "text",
    [
        "",
        "It beeps 3 times at 07:30",
        "since 12.03.2026",
        "from 2024 to 2026",
        "2025-11-01",
        "14 days, 25 homes",
        "a@b",
    ],
)
def test_ordinary_words_and_numbers_are_left_alone(text: str) -> None:
    assert pointer(text) is None


@given(st.text(), st.from_regex(r"[1-9]\d{7}", fullmatch=True))
def test_a_phone_number_is_found_wherever_it_stands(around: str, number: str) -> None:
    words = "".join(letter for letter in around if not letter.isnumeric())
    assert pointer(f"{words} {number}!") is not None


@given(st.lists(st.sampled_from([*range(6), None]), min_size=5, max_size=5), st.booleans())
def test_answers_typed_from_paper_are_read_with_and_without_spaces(
    answers: list[int | None], spaced: bool
) -> None:
    texts = ["-" if each is None else str(each) for each in answers]
    assert read_row((" " if spaced else "").join(texts), 5, 0, 5) == texts


@pytest.mark.parametrize(
    ("text", "said"), [("1234", "4 answers"), ("12346", "item 5 is “6”"), ("1234x", "“x”")]
)
def test_what_is_mistyped_is_said_by_item(text: str, said: str) -> None:
    told = read_row(text, 5, 0, 5)
    assert isinstance(told, str)
    assert said in told


def test_answers_of_two_digits_need_spaces() -> None:
    assert read_row("10 7 -", 3, 0, 10) == ["10", "7", "-"]
    assert isinstance(read_row("107-", 3, 0, 10), str)
