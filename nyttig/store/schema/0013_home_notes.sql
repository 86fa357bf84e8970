-- What a coordinator wrote about a home of a trial. A note puts off the call until a day; one that was taken back stays,
-- with who took it back. No reference to the enrolment, which a new load of the trial writes anew.
CREATE TABLE home_notes (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    trial_id      text NOT NULL REFERENCES trials ON DELETE CASCADE,
    site_id       integer NOT NULL REFERENCES sites,
    text          text NOT NULL,
    snoozed_until date,              -- local to the trial; from that day on the home may need a call again
    noted_by      text NOT NULL,
    noted_at      timestamptz NOT NULL,
    withdrawn_by  text,
    withdrawn_at  timestamptz,
    CHECK ((withdrawn_by IS NULL) = (withdrawn_at IS NULL))
);
CREATE INDEX home_notes_by_home ON home_notes (trial_id, site_id, id DESC);
