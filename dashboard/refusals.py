"""Why the API refused something, in the reader's language: its templates translated, their values as the page says them."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import streamlit as st

from dashboard.client import ApiRefusedError, Json
from dashboard.entry_choices import choice, yes_or_no
from dashboard.entry_words import label
from dashboard.language import _, current, day, moment, number, parse_day, parse_moment
from dashboard.registry_words import dialect, retire_reason, who
from dashboard.wording import end_reason
from nyttig.saying import Saying, of_parts

DECIMALS = 6
NUMBER_MAX = 1e15
"""From here on a number is a slip of the finger, and shown as it was sent."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"(\d{4}-\d{2}-\d{2} \d{2}:\d{2})( UTC)?")

_CODES: Mapping[str, Callable[[str], str]] = {
    "because": retire_reason,
    "by": who,
    "decision": partial(choice, "decision", "decision"),
    "dialect": dialect,
    "period": partial(choice, "measure", "period"),
    "phase": partial(choice, "phase", "phase"),
    "purpose": partial(choice, "registration", "purpose"),
    "reason": end_reason,
}
"""Values that are codes, by the last word of their name in a template: `earlier_phase` is a phase."""


def reason(refused: ApiRefusedError, kind: str = "") -> str:
    """Everything that the API has against it, each field by its name in that kind; English where nobody translated it."""
    return "; ".join(
        said(fault.said)
        if fault.field is None
        else _("“{field}”: {fault}").format(field=label(kind, fault.field), fault=said(fault.said))
        for fault in refused.faults
    )


def remedy(problem: Json) -> str:
    """What to do about a row that is refused."""
    return said(of_parts(problem["said"])) if "said" in problem else str(problem["remedy"])


def said(text: str) -> str:
    """A saying in the reader's language; another text as it is."""
    if not isinstance(text, Saying):
        return text
    # What the template is stands in the API's code, where pybabel finds it: see dashboard/babel.cfg.
    template = str(current().translations.gettext(text.template)) if text.template else ""
    return _Filled().vformat(template, (), text.values) if text.values else template


class _Filled(string.Formatter):
    """Fills a template with values as the page says them; `!r` puts quotes around a text."""

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> Any:
        value, _first = super().get_field(field_name, args, kwargs)
        return _worded(field_name, value), field_name

    def convert_field(self, value: Any, conversion: Any) -> Any:
        quoted = conversion == "r" and isinstance(value, _Text)
        return _("“{text}”").format(text=value) if quoted else value

    def format_field(self, value: Any, format_spec: str) -> Any:
        return str(value)


class _Text(str):
    """A value that was a text before it was worded: it may be put in quotes, where a number may not."""

    __slots__ = ()


def _worded(name: str, value: Any) -> str:
    if isinstance(value, Saying):
        return said(value)
    if isinstance(value, bool):
        return yes_or_no(value)
    if not isinstance(value, str):
        return str(value) if value is not None and abs(value) >= NUMBER_MAX else number(value, DECIMALS)
    if word := _CODES.get(name.rpartition("_")[2]):
        return _Text(word(value))
    if _DAY.fullmatch(value):
        return _day(value)
    if found := _TIME.fullmatch(value):
        return _time(found[1], utc=found[2] is not None)
    return _Text(value)


def _day(text: str) -> str:
    try:
        return day(parse_day(text))
    except ValueError:  # a day that is not in the calendar is just what is wrong
        return _Text(text)


def _time(text: str, *, utc: bool) -> str:
    zone = st.context.timezone
    if not utc:
        return moment(parse_moment(text))
    return moment(parse_moment(f"{text}+00:00"), zone) if zone else f"{text} UTC"
