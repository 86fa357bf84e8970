"""Which device needs a visit, and why: facts from the store, judged by `nyttig.health`, worst first.

One function, which the API, the command line, the pages and the notifications share.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from nyttig.health.assess import Health, assess, needs_arrivals, needs_history, overview
from nyttig.health.battery import is_in_between
from nyttig.health.facts import Closer, DeviceFacts
from nyttig.health.findings import THRESHOLDS
from nyttig.health.silence import Away, heard_as_declared
from nyttig.store import db, health, platform
from nyttig.store.db import Session

ARRIVALS_LOOKBACK = timedelta(days=40)
"""A clock that is further behind than this was never set, and its times are not believed anyway."""


def device_health(connection: Session, now: datetime, *, trial_id: str | None = None) -> Health:
    """The health of all placed devices, or of a trial's, as data shows it at `now`."""
    with db.translated():
        facts = health.devices(connection, now, trial_id=trial_id)
        away = platform_away(connection, now)
        closer = _look_closer(connection, facts, now, away)
    found = overview(assess(one, closer[one.device], now, away) for one in facts)
    return found if trial_id is None else _of_trial(found, trial_id)


def _of_trial(found: Health, trial_id: str) -> Health:
    """The trial's own devices, and what is silent as a whole where they are: a gateway serves other trials' devices too, and
    whether it is up shows in all of them."""
    devices = tuple(one for one in found.devices if trial_id in one.trials)
    sites = {one.site for one in devices}
    gateways = {(one.dialect, one.gateway) for one in devices}
    return Health(
        devices,
        tuple(one for one in found.silent_sites if one.site in sites),
        tuple(one for one in found.silent_gateways if (one.dialect, one.gateway) in gateways),
    )


def platform_away(connection: Session, now: datetime) -> Away:
    """When the platform was away up to `now`: what is on record, and what goes on right now.

    While no ingestor beats, or none that beats is connected to the broker, nothing is heard of any device.
    """
    spans = [(outage.began_at, outage.ended_at) for outage in platform.outages(connection)]
    ingestors = platform.ingestors(connection)
    beating = [one for one in ingestors if now - one.alive_at <= platform.PRESENT_FOR]
    if not beating:
        gone_at = max((one.alive_at for one in ingestors), default=datetime.min.replace(tzinfo=UTC))
        spans.append((gone_at, now))
    elif not any(one.connected for one in beating):
        committed = [one.last_commit_at for one in ingestors if one.last_commit_at is not None]
        spans.append((max(committed, default=min(one.started_at for one in beating)), now))
    return Away(spans)


def _look_closer(
    connection: Session, facts: list[DeviceFacts], now: datetime, away: Away
) -> dict[str, Closer]:
    """What the judgement of some devices needs beyond the facts; of all others nothing is read."""
    declared = {one.device: one.heartbeat_minutes for one in facts if needs_history(one, now, away)}
    hours = health.hours_heard(connection, list(declared), now) if declared else {}
    overdue = [
        code for code, minutes in declared.items() if not heard_as_declared(hours.get(code, 0), minutes)
    ]
    history = health.alive_hours(connection, overdue, now - THRESHOLDS.rhythm_window) if overdue else {}
    kept = [one.device for one in facts if needs_arrivals(one, now)]
    arrivals = health.arrivals(connection, kept, now - ARRIVALS_LOOKBACK) if kept else {}
    lost = health.lost(connection, now - THRESHOLDS.lossy_window, now)
    stuck = health.stuck(connection, now)
    busy = health.busy_hours(connection, now)
    between = [one.device for one in facts if is_in_between(one.battery)]
    low = health.battery_was_low(connection, between) if between else set()
    return {
        one.device: Closer(
            history.get(one.device, ()),
            arrivals.get(one.device, ()),
            *lost.get(one.device, ((), 0)),
            stuck.get(one.device),
            one.device in low,
            busy.get(one.device, ()),
        )
        for one in facts
    }
