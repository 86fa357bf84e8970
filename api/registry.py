"""The registry: devices by the list, all there are, and their labels."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from api import problem, registry_examples
from api.deps import Asker, Connection, json
from nyttig.device_list import read
from nyttig.errors import NotFoundError, NyttigError
from nyttig.labels import labels, sheet
from nyttig.model import Principal
from nyttig.package.technologies import builtin_technologies
from nyttig.registration import Registered, register_list
from nyttig.sheet import BYTES_MAX, CSV_TYPE, EXCEL_TYPE
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


async def uploaded(request: Request) -> bytes:
    """The request's body, refused while it comes in where it is too large."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > BYTES_MAX:
            raise HTTPException(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a list may have {BYTES_MAX // 2**20} MB; split it"
            )
    return bytes(body)


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
        415: {"description": "Neither CSV nor Excel"},
        422: {"description": "A row is refused, and nothing was written; the problem holds the result"},
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                CSV_TYPE: {"schema": {"type": "string"}, "example": registry_examples.LIST},
                EXCEL_TYPE: {"schema": {"type": "string", "format": "binary"}},
            },
        }
    },
)
def register(
    request: Request,
    asker: Asker,
    content: Annotated[bytes, Depends(uploaded)],
    connection: Connection,
    dry_run: Annotated[
        bool, Query(description="Say what would become of each row, and write nothing")
    ] = False,
    skip_bad: Annotated[bool, Query(description="Leave refused rows out instead of writing nothing")] = False,
    trial: Annotated[str | None, Query(description="The trial of the rows that name none")] = None,
) -> Response:
    """A list of devices, a row each, is registered: all rows or none. The body is the file itself.

    Columns go by name, in English, Norwegian or Danish: device, technology, dialect, address, heartbeat_minutes,
    power, role, trial, home, placed_at, hardware_id; only the first must be there, and an empty cell leaves what is.
    """
    require_may_change(asker)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in (CSV_TYPE, EXCEL_TYPE):
        detail = f"a list is {CSV_TYPE} or {EXCEL_TYPE}, and this is {kind or 'of no type'}; say which in Content-Type"
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail)
    listed = read(content, "list.csv" if kind == CSV_TYPE else "list.xlsx")
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
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    said = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status,
        "detail": f"{done.refused} of {len(done.rows)} rows are refused and nothing was written; correct them, or "
        "leave them out with skip_bad",
        **asdict(done),
    }
    return Response(orjson.dumps(said), status, media_type=problem.MEDIA_TYPE)


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
        raise NyttigError(f"{len(made)} labels are more than {LABELS_MAX}; name a trial, or devices")
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
