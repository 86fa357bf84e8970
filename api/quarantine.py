"""Quarantine: what could not be stored, by reason and by topic."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import Response

from api.deps import Connection, json
from nyttig.store import quarantine as store
from nyttig.store.quarantine import QuarantineGroup

router = APIRouter(prefix="/v1/quarantine", tags=["quarantine"])


@dataclass(frozen=True, slots=True)
class Quarantine:
    """What waits in quarantine, most messages first; also groups of which nothing is left but the count dropped."""

    groups: tuple[QuarantineGroup, ...]


@router.get("", responses={200: {"model": Quarantine}})
def quarantine(connection: Connection) -> Response:
    """Messages that could not be stored, grouped by reason and dialect, and in them by topic."""
    return json(Quarantine(tuple(store.groups(connection))))
