"""What people registered about a trial, what is missing of it, and the questionnaires with their scores."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from fastapi import APIRouter
from fastapi.responses import Response

from api.deps import Asker, Connection, Now, json
from api.entries import require_seen
from nyttig.expected import Registrations, registrations
from nyttig.questionnaires import Questionnaires, questionnaires
from nyttig.store import db, registry

router = APIRouter(prefix="/v1/trials/{trial_id}", tags=["registrations"])


@router.get("/registrations", responses={200: {"model": Registrations}})
def trial_registrations(trial_id: str, connection: Connection, now: Now, asker: Asker) -> Response:
    """What is registered so far and what is missing: by gain the homes without a value, by shift its form."""
    with db.translated():
        require_seen(connection, trial_id, asker)
        package = registry.read(connection, trial_id)
        today = now.astimezone(ZoneInfo(package.trial.timezone)).date()
        return json(registrations(package, today, asker.units))


@router.get("/questionnaires", responses={200: {"model": Questionnaires}})
def trial_questionnaires(trial_id: str, connection: Connection, asker: Asker) -> Response:
    """The questionnaires that can be filled in, and each one that was, with its score."""
    with db.translated():
        require_seen(connection, trial_id, asker)
        return json(questionnaires(registry.read(connection, trial_id), asker.units))
