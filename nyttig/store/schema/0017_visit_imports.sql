-- Lists of visits that people brought in from care systems, each to be taken back whole. A load of the trial's package
-- replaces only what an earlier load brought: visits without an import, and pauses and ends that nobody entered.

CREATE TABLE visit_imports (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    trial_id     text NOT NULL REFERENCES trials ON DELETE CASCADE,
    file         text NOT NULL,
    system       text,              -- what the list came from, as whoever brought it in calls it
    rows_counted integer NOT NULL,
    rows_double  integer NOT NULL,
    rows_outside integer NOT NULL,
    rows_refused integer NOT NULL,
    imported_by  text NOT NULL,
    imported_at  timestamptz NOT NULL,
    withdrawn_by text,
    withdrawn_at timestamptz,
    CHECK ((withdrawn_by IS NULL) = (withdrawn_at IS NULL))
);
CREATE INDEX visit_imports_by_trial ON visit_imports (trial_id, id);

ALTER TABLE visits ADD COLUMN import_id bigint REFERENCES visit_imports ON DELETE CASCADE;
ALTER TABLE visits DROP CONSTRAINT visits_pkey;
CREATE UNIQUE INDEX visits_by_place ON visits (trial_id, coalesce(import_id, 0), place);
CREATE INDEX visits_by_import ON visits (import_id) WHERE import_id IS NOT NULL;

-- Who entered it; NULL: it came with the trial's package.
ALTER TABLE pauses ADD COLUMN entered_by text;
ALTER TABLE enrolments ADD COLUMN end_entered_by text;

UPDATE pauses p SET entered_by = c.changed_by
FROM registry_changes c JOIN sites s ON s.code = c.after->>'home'
WHERE c.action = 'home_paused' AND c.subject = p.trial_id AND s.id = p.site_id
  AND (c.after->>'paused_from')::timestamptz = p.paused_from AND (c.after->>'paused_to')::timestamptz = p.paused_to;

UPDATE enrolments e SET end_entered_by = c.changed_by
FROM registry_changes c JOIN sites s ON s.code = c.after->>'home'
WHERE c.action = 'home_ended' AND c.subject = e.trial_id AND s.id = e.site_id
  AND (c.after->>'ended_on')::date = e.ended_on AND c.after->>'end_reason' = e.end_reason;
