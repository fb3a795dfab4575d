CREATE TABLE reservations (
    id              uuid        PRIMARY KEY,
    version         bigint      NOT NULL,
    hotel_id        uuid        NOT NULL,
    booked_by       uuid        NOT NULL,
    status          text        NOT NULL,
    room_type       text        NOT NULL,
    check_in        date        NOT NULL,
    check_out       date        NOT NULL,
    rooms           integer     NOT NULL,
    adults          integer     NOT NULL,
    children        integer     NOT NULL,
    price_amount    bigint      NOT NULL,
    total_amount    bigint      NOT NULL,
    currency        text        NOT NULL,
    booked_at       timestamptz NOT NULL,
    checked_in_on   date,
    checked_out_on  date
);
CREATE INDEX reservations_by_hotel ON reservations (hotel_id, check_in, id);
CREATE INDEX reservations_by_guest ON reservations (booked_by, check_in, id);
