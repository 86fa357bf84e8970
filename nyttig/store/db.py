"""Connections to PostgreSQL, and what the driver's errors mean to the rest of the house."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool, PoolTimeout

from nyttig.errors import StoreUnavailableError, UnstorableError
from nyttig.saying import Saying

Session = Connection[TupleRow]
"""One open connection to the database."""

Pool = ConnectionPool[Session]
"""Connections that a door shares among its requests."""

PATIENCE = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
"""libpq's own settings for TCP: a line that carries nothing is given up after about 25 s (milliseconds in the last)."""

_UTC = "-c timezone=UTC"


def connect(conninfo: str = "", *, autocommit: bool = False) -> Session:
    """A connection in UTC. An empty `conninfo` leaves everything to libpq's `PG*` variables.

    Raises StoreUnavailableError when the server cannot be reached.
    """
    with translated():
        return psycopg.connect(_in_utc(conninfo), autocommit=autocommit)


def open_pool(conninfo: str = "", *, size: int = 4, statement_timeout_seconds: int = 30) -> Pool:
    """A pool of read connections for a door; one heavy query cannot hold the database for long.

    The pool opens in the background, so that a door can start before the database does.
    """
    return ConnectionPool(
        _in_utc(conninfo, f"-c statement_timeout={statement_timeout_seconds * 1000}"),
        min_size=1,
        max_size=size,
        open=True,
        timeout=3.0,
        reconnect_timeout=1.0,  # then each request tries anew: the pool's own pauses grow to minutes
        check=ConnectionPool.check_connection,
    )


@contextmanager
def borrowed(pool: Pool) -> Iterator[Session]:
    """A connection from the pool, given back afterwards. Raises StoreUnavailableError."""
    with translated(), pool.connection() as connection:
        yield connection


@contextmanager
def snapshot(connection: Session) -> Iterator[None]:
    """Inside it, everything that is read stands as it stood at the first reading; nothing is written."""
    connection.rollback()
    connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    try:
        yield
    finally:
        if not connection.closed:
            connection.rollback()


@contextmanager
def translated() -> Iterator[None]:
    """Inside it, a lost or refused connection and a full disk raise StoreUnavailableError, a refused value UnstorableError."""
    try:
        yield
    except (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded) as error:
        raise UnstorableError(
            Saying("the database refuses a value: {error}", error=_first_line(error))
        ) from error
    except psycopg.errors.DiskFull as error:
        raise StoreUnavailableError(
            Saying("the database has no room left: {error}; make some on its disk", error=_first_line(error))
        ) from error
    except PoolTimeout as error:
        raise StoreUnavailableError(
            Saying("the database does not answer: {error}", error=str(error))
        ) from error
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise StoreUnavailableError(
            Saying(
                "the database cannot be reached: {error}; check PGHOST, PGPORT, PGUSER and PGDATABASE",
                error=_first_line(error),
            )
        ) from error


def _in_utc(conninfo: str, *options: str) -> str:
    """`conninfo` with UTC, and with patience that ends: a server that a dead line hides is found missing."""
    asked = conninfo_to_dict(conninfo)
    given = asked.get("options")
    patience = {name: seconds for name, seconds in PATIENCE.items() if name not in asked}
    return make_conninfo(
        conninfo,
        **patience,
        options=" ".join([*([str(given)] if given else []), _UTC, *options]),
        application_name="nyttig",
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
