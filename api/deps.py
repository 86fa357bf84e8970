"""What every handler is given: a connection, the time, and who asks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated

import orjson
from fastapi import Depends, Request
from fastapi.responses import Response

from nyttig.model import LOCAL_PRINCIPAL, Principal
from nyttig.store import migrate
from nyttig.store.db import Pool, Session, borrowed


@contextmanager
def current(pool: Pool) -> Iterator[Session]:
    """A connection from the pool to a database that has our schema; StoreUnavailableError or StaleSchemaError else."""
    with borrowed(pool) as session:
        migrate.require_current(session)
        yield session


def connection(request: Request) -> Iterator[Session]:
    """A connection for one request, given back when it is answered.

    A handler that holds it must not wait for a second one: enough such handlers would wait for each other.
    """
    with current(request.app.state.pool) as session:
        yield session


def now() -> datetime:
    """The present moment, in UTC."""
    return datetime.now(UTC)


def principal() -> Principal:
    """Who asks. Until sign-in exists this is the one local principal, and the API listens on loopback only."""
    return LOCAL_PRINCIPAL


Connection = Annotated[Session, Depends(connection)]
Now = Annotated[datetime, Depends(now)]
Asker = Annotated[Principal, Depends(principal)]


def ready(content: bytes) -> Response:
    """What is JSON already."""
    return Response(content, media_type="application/json")


def json(content: object, status: int = 200) -> Response:
    """`content` (dataclasses, times and all) as JSON, each number as short as it can be read back exactly."""
    return Response(orjson.dumps(content), status, media_type="application/json")
