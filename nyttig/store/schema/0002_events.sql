-- What devices said. An event knows its device, never a person or a trial: those are joins at read time.

CREATE TABLE events (
    device_id   integer NOT NULL,
    at          timestamptz NOT NULL,   -- the time it counts for: the device's where believable, else arrival
    received_at timestamptz NOT NULL,
    device_time timestamptz,            -- the device's own, as sent
    type        text NOT NULL,
    value       double precision,
    unit        text,
    origin      text NOT NULL,
    boot_id     text,
    seq         bigint,
    message_id  text,
    late        boolean NOT NULL,
    clock_fault text,                   -- 'future' or 'past' where device_time was not believed
    health      jsonb,
    extra       jsonb
);

-- The hypertable, where the server has TimescaleDB loaded; the only place that asks.
DO $$
BEGIN
    IF current_setting('shared_preload_libraries') LIKE '%timescaledb%' THEN
        CREATE EXTENSION IF NOT EXISTS timescaledb;
        PERFORM create_hypertable('events', 'at', chunk_time_interval => interval '7 days',
                                  create_default_indexes => false);
    END IF;
END
$$;

CREATE INDEX events_by_device ON events (device_id, at DESC);
CREATE INDEX events_with_health ON events (device_id, at DESC) WHERE health IS NOT NULL;
CREATE INDEX events_of_connection ON events (device_id, at DESC) WHERE type IN ('state', 'availability');
-- Identity of messages whose dialect gives an id or a time of its own, but no counter.
CREATE UNIQUE INDEX events_message_id ON events (device_id, at, type, message_id) WHERE message_id IS NOT NULL;

-- The ledger: per device and boot, exactly which sequence numbers are in. This is the identity of events with
-- (boot_id, seq), whatever their times say, and it outlives retention. boot_id '' counts messages without one.
CREATE TABLE ledger (
    device_id         integer NOT NULL REFERENCES devices,
    boot_id           text NOT NULL,
    seqs              int8multirange NOT NULL DEFAULT '{}',
    received_total    bigint NOT NULL DEFAULT 0,
    duplicates_total  bigint NOT NULL DEFAULT 0,
    late_total        bigint NOT NULL DEFAULT 0,
    first_received_at timestamptz NOT NULL,
    last_received_at  timestamptz NOT NULL,
    PRIMARY KEY (device_id, boot_id)
);

-- Digests of what the last committed batches held of messages without any identity: a message that the broker
-- delivers again (DUP) and that stands here was committed before its acknowledgement was lost.
CREATE TABLE redelivery_window (
    client_id text NOT NULL,
    batch     bigint NOT NULL,
    digests   bigint[] NOT NULL,
    PRIMARY KEY (client_id, batch)
);

-- Messages that could not be stored, grouped by what they are; nothing is thrown away unseen.
CREATE TABLE quarantine (
    id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest            bytea NOT NULL UNIQUE,   -- of reason, topic and payload
    reason            text NOT NULL,
    detail            text NOT NULL,
    dialect           text,
    topic             text NOT NULL,
    payload           bytea NOT NULL,          -- cut at a limit; payload_bytes is the whole length
    payload_bytes     integer NOT NULL,
    messages_total    bigint NOT NULL,
    first_received_at timestamptz NOT NULL,
    last_received_at  timestamptz NOT NULL,
    replayed_at       timestamptz
);
CREATE INDEX quarantine_by_reason ON quarantine (reason, last_received_at DESC);

-- One row per ingestor, moved forward by every batch and by a beat every few seconds.
CREATE TABLE ingestors (
    client_id         text PRIMARY KEY,
    started_at        timestamptz NOT NULL,
    alive_at          timestamptz NOT NULL,
    connected         boolean NOT NULL,
    last_commit_at    timestamptz,
    events_total      bigint NOT NULL DEFAULT 0,
    duplicates_total  bigint NOT NULL DEFAULT 0,
    quarantined_total bigint NOT NULL DEFAULT 0,
    retained_total    bigint NOT NULL DEFAULT 0
);

-- When the platform itself was away. lossy: what devices sent meanwhile may be gone for good. Outages that came
-- with a loaded package are those of the platform that recorded it: they count for its trial alone.
CREATE TABLE outages (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    trial_id text REFERENCES trials ON DELETE CASCADE,
    cause    text NOT NULL CHECK (cause IN ('ingest', 'broker', 'database', 'session')),
    began_at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL CHECK (ended_at >= began_at),
    lossy    boolean NOT NULL
);
