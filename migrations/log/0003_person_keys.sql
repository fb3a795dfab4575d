-- The keys of persons, each wrapped by a master key of the configuration. A person whose key was
-- destroyed stays as a row without one, so that nobody makes that person a new key. May be kept in
-- a database of its own, beside the log's or apart from it.
CREATE TABLE person_keys (
    person     uuid        PRIMARY KEY,
    wrapped    bytea,
    master     text,
    created_at timestamptz NOT NULL DEFAULT now(),
    erased_at  timestamptz,
    CHECK ((wrapped IS NULL) = (erased_at IS NOT NULL)),
    CHECK ((wrapped IS NULL) = (master IS NULL))
);
CREATE INDEX person_keys_by_master ON person_keys (master, person) WHERE wrapped IS NOT NULL;
