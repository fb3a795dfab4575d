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
