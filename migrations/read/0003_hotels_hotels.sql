CREATE TABLE hotels (
    id                    uuid        PRIMARY KEY,
    version               bigint      NOT NULL,
    owner                 uuid        NOT NULL,
    name                  text        NOT NULL,
    city                  text        NOT NULL,
    time_zone             text        NOT NULL,
    rating                smallint    NOT NULL,
    is_active             boolean     NOT NULL,
    room_types            jsonb       NOT NULL,
    overbooking_allowance integer     NOT NULL,
    price_amount          bigint      NOT NULL,
    price_currency        text        NOT NULL,
    created_at            timestamptz NOT NULL,
    -- Its reservations still name it.
    deleted               boolean     NOT NULL
);
CREATE INDEX hotels_by_city ON hotels (lower(city));
