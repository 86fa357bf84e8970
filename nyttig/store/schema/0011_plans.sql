-- What is due when, and how the units that were invited came along.

CREATE TABLE schedules (
    trial_id text NOT NULL REFERENCES trials ON DELETE CASCADE,
    site_id  integer NOT NULL REFERENCES sites,
    place    integer NOT NULL,
    due_time time NOT NULL,          -- local to the trial
    weekdays text NOT NULL CHECK (weekdays ~ '^1?2?3?4?5?6?7?$' AND weekdays <> ''),
    from_day date,
    to_day   date CHECK (to_day >= from_day),
    PRIMARY KEY (trial_id, place)
);

CREATE TABLE unit_parts (
    trial_id            text NOT NULL REFERENCES trials ON DELETE CASCADE,
    unit_id             integer NOT NULL REFERENCES units,
    place               integer NOT NULL,
    invited_on          date,
    joined_on           date,
    staff               integer CHECK (staff >= 0),
    ambassadors_trained integer CHECK (ambassadors_trained >= 0),
    ambassadors_active  integer CHECK (ambassadors_active >= 0),
    PRIMARY KEY (trial_id, unit_id)
);
