-- Who changed what in the registry, and when: one row per change and device (or trial, or proposal). Codes only, never
-- a person it was done for. Rows are added in the order in which their transactions commit: all changes of the
-- registry are made under one lock (nyttig/store/history.py).
CREATE TABLE registry_changes (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    changed_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_by   text NOT NULL,
    action       text NOT NULL,
    subject_kind text NOT NULL CHECK (subject_kind IN ('trial', 'device', 'proposal')),
    subject      text NOT NULL,
    trials       text[] NOT NULL,       -- those it concerned then; no reference, so that it outlives them
    before       jsonb,                 -- what was, as far as it changed; null: nothing was there
    after        jsonb
);
CREATE INDEX registry_changes_by_subject ON registry_changes (subject_kind, subject, id);
CREATE INDEX registry_changes_by_trial ON registry_changes USING gin (trials);

CREATE FUNCTION refuse_to_forget() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the history of the registry is kept: % is refused', TG_OP;
END
$$;
CREATE TRIGGER registry_changes_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON registry_changes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_forget();

-- hardware_id: what the maker gave it and no renaming changes (an IEEE address, a DevEUI, a serial number).
ALTER TABLE devices
    ADD COLUMN hardware_id     text,
    ADD COLUMN retired_at      timestamptz,
    ADD COLUMN retired_because text CHECK (retired_because IN ('broken', 'lost', 'returned', 'replaced', 'other')),
    ADD CHECK ((retired_at IS NULL) = (retired_because IS NULL));

-- A device is in one place at a time.
ALTER TABLE placements ADD CONSTRAINT placements_one_place_at_a_time
    EXCLUDE USING gist (int4range(device_id, device_id, '[]') WITH &&, tstzrange(placed_at, removed_at) WITH &&);
