"""Examples of visit lists for the OpenAPI description."""

from __future__ import annotations

from typing import Any

from nyttig.saying import Saying, parts

LIST = """\
Hjemkode;Dato;Fra kl.;Til kl.;Besøkstype;Tiltak;Reisetid
alna-003;03.08.2026;08:50;09:02;Hjemmebesøk;Medisin;7
alna-003;03.08.2026;08:50;09:02;Hjemmebesøk;Medisin;7
alna-300;03.08.2026;09:10;09:20;Skjermbesøk;Medisin;
"""

_COLUMNS = {
    "columns": {
        "home": "Hjemkode",
        "day": "Dato",
        "started_at": "Fra kl.",
        "ended_at": "Til kl.",
        "kind": "Besøkstype",
        "purpose": "Tiltak",
        "travel_minutes": "Reisetid",
    },
    "values": {},
    "always": {"purpose": "visit"},
}

_VISIT = {
    "home": "alna-003",
    "started_at": "2026-08-03T06:50:00+00:00",
    "ended_at": "2026-08-03T07:02:00+00:00",
    "kind": "physical",
    "purpose": "Medisin",
    "staff_group": None,
    "travel_minutes": 7.0,
    "period": "before",
}

_CELLS = ["alna-003", "03.08.2026", "08:50", "09:02", "Hjemmebesøk", "Medisin", "7"]


def _reason(column: str, value: str | None, remedy: Saying) -> dict[str, Any]:
    return {"column": column, "value": value, "remedy": remedy, "said": parts(remedy)}


_DOUBLE = Saying("is counted already ({where}); it counts once", where=Saying("row {row}", row=2))
_NO_HOME = Saying(
    "is no home of the trial; write the code that the trial has, or leave the row out.{near}",
    near=Saying(" Did you mean {near!r}?", near="alna-003"),
)

BROUGHT_IN: dict[str, Any] = {
    "content": {
        "application/json": {
            "example": {
                "file": "uke-32.csv",
                "dry_run": True,
                "import_id": None,
                "counted": 1,
                "double": 1,
                "outside": 0,
                "refused": 1,
                "new_work": 0,
                "header": list(_COLUMNS["columns"].values()),
                "columns": _COLUMNS,
                "system": None,
                "missing": [],
                "values": [
                    {"field": "kind", "value": "Hjemmebesøk", "rows": 2, "means": "physical"},
                    {"field": "kind", "value": "Skjermbesøk", "rows": 1, "means": "remote"},
                    {"field": "purpose", "value": "Medisin", "rows": 3, "means": None},
                ],
                "unknown_homes": [{"value": "alna-300", "rows": 1, "closest": "alna-003"}],
                "periods": [
                    {
                        "period": "before",
                        "rows": 1,
                        "homes": 1,
                        "first_day": "2026-08-03",
                        "last_day": "2026-08-03",
                    }
                ],
                "registration_days": 14,
                "rows": [
                    {"row": 2, "result": "counted", **_VISIT, "reasons": [], "cells": []},
                    {
                        "row": 3,
                        "result": "double",
                        **_VISIT,
                        "reasons": [_reason("Fra kl.", None, _DOUBLE)],
                        "cells": _CELLS,
                    },
                    {
                        "row": 4,
                        "result": "refused",
                        "home": "alna-300",
                        "started_at": "2026-08-03T07:10:00+00:00",
                        "ended_at": "2026-08-03T07:20:00+00:00",
                        "kind": "remote",
                        "purpose": "Medisin",
                        "staff_group": None,
                        "travel_minutes": 0.0,
                        "period": None,
                        "reasons": [
                            _reason(
                                "Hjemkode",
                                "alna-300",
                                _NO_HOME,
                            )
                        ],
                        "cells": [
                            "alna-300",
                            "03.08.2026",
                            "09:10",
                            "09:20",
                            "Skjermbesøk",
                            "Medisin",
                            "",
                        ],
                    },
                ],
            }
        }
    }
}

IMPORTS: dict[str, Any] = {
    "content": {
        "application/json": {
            "example": {
                "imports": [
                    {
                        "id": 3,
                        "file": "uke-32.csv",
                        "system": "Gerica",
                        "rows_counted": 214,
                        "rows_double": 12,
                        "rows_outside": 0,
                        "rows_refused": 3,
                        "imported_by": "ida",
                        "imported_at": "2026-09-20T09:12:00+00:00",
                        "withdrawn_by": None,
                        "withdrawn_at": None,
                        "homes": ["alna-003", "alna-004"],
                    }
                ]
            }
        }
    }
}
