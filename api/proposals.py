"""Proposed devices: what speaks and is not registered; accepting one with one press, or dismissing it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api import examples
from api.deps import Asker, Connection, Now, json
from nyttig.errors import NotFoundError
from nyttig.model import Principal
from nyttig.proposed import Proposals, Shown, proposed
from nyttig.proposed import accept as accept_proposal
from nyttig.store import db, sites
from nyttig.store import proposals as store
from nyttig.store.proposals import Accepted

router = APIRouter(prefix="/v1/proposals", tags=["proposed devices"])

Text = Annotated[str, Field(min_length=1, max_length=400, pattern=r"^[^\x00]*$")]
Code = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00]*$")]


class Chosen(BaseModel):
    """Which proposal: its dialect and address as the list gives them."""

    model_config = ConfigDict(extra="forbid")
    dialect: Code
    address: Text


class Acceptance(Chosen):
    """A proposal and what its device is to be; what is left out is made of what is known of it.

    `device` is its code. `technology`: as suggested. `heartbeat_minutes`: as often as it was heard. `placed_at`: now,
    where a `site` is given. `trial`: the device is part of it.
    """

    device: Code | None = None
    technology: Code | None = None
    heartbeat_minutes: Annotated[float, Field(gt=0, le=43_200)] | None = None
    site: Code | None = None
    placed_at: AwareDatetime | None = None
    trial: Code | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of a proposal."""

    dialect: str
    address: str
    status: Shown


@router.get("", responses={200: {"model": Proposals, **examples.PROPOSALS}})
def proposals(
    connection: Connection,
    now: Now,
    _asker: Asker,
    dialect: Annotated[str | None, Query(description="Only of this dialect", pattern=r"^[^\x00]*$")] = None,
    heard_within_minutes: Annotated[
        float | None, Query(description="Only those heard within so many minutes", gt=0, le=5_256_000)
    ] = None,
    status: Annotated[Shown, Query(description="What is proposed, or what was dismissed")] = "proposed",
    limit: Annotated[int, Query(description="At most so many", ge=1, le=2_000)] = 200,
) -> Response:
    """Devices that speak, or are described, and that nobody registered; the last heard first."""
    return json(
        proposed(
            connection,
            now,
            dialect=dialect,
            heard_within_minutes=heard_within_minutes,
            status=status,
            limit=limit,
        )
    )


@router.post("/accept", responses={200: {"model": Accepted, **examples.ACCEPTED}})
def accept(acceptance: Acceptance, connection: Connection, asker: Asker) -> Response:
    """The proposal becomes a registered device, stands at the site, and what it said before comes into its series: a
    running ingestor reads it again within seconds."""
    if acceptance.site is not None:
        _require_own_site(connection, acceptance.site, asker)
    accepted = accept_proposal(
        connection,
        acceptance.dialect,
        acceptance.address,
        by=asker.name,
        technology=acceptance.technology,
        device=acceptance.device,
        heartbeat_minutes=acceptance.heartbeat_minutes,
        site=acceptance.site,
        placed_at=acceptance.placed_at,
        trial=acceptance.trial,
    )
    connection.commit()
    return json(accepted)


@router.post("/dismiss", responses={200: {"model": Decided, **examples.DISMISSED}})
def dismiss(chosen: Chosen, connection: Connection, asker: Asker) -> Response:
    """The proposal is shown no more, until it is restored."""
    with db.translated():
        store.dismiss(connection, chosen.dialect, chosen.address, by=asker.name)
        connection.commit()
    return json(Decided(chosen.dialect, chosen.address, "dismissed"))


@router.post("/restore", responses={200: {"model": Decided}})
def restore(chosen: Chosen, connection: Connection, asker: Asker) -> Response:
    """A dismissed proposal is proposed again."""
    with db.translated():
        store.restore(connection, chosen.dialect, chosen.address, by=asker.name)
        connection.commit()
    return json(Decided(chosen.dialect, chosen.address, "proposed"))


def _require_own_site(connection: db.Session, home: str, asker: Principal) -> None:
    """The site is in the asker's units; one that is not there at all is found missing by the registry."""
    with db.translated():
        units = {site.unit for site in sites.read(connection) if site.home == home}
    if asker.units is not None and units.isdisjoint(asker.units):
        raise NotFoundError("there is no site {home!r} in your units; name one of them", home=home)
