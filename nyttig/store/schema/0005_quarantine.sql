-- Quarantine stays within its bounds: what each kind takes, and what was ever set aside of each reason and dialect.
-- The rule stands in nyttig/store/quarantine.py and docs/decisions/0013-quarantine-bounds.md.

ALTER TABLE quarantine
    ADD COLUMN bytes_kept bigint NOT NULL
        GENERATED ALWAYS AS (length(payload) + octet_length(topic) + octet_length(detail)) STORED;

-- Counts outlive what they counted: waiting + replayed + dropped = messages_total. The row is also the lock under
-- which kinds are counted and dropped, so that several ingestors keep one bound.
CREATE TABLE quarantine_totals (
    reason            text NOT NULL,
    dialect           text NOT NULL,                -- '' where none is known
    messages_total    bigint NOT NULL DEFAULT 0,    -- ever set aside
    dropped_total     bigint NOT NULL DEFAULT 0,    -- messages of kinds that had to make room while they waited
    kinds_kept        bigint NOT NULL DEFAULT 0,    -- rows of quarantine now, and their bytes
    bytes_kept        bigint NOT NULL DEFAULT 0,
    first_received_at timestamptz NOT NULL,
    last_received_at  timestamptz NOT NULL,
    PRIMARY KEY (reason, dialect)
);

INSERT INTO quarantine_totals (reason, dialect, messages_total, kinds_kept, bytes_kept, first_received_at, last_received_at)
SELECT reason, coalesce(dialect, ''), sum(messages_total), count(*), sum(bytes_kept),
       min(first_received_at), max(last_received_at)
FROM quarantine GROUP BY 1, 2;
