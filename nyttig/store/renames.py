"""Renames: a gateway calls a device by another name, and its series goes on."""

from __future__ import annotations

from typing import Any, NamedTuple

from psycopg import Connection

from nyttig.store import history, replays
from nyttig.store.history import Subject

BY = "gateway"
"""Who made the change, in the device's history."""


class Rename(NamedTuple):
    """A registered device and its addresses before and after."""

    device: str
    dialect: str
    before: str
    after: str


def follow(connection: Connection[Any]) -> list[Rename]:
    """Registered devices have the addresses by which their gateways call them now, in the current transaction.

    A device is told by its hardware id; one registered without gets that under which its address is described. It was
    renamed when its hardware id is described under another address, and its own address is described as other
    hardware, or was so earlier by the very same topic. (Two topics that describe one piece of hardware under two
    addresses are two ways to it.) Proposals move likewise.
    """
    history.lock(connection)
    _learn(connection)
    found = [
        Rename(*row)
        for row in connection.execute(
            """
            SELECT DISTINCT ON (d.id) d.code, d.dialect, d.address, new.address
            FROM devices d
            JOIN proposals new ON new.dialect = d.dialect AND new.hardware_id = d.hardware_id AND new.address <> d.address
            LEFT JOIN proposals old ON old.dialect = d.dialect AND old.address = d.address
                                    AND old.hardware_id = d.hardware_id
            WHERE d.retired_at IS NULL AND new.described_at IS NOT NULL
              AND (old.address IS NULL OR (new.described_on = old.described_on AND new.described_at > old.described_at))
            ORDER BY d.id, new.described_at DESC
            """
        ).fetchall()
    ]
    renames = _possible(connection, found)
    for one in renames:  # all leave before any arrives: two may have changed names
        connection.execute(
            "UPDATE devices SET address = address || ' (renamed to ' || %s || ')' WHERE code = %s",
            (one.after, one.device),
        )
    for one in renames:
        connection.execute("UPDATE devices SET address = %s WHERE code = %s", (one.after, one.device))
        history.record(
            connection,
            by=BY,
            action="renamed",
            subject=Subject("device", one.device),
            before={"address": one.before},
            after={"address": one.after},
        )
        replays.ask(connection, one.dialect, one.after)
    _follow_proposals(connection)
    return renames


def _learn(connection: Connection[Any]) -> None:
    """Devices that were registered without a hardware id have the one that their address is described with."""
    for device, hardware_id in connection.execute(
        """
        UPDATE devices d SET hardware_id = p.hardware_id FROM proposals p
        WHERE p.dialect = d.dialect AND p.address = d.address
          AND d.hardware_id IS NULL AND p.hardware_id IS NOT NULL AND d.retired_at IS NULL
        RETURNING d.code, d.hardware_id
        """
    ).fetchall():
        history.record(
            connection,
            by=BY,
            action="described",
            subject=Subject("device", device),
            before={"hardware_id": None},
            after={"hardware_id": hardware_id},
        )


def _possible(connection: Connection[Any], found: list[Rename]) -> list[Rename]:
    """Those whose new address no other device keeps."""
    while True:
        leaving = {(one.dialect, one.before) for one in found}
        held = {
            (dialect, address)
            for dialect, address in connection.execute(
                "SELECT dialect, address FROM devices WHERE (dialect, address) IN"
                " (SELECT * FROM unnest(%s::text[], %s::text[]))",
                ([one.dialect for one in found], [one.after for one in found]),
            ).fetchall()
        }
        free = [one for one in found if (one.dialect, one.after) not in held - leaving]
        if len(free) == len(found):
            return found
        found = free


def _follow_proposals(connection: Connection[Any]) -> None:
    """What was known of an address that is no longer used belongs to the one that is."""
    connection.execute(
        """
        WITH renamed AS (
            SELECT DISTINCT ON (old.dialect, old.address) old.dialect, old.address AS before, new.address AS after
            FROM proposals old
            JOIN proposals new ON new.dialect = old.dialect AND new.hardware_id = old.hardware_id
                 AND new.described_on = old.described_on AND new.described_at > old.described_at
            WHERE NOT EXISTS (SELECT FROM devices d WHERE d.dialect = old.dialect AND d.address = old.address)
            ORDER BY old.dialect, old.address, new.described_at DESC
        ), gone AS (
            DELETE FROM proposals p USING renamed r WHERE p.dialect = r.dialect AND p.address = r.before
            RETURNING p.*, r.after
        )
        UPDATE proposals new SET first_seen_at = least(new.first_seen_at, gone.first_seen_at),
            messages_total = new.messages_total + gone.messages_total, status = gone.status,
            gaps_seconds = CASE WHEN new.gaps_seconds = '{}' THEN gone.gaps_seconds ELSE new.gaps_seconds END
        FROM gone WHERE new.dialect = gone.dialect AND new.address = gone.after
        """
    )
