"""Errors as application/problem+json (RFC 9457): what is wrong, with the value, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from nyttig.errors import (
    ClashError,
    EntryError,
    NotFoundError,
    NyttigError,
    StaleSchemaError,
    StoreUnavailableError,
)

MEDIA_TYPE = "application/problem+json"

_STATUS_OF: tuple[tuple[type[NyttigError], HTTPStatus], ...] = (
    (NotFoundError, HTTPStatus.NOT_FOUND),
    (ClashError, HTTPStatus.CONFLICT),
    (EntryError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (StoreUnavailableError, HTTPStatus.SERVICE_UNAVAILABLE),
    (StaleSchemaError, HTTPStatus.SERVICE_UNAVAILABLE),
)


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """A problem document."""
    content = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers = {"Retry-After": "5"}
    return JSONResponse(content, status, headers=headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Every error of `app` leaves as a problem document."""

    @app.exception_handler(NyttigError)
    def ours(_request: Request, error: Exception) -> JSONResponse:
        for kind, status in _STATUS_OF:
            if isinstance(error, kind):
                return problem(status, str(error))
        return problem(HTTPStatus.BAD_REQUEST, str(error))

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
