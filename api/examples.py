"""Examples for the OpenAPI description."""

from __future__ import annotations

from typing import Any

_RATE = {
    "homes": 12, "used_observed_days": 14, "used_unobserved_days": 2, "unused_days": 6, "unknown_days": 4,
    "paused_days": 3, "out_days": 1, "point": 0.7, "lower": 0.6153846153846154, "upper": 0.7692307692307693,
    "observability": 0.8461538461538461, "show": "point", "lossy_days": 1, "lossy_unused_days": 0,
}  # fmt: skip


def _example(content: Any) -> dict[str, Any]:
    return {"content": {"application/json": {"example": content}}}


TRIALS = _example(
    {
        "trials": [
            {
                "id": "alna-medisindispenser",
                "title": "Medisindispenser i hjemmetjenesten",
                "programme": "Oslo+",
                "units": ["Bydel Alna", "Bydel Gamle Oslo"],
                "technology": "medicine_dispenser",
                "technology_titles": {
                    "en": "Medicine dispenser",
                    "nb": "Medisindispenser",
                    "da": "Medicindispenser",
                },
                "usage_class": "scheduled",
                "timezone": "Europe/Oslo",
                "currency": "NOK",
                "starts": "2026-08-24",
                "ends": "2027-02-28",
                "homes": 12,
                "as_of": "2026-11-22T07:58:03+00:00",
                "use_day_rate": _RATE,
                "coverage": {
                    "online_minutes": 17280,
                    "exposed_minutes": 18720,
                    "ratio": 0.9230769230769231,
                    "armed_minutes": 0,
                    "unarmed_minutes": 0,
                    "armed_unknown_minutes": 0,
                    "armed_known": False,
                    "online_ratio": 0.9230769230769231,
                    "armed_ratio": None,
                    "upper": 0.9230769230769231,
                    "show": "point",
                },
                "active_last_week": {
                    "count": 9,
                    "of": 12,
                    "ratio": 0.75,
                    "low": 0.4676947,
                    "high": 0.9110587,
                },
                "last_event_at": "2026-11-22T07:57:00+00:00",
            }
        ]
    }
)

DEVICES = _example(
    {
        "devices": [
            {
                "device": "alna-017-md",
                "technology": "medicine_dispenser",
                "technology_titles": {
                    "en": "Medicine dispenser",
                    "nb": "Medisindispenser",
                    "da": "Medicindispenser",
                },
                "model": None,
                "site": "alna-017",
                "site_type": "home",
                "unit": "Bydel Alna",
                "placed_at": "2026-08-24T08:30:00+00:00",
                "trials": ["alna-medisindispenser"],
                "role": "primary",
                "status": "silent",
                "findings": [
                    {
                        "kind": "silent",
                        "since": "2026-11-21T21:14:00+00:00",
                        "proof_at": "2026-11-22T04:58:03+00:00",
                        "evidence": {
                            "last_seen_at": "2026-11-21T21:14:00+00:00",
                            "away_minutes": 0.0,
                            "interval_basis": "declared",
                            "expected_interval_minutes": 60.0,
                        },
                        "severity": "urgent",
                        "remedy": "check_power_and_place",
                    }
                ],
                "behind": "home alna-017",
                "last_seen_at": "2026-11-21T21:14:00+00:00",
                "expected_interval_minutes": 60.0,
                "interval_basis": "declared",
                "battery_pct": 71.0,
                "battery_v": None,
                "battery_at": "2026-11-21T21:14:00+00:00",
                "external_power": None,
                "power": "battery",
                "signal": "good",
                "signal_dbm": -71.0,
                "link_quality": None,
                "connection": "offline",
                "gateway": None,
                "dialect": "nyttig",
                "address": "alna-017-md",
                "lost_messages": 12,
                "lost_since": "2026-11-03T04:20:00+00:00",
            }
        ],
        "silent_sites": [
            {
                "site": "alna-017",
                "unit": "Bydel Alna",
                "since": "2026-11-21T21:14:00+00:00",
                "devices": 2,
                "proof_at": "2026-11-22T04:58:03+00:00",
            }
        ],
        "silent_gateways": [
            {
                "gateway": "zigbee2mqtt-tveita",
                "dialect": "zigbee2mqtt",
                "sites": ["alna-021", "alna-022"],
                "units": ["Bydel Alna"],
                "since": "2026-11-22T02:10:00+00:00",
                "devices": 9,
                "proof_at": "2026-11-22T04:58:03+00:00",
            }
        ],
    }
)

READY = _example(
    {
        "status": "ready",
        "reason": None,
        "now": "2026-11-22T07:58:03+00:00",
        "last_event_at": "2026-11-22T07:57:58+00:00",
        "last_commit_at": "2026-11-22T07:57:59+00:00",
        "last_commit_age_seconds": 4.2,
        "last_canary_age_seconds": 6.1,
        "canary_latency_seconds": 0.031,
        "rollup_marks_waiting": 0,
        "queue_messages": 0,
        "receive_window_messages": 4000,
        "events_per_second": 1.4,
        "last_batch_messages": 2,
        "duplicates_total": 3,
        "quarantined_total": 1,
        "quarantine_messages_waiting": 0,
        "ingest": [
            {
                "client_id": "nyttig-ingest",
                "alive_at": "2026-11-22T07:58:01+00:00",
                "alive_age_seconds": 2.0,
                "connected": True,
                "running": True,
                "queue_messages": 0,
                "receive_window_messages": 4000,
                "events_per_second": 1.4,
                "last_batch_messages": 2,
                "last_commit_at": "2026-11-22T07:57:59+00:00",
                "events_total": 91204,
                "duplicates_total": 3,
                "quarantined_total": 1,
            }
        ],
    }
)

PROPOSALS = _example(
    {
        "proposals": [
            {
                "dialect": "zigbee2mqtt",
                "address": "zigbee2mqtt/0x00158d0004b5c2f1",
                "hardware_id": "0x00158d0004b5c2f1",
                "make": "Aqara",
                "model": "MCCGQ11LM",
                "name": "0x00158d0004b5c2f1",
                "power": "battery",
                "gateway": "zigbee2mqtt/bridge",
                "gateway_of": 0,
                "says": ["contact"],
                "status": "proposed",
                "first_seen_at": "2026-11-22T07:02:11+00:00",
                "last_seen_at": "2026-11-22T07:57:58+00:00",
                "last_heard_at": "2026-11-22T07:57:58+00:00",
                "messages_total": 14,
                "interval_minutes": 3.2,
                "heartbeat_minutes": 51.0,
                "battery_pct": 100.0,
                "battery_v": 3.005,
                "rssi_dbm": None,
                "link_quality": 132.0,
                "suggested_technology": "door_sensor",
            }
        ],
        "proposals_total": 1,
        "dropped_total": {},
    }
)

ACCEPTED = _example(
    {
        "device": "aqara-mccgq11lm-b5c2f1",
        "dialect": "zigbee2mqtt",
        "address": "zigbee2mqtt/0x00158d0004b5c2f1",
        "technology": "door_sensor",
        "heartbeat_minutes": 51.0,
        "power": "battery",
        "site": "alna-017",
        "placed_at": "2026-11-22T07:58:03+00:00",
        "trial": None,
        "messages_waiting": 14,
    }
)

DISMISSED = _example(
    {"dialect": "zigbee2mqtt", "address": "zigbee2mqtt/0x00158d0004b5c2f1", "status": "dismissed"}
)
