"""Where a device stands, from when to when: placing, moving, removing, swapping and retiring it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api import registry_examples as examples
from api.deps import Asker, Connection, Now, json
from api.registry import may_see, require_may_change
from nyttig.errors import NotFoundError
from nyttig.model import Device, Placement, Principal, RetireReason
from nyttig.package.technologies import builtin_technologies
from nyttig.store import db, devices, placements, registry, sites
from nyttig.store.db import Session
from nyttig.store.devices import RegisteredDevice

router = APIRouter(prefix="/v1/devices/{device}", tags=["registry"])

Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+$", max_length=128)]
Text = Annotated[str, Field(min_length=1, max_length=400, pattern=r"^[^\x00-\x1f\x7f]+$")]
At = Annotated[AwareDatetime | None, Field(description="Default: now")]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Placing(_Asked):
    """Where a device is to stand and from when; `removed_at` where it is known already."""

    home: Code
    placed_at: At = None
    removed_at: AwareDatetime | None = None


class Standing(_Asked):
    """Where a device stood, from when and until when (null: it still stands there)."""

    home: Code
    placed_at: AwareDatetime
    removed_at: AwareDatetime | None = None


class Correction(_Asked):
    """Which placement was put down wrongly, by when it began, and what it should be; null: it never was."""

    placed_at: AwareDatetime
    to: Standing | None


class Moving(_Asked):
    """Where a device is to stand instead, and from when."""

    home: Code
    at: At = None


class Moment(_Asked):
    """When."""

    at: At = None


class NewDevice(_Asked):
    """A device that is not registered yet, such as a proposed one; what is left out is as with the one it replaces."""

    device: Code
    dialect: Text | None = None
    address: Text
    heartbeat_minutes: Annotated[float, Field(gt=0, le=43_200)] | None = None
    power: Annotated[str, Field(pattern="^(battery|mains)$")] | None = None
    hardware_id: Text | None = None


class Swapping(_Asked):
    """What takes the place of a device: the code of a registered one, or a new one's description."""

    new: Code | NewDevice
    at: At = None
    retire_because: Annotated[RetireReason | None, Field(description="Retire the old one too")] = None


class Retiring(_Asked):
    """Why a device is out of service for good, and from when."""

    because: RetireReason
    at: At = None


@dataclass(frozen=True, slots=True)
class DevicePlacements(RegisteredDevice):
    """A device as the registry knows it, and everywhere it stood, the first place first."""

    placements: tuple[Placement, ...] = ()


ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"model": DevicePlacements, **examples.PLACEMENTS},
    409: {"description": "It clashes; detail says with what"},
}


@router.get("/placements", responses={200: {"model": DevicePlacements, **examples.PLACEMENTS}})
def where(device: str, connection: Connection, asker: Asker) -> Response:
    """A device of the registry, placed or not, and everywhere it stood."""
    with db.translated():
        _require_own(connection, device, asker)
        return _told(connection, device)


@router.post("/placements", responses=ANSWER)
def place(device: str, placing: Placing, connection: Connection, now: Now, asker: Asker) -> Response:
    """The device stands at the home from then on, or did from when to when."""
    with db.translated():
        _require_may_change(connection, device, asker, placing.home)
        placements.place(
            connection,
            device,
            placing.home,
            placing.placed_at or now,
            removed_at=placing.removed_at,
            by=asker.name,
        )
        return _done(connection, device)


@router.post("/placements/correct", responses=ANSWER)
def correct(device: str, correction: Correction, connection: Connection, asker: Asker) -> Response:
    """What was put down wrongly stands right; what stood there before is in the history."""
    to = correction.to
    with db.translated():
        _require_may_change(connection, device, asker, None if to is None else to.home)
        right = None if to is None else Placement(device, to.home, to.placed_at, to.removed_at)
        placements.correct(connection, device, correction.placed_at, right, by=asker.name)
        return _done(connection, device)


@router.post("/move", responses=ANSWER)
def move(device: str, moving: Moving, connection: Connection, now: Now, asker: Asker) -> Response:
    """The device stands at another home from then on, and no longer where it stood."""
    with db.translated():
        _require_may_change(connection, device, asker, moving.home)
        placements.move(connection, device, moving.home, moving.at or now, by=asker.name)
        return _done(connection, device)


@router.post("/remove", responses=ANSWER)
def remove(device: str, moment: Moment, connection: Connection, now: Now, asker: Asker) -> Response:
    """The device stands nowhere from then on."""
    with db.translated():
        _require_may_change(connection, device, asker)
        placements.remove(connection, device, moment.at or now, by=asker.name)
        return _done(connection, device)


@router.post("/swap", responses=ANSWER)
def swap(device: str, swapping: Swapping, connection: Connection, now: Now, asker: Asker) -> Response:
    """From then on another device stands where this one stood, in the same trials and roles; answers with the new one.

    The home's figures go on without a break. A new device that is not registered yet is registered in the same step.
    """
    with db.translated():
        _require_may_change(connection, device, asker)
        new = swapping.new
        if isinstance(new, NewDevice):
            _register(connection, new, devices.one(connection, device), by=asker.name)
            new = new.device
        else:
            _require_own(connection, new, asker)
        placements.swap(
            connection, device, new, swapping.at or now, by=asker.name, retire_because=swapping.retire_because
        )
        return _done(connection, new)


@router.post("/retire", responses=ANSWER)
def retire(device: str, retiring: Retiring, connection: Connection, now: Now, asker: Asker) -> Response:
    """The device is out of service for good: on no health list any more. What it still sends is kept."""
    with db.translated():
        _require_may_change(connection, device, asker)
        devices.retire(connection, device, retiring.because, retiring.at or now, by=asker.name)
        return _done(connection, device)


@router.post("/unretire", responses=ANSWER)
def unretire(device: str, connection: Connection, asker: Asker) -> Response:
    """The device is in service again, and stands nowhere until it is placed."""
    with db.translated():
        _require_may_change(connection, device, asker)
        devices.unretire(connection, device, by=asker.name)
        return _done(connection, device)


def _register(connection: Session, new: NewDevice, old: RegisteredDevice, *, by: str) -> None:
    made = Device(
        device=new.device,
        technology=old.technology,
        dialect=new.dialect or old.dialect,
        address=new.address,
        heartbeat_minutes=new.heartbeat_minutes or old.heartbeat_minutes,
        power="battery" if (new.power or old.power) == "battery" else "mains",
        role="primary",
        hardware_id=new.hardware_id,
    )
    devices.register(connection, made, builtin_technologies(), by=by)


def _require_may_change(connection: Session, device: str, asker: Principal, home: str | None = None) -> None:
    require_may_change(asker)
    _require_own(connection, device, asker)
    if home is not None and asker.units is not None:
        units = {site.unit for site in sites.read(connection) if site.home == home}
        if units.isdisjoint(asker.units):
            raise NotFoundError("there is no home {home!r} in your units", home=home)


def _require_own(connection: Session, device: str, asker: Principal) -> None:
    if not may_see(asker, devices.one(connection, device), registry.trials(connection)):
        raise NotFoundError("there is no device {device!r} in your units", device=device)


def _done(connection: Session, device: str) -> Response:
    connection.commit()
    return _told(connection, device)


def _told(connection: Session, device: str) -> Response:
    found = devices.one(connection, device)
    told = {field.name: getattr(found, field.name) for field in fields(found)}
    return json(DevicePlacements(**told, placements=tuple(placements.of_device(connection, device))))
