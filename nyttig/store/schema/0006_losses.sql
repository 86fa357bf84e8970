-- What devices sent and we never got. Kept up with the rollups, from the same marks, and like them it outlives the
-- raw events.

-- Sequence numbers of a boot that are missing, and the times of the events on either side of them. A number that
-- comes late after all takes its gap away, or leaves what is still missing of it.
CREATE TABLE gaps (
    device_id integer NOT NULL REFERENCES devices,
    boot_id   text NOT NULL,
    first_seq bigint NOT NULL,
    last_seq  bigint NOT NULL CHECK (last_seq >= first_seq),
    from_at   timestamptz NOT NULL,   -- of the event before; a wrong clock may put it after to_at
    to_at     timestamptz NOT NULL,   -- of the event after
    PRIMARY KEY (device_id, boot_id, first_seq, last_seq)
);

-- Uses that a device's own counter counted between two of its readings and that are not among its events.
CREATE TABLE recovered_uses (
    device_id integer NOT NULL REFERENCES devices,
    from_at   timestamptz NOT NULL,
    to_at     timestamptz NOT NULL CHECK (to_at > from_at),
    uses      bigint NOT NULL CHECK (uses > 0),
    PRIMARY KEY (device_id, to_at)
);

CREATE INDEX events_with_counter ON events (device_id, at DESC) WHERE jsonb_typeof(health->'counter') = 'number';

-- What is already there is worked through with the next refresh.
INSERT INTO touched (device_id, hour)
SELECT device_id, hour FROM rollups
WHERE hour >= coalesce((SELECT kept_from FROM retention), '-infinity')
  AND (device_id IN (SELECT device_id FROM ledger WHERE int8multirange(range_merge(seqs)) <> seqs)
       OR device_id IN (SELECT device_id FROM events WHERE jsonb_typeof(health->'counter') = 'number'));
