-- The read side. Runs with search_path = read.

-- How far each projection is in each topic partition: written in the transaction that writes its
-- rows, so that every event counts once.
CREATE TABLE watermarks (
    projection  text    NOT NULL,
    version     integer NOT NULL,
    context     text    NOT NULL,
    partition   integer NOT NULL,
    epoch       uuid    NOT NULL,
    position    bigint  NOT NULL DEFAULT 0,
    -- The next offset to read from Kafka; null until a message came that way.
    next_offset bigint,
    PRIMARY KEY (context, partition, projection)
) WITH (fillfactor = 50);
