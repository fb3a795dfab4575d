-- What people tell of themselves.
CREATE TABLE profiles (
    id         uuid PRIMARY KEY,
    first_name text,
    last_name  text,
    phone      text,
    address    text,
    gender     text,
    bio        text
);

-- Where accounts are signed in.
CREATE TABLE sessions (
    id           uuid        PRIMARY KEY,
    account_id   uuid        NOT NULL,
    agent        text,
    started_at   timestamptz NOT NULL,
    continued_at timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL
);
CREATE INDEX sessions_by_account ON sessions (account_id, expires_at);

-- Wishes to sell.
CREATE TABLE seller_requests (
    id           uuid        PRIMARY KEY,
    version      bigint      NOT NULL,
    account_id   uuid        NOT NULL,
    message      text,
    status       text        NOT NULL,
    reason       text,
    requested_at timestamptz NOT NULL,
    settled_at   timestamptz
);
CREATE INDEX seller_requests_by_time ON seller_requests (requested_at, id);
CREATE INDEX seller_requests_by_status ON seller_requests (status, requested_at, id);

-- What is personal says of whom: the column that names the person. Erasing a person empties it, in
-- every table that has such a column, whatever its schema (projections/src/erase.rs).
COMMENT ON COLUMN accounts.email IS 'personal of id';
COMMENT ON COLUMN accounts.name IS 'personal of id';
COMMENT ON COLUMN profiles.first_name IS 'personal of id';
COMMENT ON COLUMN profiles.last_name IS 'personal of id';
COMMENT ON COLUMN profiles.phone IS 'personal of id';
COMMENT ON COLUMN profiles.address IS 'personal of id';
COMMENT ON COLUMN profiles.gender IS 'personal of id';
COMMENT ON COLUMN profiles.bio IS 'personal of id';
COMMENT ON COLUMN sessions.agent IS 'personal of account_id';
COMMENT ON COLUMN seller_requests.message IS 'personal of account_id';
COMMENT ON COLUMN seller_requests.reason IS 'personal of account_id';
