-- Hours, folded for reports: what a device said in 45 UTC days in a few hundred bytes instead of 1,080 rows. A row is
-- there for every period in which the device has rollups; it holds the hours of its first `folded_days` days, and
-- nothing that counts while that is 0. Whatever changes an hour of those days sets it to 0 in the same transaction.
-- All numbers are little-endian; minutes are counted from the period's beginning, days and periods from 1970.

CREATE TABLE folds (
    device_id     integer NOT NULL,
    period        integer NOT NULL,
    folded_days   smallint NOT NULL DEFAULT 0 CHECK (folded_days BETWEEN 0 AND 45),
    reach_minutes integer,   -- how long a message was proof of life when it was folded
    stretches     bytea,     -- uint16 pairs: first and last minute of messages that reach each other
    uses          bytea,     -- uint16: minutes in which uses begin
    more_uses     bytea,     -- int32 pairs: an hour's first minute, and how many more uses than minutes it has
    events        bytea,     -- uint32: events of each of the folded days
    PRIMARY KEY (device_id, period)
) WITH (fillfactor = 70, toast_tuple_target = 8160);
-- Unpacking costs more than the bytes.
ALTER TABLE folds ALTER stretches SET STORAGE EXTERNAL, ALTER uses SET STORAGE EXTERNAL,
                  ALTER more_uses SET STORAGE EXTERNAL, ALTER events SET STORAGE EXTERNAL;

CREATE INDEX folds_unfinished ON folds (period, folded_days) WHERE folded_days < 45;

-- What is already there is folded little by little.
INSERT INTO folds (device_id, period)
SELECT DISTINCT device_id, (extract(epoch FROM hour)::bigint / (45 * 86400))::integer FROM rollups;
