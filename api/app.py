"""The HTTP door: everything that is known, for programs and for the dashboard."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import uvicorn
from fastapi import FastAPI

from api import (
    benefit,
    choices,
    data_in,
    demo_board,
    devices,
    entries,
    explain,
    health,
    history,
    homes,
    ideas,
    life,
    metrics,
    placements,
    problem,
    programmes,
    proposals,
    quarantine,
    registry,
    safety,
    sites,
    trials,
    visits,
    work,
)
from api.reports import Reports
from nyttig import __version__
from nyttig.errors import StoreUnavailableError
from nyttig.settings import DASHBOARD_URL
from nyttig.store import db, migrate

DESCRIPTION = """
Adoption and benefit of welfare technology on trial. Times carry an offset, days are local to the trial's zone, ratios
are 0..1, names carry their unit. Every error is application/problem+json; where something entered cannot be so, `faults`
hold beside its `detail` the field, the template and the values of each thing that is wrong: `template.format(**values)`.
"""


def create_app(conninfo: str = "", *, dashboard_url: str = DASHBOARD_URL) -> FastAPI:
    """The application, its connections opening in the background so that it starts before the database does.

    `dashboard_url` is where people open the dashboard: what the QR labels lead to.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        pool = db.open_pool(conninfo)
        app.state.pool = pool
        app.state.reports = Reports(pool)
        yield
        app.state.reports.close()
        pool.close()

    app = FastAPI(title="Nyttig", version=__version__, description=DESCRIPTION, lifespan=lifespan)
    app.state.dashboard_url = dashboard_url
    problem.install(app)
    for room in (
        trials,
        explain,
        benefit,
        life,
        programmes,
        ideas,
        homes,
        safety,
        entries,
        visits,
        data_in,
        devices,
        proposals,
        sites,
        demo_board,
        quarantine,
        health,
        metrics,
        choices,
        registry,
        placements,
        history,
        work,
    ):
        app.include_router(room.router)
    return app


def serve(host: str, port: int, conninfo: str = "", *, dashboard_url: str = DASHBOARD_URL) -> None:
    """The API listens on host:port until it is told to stop.

    A database that does not answer yet is waited for; raises StaleSchemaError where one answers with another schema.
    """
    with suppress(StoreUnavailableError), db.connect(f"{conninfo} connect_timeout=3") as connection:
        migrate.require_current(connection)
    app = create_app(conninfo, dashboard_url=dashboard_url)
    uvicorn.run(app, host=host, port=port, log_level="warning", access_log=False)
