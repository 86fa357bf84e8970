-- Uses from measurements: rules with hysteresis and duration, when a device was armed or worn, and what became of
-- its alarms. What the fields mean stands at the head of nyttig/technologies.toml and in docs/uses.md.

ALTER TABLE use_rules
    ADD COLUMN release             double precision,
    ADD COLUMN until               text CHECK (until <> type),
    ADD COLUMN bare                boolean NOT NULL DEFAULT false,
    ADD COLUMN minimum_minutes     double precision CHECK (minimum_minutes >= 0),
    ADD COLUMN joining_gap_minutes double precision CHECK (joining_gap_minutes >= 0),
    ADD CHECK (release IS NULL OR coalesce(release <= above, release >= below, false));

CREATE TABLE armed_rules (
    technology_id text NOT NULL REFERENCES technologies ON DELETE CASCADE,
    type          text NOT NULL,
    above         double precision,
    below         double precision,
    release       double precision,
    until         text CHECK (until <> type),
    bare          boolean NOT NULL DEFAULT false,
    PRIMARY KEY (technology_id, type),
    CHECK (above IS NULL OR below IS NULL),
    CHECK (above IS NOT NULL OR below IS NOT NULL OR until IS NOT NULL),
    CHECK (release IS NULL OR coalesce(release <= above, release >= below, false))
);

ALTER TABLE technologies
    ADD COLUMN alarm         text[] NOT NULL DEFAULT '{}',
    ADD COLUMN alarm_handled text[] NOT NULL DEFAULT '{}';

-- The rules of each device. stateful: readings turn it on and off. lasting: and it lasts from one to the other, so
-- that its length counts. silence: a device that was not heard for longer was not watched meanwhile.
CREATE VIEW device_rules AS
SELECT d.id AS device_id, 'use' AS purpose, r.type, r.above, r.below, r.release, r.until, r.bare,
       r.above IS NOT NULL OR r.below IS NOT NULL OR r.until IS NOT NULL AS stateful,
       r.release IS NOT NULL OR r.minimum_minutes IS NOT NULL OR r.until IS NOT NULL AS lasting,
       make_interval(secs => coalesce(r.minimum_minutes, 0) * 60) AS minimum,
       make_interval(secs => coalesce(r.joining_gap_minutes, t.joining_gap_minutes) * 60) AS rule_gap,
       make_interval(secs => t.joining_gap_minutes * 60) AS joining_gap,
       make_interval(secs => 3 * d.heartbeat_minutes * 60) AS silence
FROM devices d
JOIN technologies t ON t.id = d.technology_id
JOIN use_rules r ON r.technology_id = t.id
UNION ALL
SELECT d.id, 'armed', r.type, r.above, r.below, r.release, r.until, r.bare, true, false,
       interval '0', interval '0', interval '0', interval '0'
FROM devices d
JOIN armed_rules r ON r.technology_id = d.technology_id;

-- What a reading says of a stateful rule: on, off, or (NULL) that it is as it was.
CREATE FUNCTION rule_state(said text, value double precision, until text, above double precision,
                           below double precision, release double precision, bare boolean)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN said = until THEN false
        WHEN above IS NULL AND below IS NULL THEN true
        WHEN value IS NULL THEN CASE WHEN bare AND until IS NOT NULL THEN true END
        WHEN value > above OR value < below THEN true
        WHEN CASE WHEN above IS NULL THEN value >= coalesce(release, below)
                  ELSE value <= coalesce(release, above) END THEN false
    END
$$;

-- How a rule's state stood at the end of each hour in which a reading turned or confirmed it. Found by the hour, the
-- state before any moment costs one step, however seldom the device speaks of it. Like rollups it outlives raw events.
CREATE TABLE last_states (
    device_id  integer NOT NULL,
    purpose    text NOT NULL,
    type       text NOT NULL,
    hour       timestamptz NOT NULL,
    is_on      boolean NOT NULL,
    by_citizen boolean NOT NULL,     -- whoever caused the reading that says so
    PRIMARY KEY (device_id, purpose, type, hour)
);

-- The minutes in which the device was armed, or worn, by what it last said of it. NULL: the technology has no rule for
-- it, or the device had said nothing yet. In hours without a row it is as in the last minute of the row before.
ALTER TABLE rollups ADD COLUMN armed_minutes bigint;

-- Alarms as they were raised, and the first handling within a day of each.
CREATE TABLE alarms (
    device_id  integer NOT NULL REFERENCES devices,
    raised_at  timestamptz NOT NULL,
    raised_by  text NOT NULL,        -- origin: a test is no alarm
    handled_at timestamptz CHECK (handled_at >= raised_at),
    handled_by text,
    PRIMARY KEY (device_id, raised_at, raised_by),
    CHECK ((handled_at IS NULL) = (handled_by IS NULL))
);

-- How long a silence breaks a period depends on how often a device is to be heard; and of another technology, its
-- readings turn other states.
CREATE FUNCTION mark_rollups_of_device() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(5017002);  -- no refresh meanwhile, as in nyttig/store/rollups.py
    IF old.technology_id <> new.technology_id THEN
        DELETE FROM last_states WHERE device_id = new.id;
    END IF;
    INSERT INTO touched (device_id, hour) SELECT device_id, hour FROM rollups WHERE device_id = new.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER devices_are_understood_anew AFTER UPDATE OF heartbeat_minutes, technology_id ON devices
    FOR EACH ROW WHEN ((old.heartbeat_minutes, old.technology_id) <> (new.heartbeat_minutes, new.technology_id))
    EXECUTE FUNCTION mark_rollups_of_device();

-- What is already there gets its states with the next refresh.
INSERT INTO touched (device_id, hour)
SELECT device_id, hour FROM rollups
WHERE hour >= coalesce((SELECT kept_from FROM retention), '-infinity')
  AND device_id IN (SELECT device_id FROM device_rules WHERE stateful);
