"""Work: which homes to visit and why, and what was done about it."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import AwareDatetime, BaseModel, Field, model_validator

from api.deps import Asker, Connection, Now, json
from nyttig.device_record import open_work
from nyttig.errors import NotFoundError
from nyttig.health.findings import Status
from nyttig.health.visits import Mark, SubjectKind, Task, WorkList, only_of
from nyttig.store import registry, work

router = APIRouter(prefix="/v1/work", tags=["work"])

NOTE_CHARACTERS_MAX = 500


class MarkedTask(BaseModel):
    """A task of the work list, by what it is about and its finding."""

    subject_kind: SubjectKind
    subject: str
    finding: Status


class Marking(BaseModel):
    """What was done: these tasks are done, or put off until a moment. A note says how; never name a resident in it."""

    tasks: list[MarkedTask] = Field(min_length=1)
    action: Literal["done", "postponed"]
    postponed_until: AwareDatetime | None = None
    note: str | None = Field(None, max_length=NOTE_CHARACTERS_MAX)

    @model_validator(mode="after")
    def _until_when(self) -> Marking:
        if (self.action == "postponed") != (self.postponed_until is not None):
            raise ValueError(
                "postponed_until says until when a task is postponed, and belongs to nothing else"
            )
        return self


@router.get("", responses={200: {"model": WorkList}})
def listed(
    connection: Connection,
    now: Now,
    asker: Asker,
    trial: Annotated[str | None, Query(description="Only homes with devices of this trial")] = None,
) -> Response:
    """Visits by home, most urgent first, with what to bring; and what was done or put off."""
    if trial is not None:
        registry.require(connection, trial)
    return json(only_of(open_work(connection, now, trial_id=trial), asker.units))


@router.post("", responses={200: {"model": WorkList}})
def mark(marking: Marking, connection: Connection, now: Now, asker: Asker) -> Response:
    """Tasks are done or postponed, and hidden until data that comes after says otherwise; answers with the list as it is then.

    All or nothing: 404 names a task that is not in the list.
    """
    before = only_of(open_work(connection, now), asker.units)
    there = {(task.subject_kind, task.subject, task.finding) for task in _all_tasks(before)}
    for task in marking.tasks:
        if (task.subject_kind, task.subject, task.finding) not in there:
            raise NotFoundError(
                "the work list has no {finding!r} of {kind} {subject!r}; it may be done already: read GET /v1/work again",
                finding=task.finding,
                kind=task.subject_kind,
                subject=task.subject,
            )
    work.mark(
        connection,
        [
            Mark(
                task.subject_kind,
                task.subject,
                task.finding,
                marking.action,
                marking.postponed_until,
                marking.note,
                asker.name,
                now,
            )
            for task in marking.tasks
        ],
    )
    connection.commit()
    return json(only_of(open_work(connection, now), asker.units))


def _all_tasks(found: WorkList) -> list[Task]:
    """What can be marked: what is open, and what is hidden (done twice is done)."""
    return [
        *(one.task for one in found.gateways),
        *(task for visit in found.visits for task in visit.tasks),
        *(one.task for one in found.hidden),
    ]
