-- A projection has a table for each of its versions, and up to three of each: the live one, a shadow
-- that is being built, and the previous one, to go back to. Each has its own watermarks.
ALTER TABLE watermarks
    ADD COLUMN slot text NOT NULL DEFAULT 'live' CHECK (slot IN ('live', 'shadow', 'previous')),
    DROP CONSTRAINT watermarks_pkey,
    ADD PRIMARY KEY (context, partition, projection, version, slot);
