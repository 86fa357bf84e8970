"""A sentence that knows what it was made of, so that it can be said in another language. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

Value = str | float | date | None


class Saying(str):
    """The English sentence of a template, which keeps the template and the values that its {names} stand for.

    A value may be a saying itself. It can stand wherever a text can; joined to another text it is only a text.
    """

    __slots__ = ("template", "values")

    template: str
    values: Mapping[str, Value]

    def __new__(cls, template: str, /, **values: Value) -> Saying:
        """The template with its values filled in; without any it stands as it is."""
        made = super().__new__(cls, template.format(**values) if values else template)
        made.template, made.values = template, values
        return made


def parts(text: str) -> dict[str, Any]:
    """What a text was made of, as JSON has it: `template` and `values`; `template.format(**values)` is the text.

    A value that is a saying is an object of the two as well. Of a text that is no saying nothing but itself is known.
    """
    if not isinstance(text, Saying) or not text.values:
        return {"template": text.replace("{", "{{").replace("}", "}}"), "values": {}}
    return {
        "template": text.template,
        "values": {name: _as_json(value) for name, value in text.values.items()},
    }


def of_parts(told: Mapping[str, Any]) -> Saying:
    """The saying that `parts` told of."""
    values = {
        name: of_parts(value) if isinstance(value, Mapping) else value
        for name, value in told["values"].items()
    }
    template = told["template"]
    return Saying(template if values else template.format(), **values)


def _as_json(value: Value) -> Any:
    if isinstance(value, Saying):
        return parts(value)
    return str(value) if isinstance(value, date) else value
