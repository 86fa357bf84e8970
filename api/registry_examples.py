"""Examples of the registry for the OpenAPI description."""

from __future__ import annotations

from typing import Any

from nyttig.saying import Saying, parts


def _example(content: Any) -> dict[str, Any]:
    return {"content": {"application/json": {"example": content}}}


LIST = """\
device;technology;dialect;address;power;trial;home;placed_at
alna-031-md;Medisindispenser;zigbee2mqtt;0x00158d0001a2b3c4;battery;alna-medisindispenser;alna-031;2026-11-20 09:30
alna-017-md;;;;;;alna-018;2026-11-20 10:15
alna-032-md;Medisindispenser;zigbee2mqtt;;battery;alna-medisindispenser;;
"""

_NO_ADDRESS = Saying(
    "is empty, and the device is new; fill in the name by which the dialect {dialect!r} knows it",
    dialect="zigbee2mqtt",
)

REGISTERED = _example(
    {
        "file": "list.csv",
        "dry_run": True,
        "written": False,
        "added": 1,
        "changed": 1,
        "unchanged": 0,
        "refused": 1,
        "ignored_columns": [],
        "rows": [
            {
                "row": 2,
                "device": "alna-031-md",
                "result": "added",
                "changes": [
                    {"field": "home", "before": None, "after": "alna-031"},
                    {"field": "placed_at", "before": None, "after": "2026-11-20T08:30:00+00:00"},
                ],
                "problems": [],
            },
            {
                "row": 3,
                "device": "alna-017-md",
                "result": "changed",
                "changes": [
                    {"field": "home", "before": "alna-017", "after": "alna-018"},
                    {"field": "placed_at", "before": None, "after": "2026-11-20T09:15:00+00:00"},
                ],
                "problems": [],
            },
            {
                "row": 4,
                "device": "alna-032-md",
                "result": "refused",
                "changes": [],
                "problems": [
                    {
                        "column": "address",
                        "value": "",
                        "remedy": _NO_ADDRESS,
                        "said": parts(_NO_ADDRESS),
                    }
                ],
            },
        ],
    }
)

_DEVICE = {
    "device": "alna-031-md",
    "technology": "medicine_dispenser",
    "dialect": "zigbee2mqtt",
    "address": "0x00158d0001a2b3c4",
    "heartbeat_minutes": 60.0,
    "power": "battery",
    "hardware_id": "0x00158d0001a2b3c4",
    "retired_at": None,
    "retired_because": None,
    "roles": {"alna-medisindispenser": "primary"},
    "home": "alna-031",
    "unit": "Bydel Alna",
    "placed_at": "2026-11-20T08:30:00+00:00",
}

DEVICES = _example({"devices": [_DEVICE]})

PLACEMENTS = _example(
    {
        **_DEVICE,
        "placements": [
            {
                "device": "alna-031-md",
                "home": "alna-031",
                "placed_at": "2026-11-20T08:30:00+00:00",
                "removed_at": None,
            }
        ],
    }
)

HISTORY = _example(
    {
        "entries": [
            {
                "id": 42,
                "changed_at": "2026-11-21T10:02:11.482913+00:00",
                "changed_by": "ida",
                "action": "swapped_out",
                "subject_kind": "device",
                "subject": "alna-017-md",
                "trials": ["alna-medisindispenser"],
                "before": {"home": "alna-017", "placed_at": "2026-08-24T08:30:00+00:00", "removed_at": None},
                "after": {
                    "home": "alna-017",
                    "placed_at": "2026-08-24T08:30:00+00:00",
                    "removed_at": "2026-11-21T09:55:00+00:00",
                    "replaced_by": "alna-031-md",
                },
            }
        ]
    }
)
