"""Errors as application/problem+json (RFC 9457): what is wrong, with the value, and what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from nyttig.errors import (
    ClashError,
    EntryError,
    Fault,
    NotFoundError,
    NyttigError,
    StaleSchemaError,
    StoreUnavailableError,
)
from nyttig.saying import parts

MEDIA_TYPE = "application/problem+json"

_STATUS_OF: tuple[tuple[type[NyttigError], HTTPStatus], ...] = (
    (NotFoundError, HTTPStatus.NOT_FOUND),
    (ClashError, HTTPStatus.CONFLICT),
    (EntryError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (StoreUnavailableError, HTTPStatus.SERVICE_UNAVAILABLE),
    (StaleSchemaError, HTTPStatus.SERVICE_UNAVAILABLE),
)


def problem(
    status: int, detail: str, headers: Mapping[str, str] | None = None, faults: Sequence[Fault] = ()
) -> JSONResponse:
    """A problem document. `faults` stand beside the detail that they make up, each with its field, template and values."""
    content: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if faults:
        content["faults"] = [{"field": each.field, **parts(each.said)} for each in faults]
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers = {"Retry-After": "5"}
    return JSONResponse(content, status, headers=headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Every error of `app` leaves as a problem document."""

    @app.exception_handler(NyttigError)
    def ours(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, NyttigError)
        status = next(
            (status for kind, status in _STATUS_OF if isinstance(error, kind)), HTTPStatus.BAD_REQUEST
        )
        return problem(status, str(error), faults=error.faults)

    @app.exception_handler(RequestValidationError)
    def invalid(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        faults = [
            f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']} (got {fault.get('input')!r})"
            for fault in error.errors()
        ]
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "; ".join(faults))

    @app.exception_handler(HTTPException)
    def http(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        return problem(error.status_code, str(error.detail), error.headers)

    @app.exception_handler(Exception)
    def unforeseen(_request: Request, _error: Exception) -> JSONResponse:
        return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "an error of ours; the API's log says more")
