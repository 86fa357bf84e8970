-- How busy an ingestor is, written with every batch and beat; since when it misses messages; and whether it is still
-- one of ours.
ALTER TABLE ingestors
    ADD COLUMN queue_messages     bigint NOT NULL DEFAULT 0,  -- received from the broker, not yet committed
    ADD COLUMN receive_window     integer,                    -- what the broker may send unacknowledged; NULL: no bound
    ADD COLUMN events_last_minute bigint NOT NULL DEFAULT 0,  -- stored in the minute up to alive_at
    ADD COLUMN missed_since       timestamptz,                -- stopped, or away from the broker, up to now; NULL: not
    ADD COLUMN missed_because     text CHECK (missed_because IN ('ingest', 'broker')),
    ADD COLUMN retired_at         timestamptz;                -- `nyttig ingest --leave`: gone for good, and not missed
