-- What devices say of themselves, and devices that speak before anybody registered them.

-- The newest of each message without which later ones cannot be read (a birth, a discovery config). An empty payload
-- stands for one that was taken back, for an hour, so that every ingestor learns of it.
CREATE TABLE lasting (
    dialect     text NOT NULL,
    topic       text NOT NULL,
    payload     bytea NOT NULL,
    received_at timestamptz NOT NULL,
    version     bigint NOT NULL,
    PRIMARY KEY (dialect, topic)
);

-- Its version moves forward with every change; ingestors look here for what another one learned. The row is also the
-- lock under which topics are counted and dropped.
CREATE TABLE lasting_totals (
    dialect       text PRIMARY KEY,
    version       bigint NOT NULL DEFAULT 0,
    topics_kept   bigint NOT NULL DEFAULT 0,
    bytes_kept    bigint NOT NULL DEFAULT 0,
    dropped_total bigint NOT NULL DEFAULT 0    -- topics that had to make room, or were too long to keep
);

-- What is known of each address that was heard or described, registered or not. One that no device has is a proposal.
CREATE TABLE proposals (
    dialect        text NOT NULL,
    address        text NOT NULL,
    hardware_id    text,
    make           text,
    model          text,
    name           text,
    power          text CHECK (power IN ('battery', 'mains')),
    gateway        text,                         -- the address of what it speaks through
    says           text[] NOT NULL DEFAULT '{}', -- types of reading, said or described
    described_on   text,                         -- digest of the topic that last told what it is
    described_at   timestamptz,                  -- and when
    first_seen_at  timestamptz NOT NULL,         -- heard or described
    last_seen_at   timestamptz NOT NULL,
    heard_at       timestamptz,                  -- its last own message while no device had its address
    messages_total bigint NOT NULL DEFAULT 0,    -- and how many they were
    gaps_seconds   real[] NOT NULL DEFAULT '{}', -- and the times between the last of them
    health         jsonb NOT NULL DEFAULT '{}',  -- battery and signal, each as last said
    status         text NOT NULL DEFAULT 'proposed' CHECK (status IN ('proposed', 'dismissed')),
    PRIMARY KEY (dialect, address)
);
CREATE INDEX proposals_by_hardware ON proposals (dialect, hardware_id) WHERE hardware_id IS NOT NULL;
CREATE INDEX proposals_by_gateway ON proposals (dialect, gateway) WHERE gateway IS NOT NULL;

CREATE TABLE proposal_drops (
    dialect       text PRIMARY KEY,
    dropped_total bigint NOT NULL DEFAULT 0     -- the least heard, who had to make room
);

-- Addresses that were registered after they spoke: what waits of them in quarantine is to be read again.
CREATE TABLE replays (
    dialect  text NOT NULL,
    address  text NOT NULL,
    asked_at timestamptz NOT NULL,
    PRIMARY KEY (dialect, address)
);

-- Whose readings of a message found no device (reason unknown_device), and the first times at which it came: messages of
-- one kind look alike, and each is an event once the device is known.
ALTER TABLE quarantine
    ADD COLUMN addresses   text[],
    ADD COLUMN received_at timestamptz[];
