-- E-mails, by whom they are to: the address stands with the account, so that it goes with it.
CREATE TABLE emails (
    id         uuid        PRIMARY KEY,
    version    bigint      NOT NULL,
    person     uuid        NOT NULL,
    language   text        NOT NULL,
    template   text        NOT NULL,
    status     text        NOT NULL,
    attempts   bigint      NOT NULL,
    trouble    jsonb,
    next_at    timestamptz,
    queued_at  timestamptz NOT NULL,
    settled_at timestamptz
);
CREATE INDEX emails_by_time ON emails (queued_at, id);
CREATE INDEX emails_by_status ON emails (status, queued_at, id);
CREATE INDEX emails_by_person ON emails (person, queued_at, id);
