-- Hours of nearly all devices are read by time: they stand side by side, where device by device each is looked for apart.
CREATE INDEX rollups_by_hour ON rollups USING brin (hour) WITH (pages_per_range = 16, autosummarize = on);
