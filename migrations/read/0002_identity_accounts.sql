CREATE TABLE accounts (
    id            uuid        PRIMARY KEY,
    version       bigint      NOT NULL,
    email         text,
    name          text,
    roles         jsonb       NOT NULL,
    active        boolean     NOT NULL,
    registered_at timestamptz NOT NULL
);
CREATE INDEX accounts_by_email ON accounts (email);
