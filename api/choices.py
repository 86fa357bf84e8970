"""What there is to choose from when registering: homes, technologies, and an empty list to fill in."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.deps import Asker, Connection, json
from nyttig.device_list import write_template
from nyttig.package.technologies import builtin_technologies
from nyttig.sheet import CSV_TYPE, EXCEL_TYPE
from nyttig.store import db, sites, technologies
from nyttig.store.sites import Site

router = APIRouter(prefix="/v1/registry", tags=["registry"])


@dataclass(frozen=True, slots=True)
class KnownTechnology:
    """A technology by its key, with its title by language."""

    id: str
    titles: dict[str, str]


@dataclass(frozen=True, slots=True)
class Choices:
    """Homes with the trials they are in (and their time zones), technologies, and where the codes on labels lead."""

    homes: tuple[Site, ...]
    technologies: tuple[KnownTechnology, ...]
    labels_lead_to: str


EXAMPLE: dict[str, Any] = {
    "content": {
        "application/json": {
            "example": {
                "homes": [
                    {
                        "home": "alna-031",
                        "unit": "Bydel Alna",
                        "timezones": {"alna-medisindispenser": "Europe/Oslo"},
                    }
                ],
                "technologies": [
                    {
                        "id": "door_sensor",
                        "titles": {"en": "Door sensor", "nb": "Dørsensor", "da": "Dørsensor"},
                    }
                ],
                "labels_lead_to": "https://nyttig.example.no",
            }
        }
    }
}


@router.get("/choices", responses={200: {"model": Choices, **EXAMPLE}})
def choices(request: Request, connection: Connection, asker: Asker) -> Response:
    """The homes in the asker's units, and the technologies that a device may be of, as a form offers them."""
    with db.translated():
        homes = [site for site in sites.read(connection) if asker.units is None or site.unit in asker.units]
        known = {**builtin_technologies(), **{each.id: each for each in technologies.read(connection)}}
    offered = tuple(KnownTechnology(each.id, dict(each.titles)) for each in known.values())
    return json(Choices(tuple(homes), offered, request.app.state.dashboard_url))


@router.get(
    "/template.{kind}",
    response_class=Response,
    responses={200: {"content": {CSV_TYPE: {}, EXCEL_TYPE: {}}}},
)
def template(kind: Literal["xlsx", "csv"], _asker: Asker) -> Response:
    """An empty list of devices; the Excel one explains its columns on a second sheet."""
    with tempfile.TemporaryDirectory(prefix="nyttig-template-") as folder:
        path = Path(folder) / f"devices.{kind}"
        write_template(path)
        content = path.read_bytes()
    return Response(
        content,
        media_type=EXCEL_TYPE if kind == "xlsx" else CSV_TYPE,
        headers={"Content-Disposition": f'attachment; filename="{path.name}"'},
    )
