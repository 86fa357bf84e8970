-- One row per device and UTC hour in which it was heard. Minutes are bits (bit 0 = minute 0), so that any
-- heartbeat, tolerance, placement or local day can be applied at read time, exact to the minute.

CREATE TABLE rollups (
    device_id     integer NOT NULL,
    hour          timestamptz NOT NULL,
    events_total  integer NOT NULL,
    alive_minutes bigint NOT NULL,      -- minutes with at least one message
    uses          integer NOT NULL,     -- uses by the citizen that start in this hour
    use_minutes   bigint NOT NULL,      -- the minutes in which they start
    other_uses    integer NOT NULL,     -- the same by staff, installers, tests: never adoption
    PRIMARY KEY (device_id, hour)
);

-- Hours whose events changed since their rollup was made. Written with the events, in their transaction; rows
-- may repeat and nothing is locked, so ingest and refresh never wait for each other.
CREATE TABLE touched (
    device_id integer NOT NULL,
    hour      timestamptz NOT NULL
);

-- Raw events before this moment may be gone (at most one row). Rollups of hours before it are final.
CREATE TABLE retention (
    only_row  boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    kept_from timestamptz NOT NULL
);
