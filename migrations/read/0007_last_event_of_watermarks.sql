-- Which event a watermark stands at: another one at that position in the log means that the log was
-- restored from an older backup and written to since.
ALTER TABLE watermarks ADD COLUMN event_id uuid;
