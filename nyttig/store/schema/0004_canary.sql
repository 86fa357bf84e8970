-- Messages of our own that came through the whole path, each with its way: sent, received, and committed in the
-- transaction that also holds the events beside it. Only the last hour of them is kept.
CREATE TABLE canaries (
    client_id    text NOT NULL,         -- of the ingestor that sent it
    sent_at      timestamptz NOT NULL,
    received_at  timestamptz NOT NULL,
    committed_at timestamptz NOT NULL,
    PRIMARY KEY (client_id, sent_at)
);

-- How many messages an ingestor's last batch held: 1 in a quiet hour, thousands while a backlog drains.
ALTER TABLE ingestors ADD COLUMN last_batch_messages bigint NOT NULL DEFAULT 0;
