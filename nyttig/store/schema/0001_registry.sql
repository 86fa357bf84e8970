-- The registry: what is tried, where, with which devices, from when to when.

CREATE TABLE technologies (
    id                   text PRIMARY KEY CHECK (id ~ '^[a-z0-9_]+$'),
    titles               jsonb NOT NULL,
    usage_class          text NOT NULL CHECK (usage_class IN ('scheduled', 'on_demand', 'standby')),
    joining_gap_minutes  double precision NOT NULL CHECK (joining_gap_minutes >= 0),
    heartbeat_minutes    double precision NOT NULL CHECK (heartbeat_minutes > 0),
    minimum_uses_per_day integer NOT NULL DEFAULT 1 CHECK (minimum_uses_per_day >= 1)
);

-- Which readings are one use. No threshold: each reading of the type; else a crossing of it.
CREATE TABLE use_rules (
    technology_id text NOT NULL REFERENCES technologies ON DELETE CASCADE,
    type          text NOT NULL,
    above         double precision,
    below         double precision,
    PRIMARY KEY (technology_id, type),
    CHECK (above IS NULL OR below IS NULL)
);

CREATE TABLE units (
    id   integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE
);

CREATE TABLE programmes (
    id   integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE
);

CREATE TABLE trials (
    id            text PRIMARY KEY CHECK (id ~ '^[a-z0-9-]+$'),
    title         text NOT NULL,
    programme_id  integer REFERENCES programmes,
    technology_id text NOT NULL REFERENCES technologies,
    timezone      text NOT NULL,
    currency      text NOT NULL,
    starts        date NOT NULL,
    ends          date CHECK (ends >= starts),
    parameters    jsonb NOT NULL,
    loaded_at     timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE trial_units (
    trial_id text NOT NULL REFERENCES trials ON DELETE CASCADE,
    unit_id  integer NOT NULL REFERENCES units,
    place    integer NOT NULL,
    PRIMARY KEY (trial_id, unit_id)
);

-- A home or a demo apartment, known by a code.
CREATE TABLE sites (
    id        integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code      text NOT NULL UNIQUE,
    site_type text NOT NULL CHECK (site_type IN ('home', 'demo')),
    unit_id   integer NOT NULL REFERENCES units
);

CREATE TABLE devices (
    id                integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code              text NOT NULL UNIQUE,
    technology_id     text NOT NULL REFERENCES technologies,
    dialect           text NOT NULL,
    address           text NOT NULL,
    heartbeat_minutes double precision NOT NULL CHECK (heartbeat_minutes > 0),
    power             text NOT NULL CHECK (power IN ('battery', 'mains')),
    UNIQUE (dialect, address)
);

-- A device's part in a trial; primary devices carry the trial's adoption figures.
CREATE TABLE trial_devices (
    trial_id  text NOT NULL REFERENCES trials ON DELETE CASCADE,
    device_id integer NOT NULL REFERENCES devices,
    role      text NOT NULL CHECK (role IN ('primary', 'secondary')),
    PRIMARY KEY (trial_id, device_id)
);
CREATE INDEX trial_devices_by_device ON trial_devices (device_id);

CREATE TABLE placements (
    device_id  integer NOT NULL REFERENCES devices,
    site_id    integer NOT NULL REFERENCES sites,
    placed_at  timestamptz NOT NULL,
    removed_at timestamptz CHECK (removed_at > placed_at),
    PRIMARY KEY (device_id, placed_at)
);
CREATE INDEX placements_by_site ON placements (site_id);

CREATE TABLE enrolments (
    trial_id     text NOT NULL REFERENCES trials ON DELETE CASCADE,
    site_id      integer NOT NULL REFERENCES sites,
    asked_on     date,
    consented_on date,
    installed_on date,
    ended_on     date,
    end_reason   text,
    legal_basis  text,
    PRIMARY KEY (trial_id, site_id)
);
CREATE INDEX enrolments_by_site ON enrolments (site_id);

CREATE TABLE pauses (
    trial_id    text NOT NULL REFERENCES trials ON DELETE CASCADE,
    site_id     integer NOT NULL REFERENCES sites,
    paused_from timestamptz NOT NULL,
    paused_to   timestamptz NOT NULL CHECK (paused_to > paused_from),
    reason      text,
    PRIMARY KEY (trial_id, site_id, paused_from)
);

CREATE TABLE gains (
    trial_id    text NOT NULL REFERENCES trials ON DELETE CASCADE,
    id          text NOT NULL,
    place       integer NOT NULL,
    title       text NOT NULL,
    type        text NOT NULL CHECK (type IN ('quality', 'time', 'cost')),
    perspective text NOT NULL CHECK (perspective IN ('citizen', 'organisation', 'technology', 'economy')),
    indicator   text NOT NULL,
    better      text NOT NULL CHECK (better IN ('lower', 'higher')),
    target      double precision,
    owner       text,
    payer       text,
    planned     boolean NOT NULL,
    PRIMARY KEY (trial_id, id)
);

CREATE TABLE visits (
    trial_id       text NOT NULL REFERENCES trials ON DELETE CASCADE,
    site_id        integer NOT NULL REFERENCES sites,
    place          integer NOT NULL,
    started_at     timestamptz NOT NULL,
    ended_at       timestamptz NOT NULL CHECK (ended_at >= started_at),
    kind           text NOT NULL CHECK (kind IN ('physical', 'remote')),
    purpose        text NOT NULL,
    staff_group    text,
    travel_minutes double precision NOT NULL CHECK (travel_minutes >= 0),
    period         text NOT NULL CHECK (period IN ('before', 'after')),
    PRIMARY KEY (trial_id, place)
);

CREATE TABLE measures (
    trial_id    text NOT NULL REFERENCES trials ON DELETE CASCADE,
    site_id     integer NOT NULL REFERENCES sites,
    place       integer NOT NULL,
    indicator   text NOT NULL,
    measured_on date NOT NULL,
    period      text NOT NULL CHECK (period IN ('before', 'after')),
    value       double precision NOT NULL,
    by_proxy    boolean NOT NULL,
    PRIMARY KEY (trial_id, place)
);

CREATE TABLE costs (
    trial_id    text NOT NULL REFERENCES trials ON DELETE CASCADE,
    place       integer NOT NULL,
    item        text NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('capital', 'running', 'installation', 'support')),
    amount      double precision NOT NULL,
    per         text NOT NULL CHECK (per IN ('device', 'home', 'month', 'once')),
    life_months double precision,
    payer       text,
    source      text,
    PRIMARY KEY (trial_id, place)
);
