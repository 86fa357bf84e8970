"""Demo apartments: what is shown and tried there, apart from any trial."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import Response

from api.deps import Asker, Connection, Now, json
from nyttig.demo_sites import DemoSite
from nyttig.demo_sites import demo_sites as read_demo_sites

router = APIRouter(prefix="/v1/demo-sites", tags=["demo apartments"])


@dataclass(frozen=True, slots=True)
class DemoSites:
    """All demo apartments that the asker may see."""

    sites: tuple[DemoSite, ...]


@router.get("", responses={200: {"model": DemoSites}})
def demo_sites(connection: Connection, now: Now, asker: Asker) -> Response:
    """All demo apartments over the last eight weeks."""
    sites = read_demo_sites(connection, now)
    return json(DemoSites(tuple(site for site in sites if asker.units is None or site.unit in asker.units)))
