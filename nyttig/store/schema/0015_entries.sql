-- What people enter about a trial: gains, costs, measures, decisions and whatever else nyttig/entries lists. Every
-- version is kept; the newest counts, and one without data says that it was taken back.
CREATE TABLE entries (
    id         bigint GENERATED ALWAYS AS IDENTITY,
    entry      text NOT NULL CHECK (entry ~ '^[A-Za-z0-9._-]+$'),
    version    integer NOT NULL CHECK (version >= 1),
    kind       text NOT NULL,
    trial_id   text REFERENCES trials ON DELETE CASCADE,      -- null: it belongs to no trial
    data       jsonb,
    entered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    entered_by text NOT NULL,
    loaded     boolean NOT NULL,                              -- it came with a trial package
    PRIMARY KEY (entry, version)
);
CREATE INDEX entries_by_trial ON entries (trial_id, kind, entry, version DESC);

CREATE TRIGGER entries_are_kept BEFORE UPDATE ON entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_forget();

INSERT INTO entries (entry, version, kind, trial_id, data, entered_at, entered_by, loaded)
SELECT substr(md5('gain ' || g.trial_id || ' ' || g.id), 1, 12), 1, 'gain', g.trial_id,
       jsonb_strip_nulls(to_jsonb(g) - 'trial_id' - 'place'), t.loaded_at, 'command line', true
FROM gains g JOIN trials t ON t.id = g.trial_id ORDER BY g.trial_id, g.place;

INSERT INTO entries (entry, version, kind, trial_id, data, entered_at, entered_by, loaded)
SELECT substr(md5('measure ' || m.trial_id || ' ' || m.place), 1, 12), 1, 'measure', m.trial_id,
       jsonb_build_object('home', s.code) || (to_jsonb(m) - 'trial_id' - 'place' - 'site_id'), t.loaded_at, 'command line', true
FROM measures m JOIN trials t ON t.id = m.trial_id JOIN sites s ON s.id = m.site_id ORDER BY m.trial_id, m.place;

INSERT INTO entries (entry, version, kind, trial_id, data, entered_at, entered_by, loaded)
SELECT substr(md5('cost ' || c.trial_id || ' ' || c.place), 1, 12), 1, 'cost', c.trial_id,
       jsonb_strip_nulls(to_jsonb(c) - 'trial_id' - 'place'), t.loaded_at, 'command line', true
FROM costs c JOIN trials t ON t.id = c.trial_id ORDER BY c.trial_id, c.place;

DROP TABLE gains;
DROP TABLE measures;
DROP TABLE costs;
