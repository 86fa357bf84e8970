-- Hours in which a device sent far too much: few, so that looking for them costs nothing.
CREATE INDEX rollups_of_busy_hours ON rollups (hour) WHERE events_total > 1200 OR uses + other_uses > 120;

-- What installers did about findings, and what was told about them to whom.

-- The newest mark of a subject and finding hides it: done, until data that came after says that it still holds;
-- postponed, until that moment. Marks are kept, so that a device's page can tell what was done.
CREATE TABLE work_marks (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject_kind    text NOT NULL CHECK (subject_kind IN ('device', 'home', 'gateway')),
    subject         text NOT NULL,      -- the device's or the home's code; of a gateway its dialect and address
    finding         text NOT NULL,
    action          text NOT NULL CHECK (action IN ('done', 'postponed')),
    postponed_until timestamptz,
    note            text,
    marked_by       text NOT NULL,
    marked_at       timestamptz NOT NULL,
    CHECK ((action = 'postponed') = (postponed_until IS NOT NULL))
);
CREATE INDEX work_marks_by_subject ON work_marks (subject_kind, subject, finding, marked_at DESC, id DESC);

-- When a channel was last told of a finding, so that nobody is told again after a restart. The digest of a day is told
-- as the finding 'digest' of that day.
CREATE TABLE notices (
    channel text NOT NULL,
    subject text NOT NULL,
    finding text NOT NULL,
    told_at timestamptz NOT NULL,
    PRIMARY KEY (channel, subject, finding)
);
