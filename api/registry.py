"""The registry: devices by the list, all there are, and their labels."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from api import registry_examples, uploads
from api.deps import Asker, Connection, json
from api.uploads import DryRun, SkipBad, Upload
from nyttig.device_list import read
from nyttig.errors import NotFoundError, NyttigError
from nyttig.labels import labels, sheet
from nyttig.model import Principal
from nyttig.package.technologies import builtin_technologies
from nyttig.registration import Registered, register_list
from nyttig.store import db, devices, registry
from nyttig.store.devices import RegisteredDevice

router = APIRouter(tags=["registry"])

LABELS_MAX = 2400
"""A hundred sheets; whoever needs more names a trial."""

MAY_CHANGE = frozenset({"coordinator", "installer", "operator"})

Trial = Annotated[str | None, Query(description="Only devices of this trial")]


@dataclass(frozen=True, slots=True)
class RegisteredDevices:
    """Devices of the registry, placed or not, in service or retired, by code."""

    devices: tuple[RegisteredDevice, ...]


def require_may_change(asker: Principal) -> None:
    """Whoever asks may change the registry; an evaluator reads only."""
    if not asker.roles & MAY_CHANGE:
        raise HTTPException(
            HTTPStatus.FORBIDDEN,
            f"{asker.name} may read the registry and not change it; ask for the role of installer or coordinator",
        )


@router.post(
    "/v1/registry/devices",
    responses={
        200: {"model": Registered, **registry_examples.REGISTERED},
        **uploads.REFUSALS,
    },
    openapi_extra=uploads.body(registry_examples.LIST),
)
def register(
    asker: Asker,
    upload: Upload,
    connection: Connection,
    dry_run: DryRun = False,
    skip_bad: SkipBad = False,
    trial: Annotated[str | None, Query(description="The trial of the rows that name none")] = None,
) -> Response:
    """A list of devices, a row each, is registered: all rows or none. The body is the file itself.

    Columns go by name, in English, Norwegian or Danish: device, technology, dialect, address, heartbeat_minutes,
    power, role, trial, home, placed_at, hardware_id; only the first must be there, and an empty cell leaves what is.
    """
    require_may_change(asker)
    listed = read(upload.content, upload.name)
    done = register_list(
        connection,
        listed,
        builtin_technologies(),
        by=asker.name,
        trial_id=trial,
        dry_run=dry_run,
        skip_bad=skip_bad,
        units=asker.units,
    )
    if done.written or done.dry_run:
        return json(done)
    return uploads.refusal(done)


@router.get(
    "/v1/registry/devices", responses={200: {"model": RegisteredDevices, **registry_examples.DEVICES}}
)
def registered(connection: Connection, asker: Asker, trial: Trial = None) -> Response:
    """All devices of the registry, whether placed or not."""
    if trial is not None:
        registry.require(connection, trial)
    with db.translated():
        trials = registry.trials(connection)
        found = devices.registered(connection, trial_id=trial)
    return json(RegisteredDevices(tuple(each for each in found if may_see(asker, each, trials))))


@router.get("/v1/labels.pdf", response_class=Response, responses={200: {"content": {"application/pdf": {}}}})
def labels_pdf(
    request: Request,
    connection: Connection,
    asker: Asker,
    trial: Trial = None,
    device: Annotated[list[str] | None, Query(description="Only these, in this order")] = None,
    language: Annotated[Literal["en", "nb", "da"], Query(description="Of the technology's title")] = "en",
) -> Response:
    """A sheet of labels, 3 × 8 on A4 (63.5 × 33.9 mm): the device's code, what it is, and a QR code to its page."""
    with db.translated():
        trials = registry.trials(connection)
        seen = {each.device for each in devices.registered(connection) if may_see(asker, each, trials)}
    url: str = request.app.state.dashboard_url
    made = [
        label
        for label in labels(connection, url, trial_id=trial, only=device or (), language=language)
        if label.device in seen
    ]
    if not made:
        raise NotFoundError("there is no device to label in your units")
    if len(made) > LABELS_MAX:
        raise NyttigError(
            "{labels} labels are more than {most}; name a trial, or devices",
            labels=len(made),
            most=LABELS_MAX,
        )
    return Response(
        sheet(made),
        media_type="application/pdf",
        headers={"Content-Disposition": 'inline; filename="labels.pdf"'},
    )


def may_see(asker: Principal, device: RegisteredDevice, trials: list[registry.KnownTrial]) -> bool:
    """Whether the device stands in one of the asker's units; one that stands nowhere goes by its trials."""
    if asker.units is None:
        return True
    units = (
        {device.unit}
        if device.unit is not None
        else {unit for trial in trials if trial.id in device.roles for unit in trial.units}
    )
    return not units or not units.isdisjoint(asker.units)
