-- A report of what had arrived by a moment leaves out what came after it: events about the time before that came late are
-- found by when they came. (Twice ten minutes: an event that is not late lies close to its arrival, and is found there.)
CREATE INDEX events_late ON events (received_at) WHERE received_at - at > interval '10 minutes';
