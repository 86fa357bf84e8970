"""Ideas: the step that turns one into a trial. What is entered of them, and the votes, are entries of no trial."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from api.deps import Asker, Connection, Now, json
from api.entries import EntryRecord, record, require_may_enter
from nyttig.errors import EntryError
from nyttig.ideas import TrialPlan, become_trial
from nyttig.model import UsageClass
from nyttig.store import db

router = APIRouter(prefix="/v1/ideas", tags=["ideas"])

Text = Annotated[str, Field(min_length=1, max_length=400, pattern=r"^[^\x00]*$")]


class Plan(BaseModel):
    """What the idea becomes. `version` is that of the idea as it was seen; `starts` the first day of use in homes.

    `technology` is the key of a known one, or the title of a new one, which is of the class `usage_class`. `phase` is the
    one that begins today.
    """

    model_config = ConfigDict(extra="forbid")
    version: Annotated[int, Field(ge=1)]
    id: Text
    title: Text
    units: Annotated[list[Text], Field(min_length=1, max_length=100)]
    technology: Text
    timezone: Text
    currency: Text
    starts: date
    programme: Text | None = None
    usage_class: UsageClass = "on_demand"
    phase: Literal["idea", "pre_study"] = "pre_study"


@router.post(
    "/{entry}/trial",
    responses={
        200: {"model": EntryRecord},
        409: {
            "description": "It is a trial already, the id is taken, or somebody changed the idea meanwhile"
        },
        422: {
            "description": "Something in it cannot be so; detail names each field, its value and the remedy"
        },
    },
)
def turn_into_trial(entry: str, plan: Plan, connection: Connection, now: Now, asker: Asker) -> Response:
    """The idea is a trial, still without homes; answers with the idea. Undone (as an entry), the empty trial stays."""
    with db.translated():
        require_may_enter(connection, None, asker)
        if asker.units is not None and asker.units.isdisjoint(plan.units):
            raise EntryError(
                "{units!r} are none of yours; name one of your own, too",
                field="units",
                units=", ".join(plan.units),
            )
        told = plan.model_dump(exclude={"version"}) | {"units": tuple(plan.units)}
        changed = become_trial(connection, entry, plan.version, TrialPlan(**told), by=asker.name, at=now)
        connection.commit()
    return json(record(changed))
