"""Devices: how each is, worst first. No usage patterns: an installer needs none."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import AwareDatetime

from api import examples
from api.deps import Asker, Connection, Now, json
from nyttig.device_health import device_health
from nyttig.device_record import Answered, DeviceRecord, answered, device_record
from nyttig.errors import NotFoundError
from nyttig.health.assess import Health
from nyttig.health.findings import Status
from nyttig.model import Principal
from nyttig.store import health, registry
from nyttig.store.db import Session

router = APIRouter(prefix="/v1/devices", tags=["devices"])


@router.get("", responses={200: {"model": Health, **examples.DEVICES}})
def devices(
    connection: Connection,
    now: Now,
    asker: Asker,
    trial: Annotated[str | None, Query(description="Only devices of this trial")] = None,
    status: Annotated[Status | None, Query(description="Only devices whose headline is this")] = None,
) -> Response:
    """All placed devices, worst first, and the gateways and homes that are silent as a whole."""
    if trial is not None:
        registry.require(connection, trial)
    found = device_health(connection, now, trial_id=trial)
    units = asker.units
    seen = tuple(
        one for one in found.devices if (units is None or one.unit in units) and status in (None, one.status)
    )
    sites = tuple(one for one in found.silent_sites if units is None or one.unit in units)
    gateways = tuple(one for one in found.silent_gateways if units is None or not units.isdisjoint(one.units))
    return json(replace(found, devices=seen, silent_sites=sites, silent_gateways=gateways))


@router.get("/{device}", responses={200: {"model": DeviceRecord}})
def device(device: str, connection: Connection, now: Now, asker: Asker) -> Response:
    """One placed device: its health as in the list, its days, battery and signal, clock, losses and places."""
    found = device_record(connection, device, now)
    if asker.units is not None and found.unit not in asker.units:
        raise NotFoundError(
            "there is no device {device!r} in your units; `nyttig devices` lists those there are",
            device=device,
        )
    return json(found)


@router.get("/{device}/answers", responses={200: {"model": Answered}})
def answers(
    device: str,
    connection: Connection,
    now: Now,
    asker: Asker,
    since: Annotated[
        AwareDatetime, Query(description="A time with offset", examples=["2026-11-22T07:58:03Z"])
    ],
) -> Response:
    """Whether the device has answered since then: for whoever stands before it, who may ask each second."""
    _require_seen(connection, device, now, asker)
    return json(answered(connection, device, since))


def _require_seen(connection: Session, device: str, now: Now, asker: Principal) -> None:
    """An asker who sees only some units sees only the devices placed there."""
    if asker.units is None:
        return
    if not any(one.unit in asker.units for one in health.devices(connection, now, device=device)):
        raise NotFoundError(
            "there is no device {device!r} in your units; `nyttig devices` lists those there are",
            device=device,
        )
