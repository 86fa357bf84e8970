"""One column of a table: what may stand in it and what it means. Standard library only.

Tables are read, written, described and asked for by these; what a person enters is described once, by its dataclass.
"""

from __future__ import annotations

import dataclasses
from dataclasses import MISSING, dataclass
from datetime import date, datetime
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

Kind = Literal[
    "code",
    "text",
    "choice",
    "date",
    "time",
    "day_or_time",
    "time_of_day",
    "weekdays",
    "number",
    "integer",
    "boolean",
    "json",
]

_KINDS: dict[type, Kind] = {
    str: "text",
    date: "date",
    datetime: "time",
    float: "number",
    int: "integer",
    bool: "boolean",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `required`: in the header and never empty. `any_year`: kept as a device sent it."""

    name: str
    kind: Kind
    description: str
    required: bool = False
    choices: tuple[str, ...] = ()
    at_least: float | None = None
    above: float | None = None
    any_year: bool = False
    at_most: float | None = None


def said(
    description: str,
    *,
    kind: Kind | None = None,
    default: Any = MISSING,
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
) -> Any:
    """A dataclass field that is a column, too: what it means, and its bounds. Without `default` it must be filled in.

    `kind` is told by the annotation unless given.
    """
    limits = {"at_least": at_least, "above": above, "at_most": at_most}
    return dataclasses.field(
        default=default, metadata={"description": description, "kind": kind, "limits": limits}
    )


def columns_of(noun: type) -> tuple[Column, ...]:
    """The columns of a dataclass whose fields are `said`. Raises TypeError where a field's type is no column's."""
    hints = get_type_hints(noun)
    return tuple(_column(each, hints[each.name]) for each in dataclasses.fields(noun))


def _column(field: dataclasses.Field[Any], hint: Any) -> Column:
    options = [each for each in get_args(hint) if each is not NoneType] if NoneType in get_args(hint) else []
    told = options[0] if len(options) == 1 else hint
    choices = tuple(get_args(told)) if get_origin(told) is Literal else ()
    kind = field.metadata["kind"] or ("choice" if choices else _KINDS.get(told))
    if kind is None:
        raise TypeError(f"{field.name}: {hint!r} is the type of no column")
    required = field.default is MISSING and field.default_factory is MISSING
    return Column(
        field.name, kind, field.metadata["description"], required, choices, **field.metadata["limits"]
    )
