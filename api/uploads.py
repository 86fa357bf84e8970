"""Uploads: a list as a file, CSV or Excel, that is tried out or brought in whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from http import HTTPStatus
from typing import Annotated, Any, NamedTuple, Protocol

import orjson
from fastapi import Depends, Query, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from api import problem
from nyttig.sheet import BYTES_MAX, CSV_TYPE, EXCEL_TYPE

DryRun = Annotated[bool, Query(description="Say what would become of each row, and write nothing")]
SkipBad = Annotated[bool, Query(description="Leave refused rows out instead of writing nothing")]

REFUSALS: dict[int | str, dict[str, Any]] = {
    415: {"description": "Neither CSV nor Excel"},
    422: {"description": "A row is refused, and nothing was written; the problem holds the result"},
}


class _Upload(NamedTuple):
    """A list as it was sent: its bytes, and a name that says which of the two it is."""

    content: bytes
    name: str


class _Done(Protocol):
    """What became of a list, row by row: a dataclass."""

    @property
    def refused(self) -> int: ...

    @property
    def rows(self) -> Sequence[Any]: ...


def body(example: str) -> dict[str, Any]:
    """What OpenAPI says of the request: the file itself, such as `example`."""
    return {
        "requestBody": {
            "required": True,
            "content": {
                CSV_TYPE: {"schema": {"type": "string"}, "example": example},
                EXCEL_TYPE: {"schema": {"type": "string", "format": "binary"}},
            },
        }
    }


async def _uploaded(request: Request) -> _Upload:
    """The request's body, refused while it comes in where it is too large, and before where it is no list."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in (CSV_TYPE, EXCEL_TYPE):
        detail = f"a list is {CSV_TYPE} or {EXCEL_TYPE}, and this is {kind or 'of no type'}; say which in Content-Type"
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail)
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > BYTES_MAX:
            raise HTTPException(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a list may have {BYTES_MAX // 2**20} MB; split it"
            )
    return _Upload(bytes(content), "list.csv" if kind == CSV_TYPE else "list.xlsx")


Upload = Annotated[_Upload, Depends(_uploaded)]


def refusal(done: _Done) -> Response:
    """The problem that nothing of a list was written, with the answer that it would have had."""
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    said = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status,
        "detail": f"{done.refused} of {len(done.rows)} rows are refused and nothing was written; correct them, or "
        "leave them out with skip_bad",
        **asdict(done),  # type: ignore[call-overload]  # a dataclass, which no protocol can say
    }
    return Response(orjson.dumps(said), status, media_type=problem.MEDIA_TYPE)
