"""Proposed devices as an installer sees them: what each most likely is, and accepting one with one press."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Literal

from nyttig.errors import NotFoundError
from nyttig.package.technologies import builtin_technologies, suggest
from nyttig.store import db, proposals
from nyttig.store.db import Session
from nyttig.store.proposals import Accepted, Proposal

Shown = Literal["proposed", "dismissed"]


@dataclass(frozen=True, slots=True)
class ProposedDevice(Proposal):
    """A proposal with the technology that it most likely is (None: choose one when accepting)."""

    suggested_technology: str | None


@dataclass(frozen=True, slots=True)
class Proposals:
    """Devices that speak and that nobody registered, the last heard first: the first of `proposals_total`.

    `dropped_total` by dialect: so many that were hardly heard had to make room.
    """

    proposals: tuple[ProposedDevice, ...]
    proposals_total: int
    dropped_total: dict[str, int]


def proposed(
    connection: Session,
    now: datetime,
    *,
    dialect: str | None = None,
    heard_within_minutes: float | None = None,
    status: Shown = "proposed",
    limit: int = 200,
) -> Proposals:
    """What is proposed (or was dismissed): of one dialect, of those heard within so many minutes."""
    since = None if heard_within_minutes is None else now - timedelta(minutes=heard_within_minutes)
    with db.translated():
        found = proposals.listed(connection, dialect=dialect, heard_since=since, status=status)
        dropped = proposals.dropped(connection)
    return Proposals(tuple(_suggested(one) for one in found[:limit]), len(found), dropped)


def accept(
    connection: Session,
    dialect: str,
    address: str,
    *,
    by: str,
    technology: str | None = None,
    device: str | None = None,
    heartbeat_minutes: float | None = None,
    site: str | None = None,
    placed_at: datetime | None = None,
    trial: str | None = None,
) -> Accepted:
    """The proposal is a device, in the current transaction; what is None is made of what is known of it.

    Raises NotFoundError, also where no technology is named and none suggests itself, and the registry's ClashError.
    """
    with db.translated():
        if technology is None:
            technology = _suggested(proposals.one(connection, dialect, address)).suggested_technology
        if technology is None:
            raise NotFoundError(
                "what {address!r} says suggests no technology; name one of {known}",
                address=address,
                known=", ".join(builtin_technologies()),
            )
        return proposals.accept(
            connection, dialect, address, technology=technology, known_technologies=builtin_technologies(), by=by,
            device=device, heartbeat_minutes=heartbeat_minutes, site=site, placed_at=placed_at, trial=trial,
        )  # fmt: skip


def _suggested(proposal: Proposal) -> ProposedDevice:
    known = {field.name: getattr(proposal, field.name) for field in fields(proposal)}
    technology = "gateway" if proposal.gateway_of else suggest(proposal.says)
    return ProposedDevice(**known, suggested_technology=technology)
