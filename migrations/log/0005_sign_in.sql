-- How often signing in failed of late, by a keyed hash of the e-mail address, whether an account
-- has it or not.
CREATE TABLE sign_in_failures (
    claim    uuid        PRIMARY KEY,
    failures integer     NOT NULL,
    last_at  timestamptz NOT NULL
);
CREATE INDEX sign_in_failures_by_age ON sign_in_failures (last_at);

-- An account that gets another password has two rows for a moment.
CREATE INDEX credentials_by_account ON credentials (account_id, created_at);
