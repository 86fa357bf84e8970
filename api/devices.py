"""Devices: how each is, worst first. No usage patterns: an installer needs none."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from api import examples
from api.deps import Asker, Connection, Now, json
from nyttig.device_health import DeviceHealth, Health, device_health
from nyttig.errors import NotFoundError
from nyttig.store import ledger, registry
from nyttig.store.health import Status
from nyttig.store.ledger import Entry

router = APIRouter(prefix="/v1/devices", tags=["devices"])


@dataclass(frozen=True, slots=True)
class DeviceRecord(DeviceHealth):
    """A device's health with its ledger: what came of its messages, the newest boot first."""

    ledger: tuple[Entry, ...] = ()


@router.get("", responses={200: {"model": Health, **examples.DEVICES}})
def devices(
    connection: Connection,
    now: Now,
    asker: Asker,
    trial: Annotated[str | None, Query(description="Only devices of this trial")] = None,
    status: Annotated[Status | None, Query(description="Only devices with this status")] = None,
) -> Response:
    """All placed devices, worst first, and the sites that are silent as a whole."""
    if trial is not None:
        registry.require(connection, trial)
    health = device_health(connection, now, trial_id=trial)
    seen = tuple(
        device
        for device in health.devices
        if (asker.units is None or device.unit in asker.units) and status in (None, device.status)
    )
    sites = tuple(site for site in health.silent_sites if asker.units is None or site.unit in asker.units)
    return json(replace(health, devices=seen, silent_sites=sites))


@router.get("/{device}", responses={200: {"model": DeviceRecord}})
def device(device: str, connection: Connection, now: Now, asker: Asker) -> Response:
    """One placed device, and what came of its messages boot by boot."""
    for found in device_health(connection, now).devices:
        if found.device == device and (asker.units is None or found.unit in asker.units):
            told = {field.name: getattr(found, field.name) for field in fields(found)}
            return json(DeviceRecord(**told, ledger=tuple(ledger.entries(connection, device=device))))
    raise NotFoundError(f"no device {device!r} is placed anywhere now; `nyttig devices` lists those that are")
