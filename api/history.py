"""The history of the registry: who changed what, and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from api import registry_examples as examples
from api.deps import Asker, Connection, json
from api.registry import may_see
from nyttig.errors import NotFoundError
from nyttig.store import db, devices, history, registry
from nyttig.store.history import HistoryEntry

router = APIRouter(tags=["registry"])

Limit = Annotated[int, Query(ge=1, le=1000, description="At most so many entries")]
Before = Annotated[int | None, Query(ge=1, le=2**62, description="Older than the entry of this id")]


@dataclass(frozen=True, slots=True)
class History:
    """Changes, the newest first; `before_id` of the next request is the id of the last."""

    entries: tuple[HistoryEntry, ...]


@router.get("/v1/devices/{device}/history", responses={200: {"model": History, **examples.HISTORY}})
def of_device(
    device: str, connection: Connection, asker: Asker, limit: Limit = 200, before_id: Before = None
) -> Response:
    """Who registered, changed, placed, moved, swapped and retired a device, and when."""
    with db.translated():
        if not may_see(asker, devices.one(connection, device), registry.trials(connection)):
            raise NotFoundError("there is no device {device!r} in your units", device=device)
        found = history.entries(connection, device=device, limit=limit, before_id=before_id)
    return json(History(tuple(found)))


@router.get("/v1/trials/{trial_id}/history", responses={200: {"model": History}})
def of_trial(
    trial_id: str, connection: Connection, asker: Asker, limit: Limit = 200, before_id: Before = None
) -> Response:
    """What was loaded into a trial, and every change of its devices, by whom and when."""
    with db.translated():
        registry.require(connection, trial_id)
        (trial,) = (each for each in registry.trials(connection) if each.id == trial_id)
        if asker.units is not None and asker.units.isdisjoint(trial.units):
            raise NotFoundError("there is no trial {trial!r} in your units", trial=trial_id)
        found = history.entries(connection, trial_id=trial_id, limit=limit, before_id=before_id)
    return json(History(tuple(found)))
