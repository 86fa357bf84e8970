"""The board of a demo apartment: visits, tours, and what came of them."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from api.deps import Asker, Connection, Now, json
from nyttig.demo_board import DemoBoard
from nyttig.demo_board import demo_board as read_demo_board
from nyttig.errors import NotFoundError

router = APIRouter(prefix="/v1/demo-sites", tags=["demo apartments"])


@router.get("/{site}", responses={200: {"model": DemoBoard}})
def demo_board(site: str, connection: Connection, now: Now, asker: Asker) -> Response:
    """One demo apartment: who came and is to come, who guided them, what they asked for and what became of it."""
    told = read_demo_board(connection, site, now)
    if asker.units is not None and told.unit not in asker.units:
        raise NotFoundError("there is no demo apartment {site!r} in your units", site=site)
    return json(told)
