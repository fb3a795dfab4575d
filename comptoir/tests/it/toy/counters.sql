CREATE TABLE counters (
    id    uuid   PRIMARY KEY,
    count bigint NOT NULL
);
