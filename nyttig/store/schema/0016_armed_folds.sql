-- Folds say when a device was armed or worn, too: coverage counts those minutes over whole years.

ALTER TABLE folds ADD COLUMN turns bytea NOT NULL DEFAULT '';  -- uint32: minute * 2, + 1 where it was armed from then on
ALTER TABLE folds ALTER turns SET STORAGE EXTERNAL;

-- Devices that can say so are folded again, little by little.
UPDATE folds SET folded_days = 0
WHERE folded_days > 0 AND device_id IN (SELECT device_id FROM device_rules WHERE purpose = 'armed');
