CREATE TABLE room_inventories (
    inventory_id          uuid    PRIMARY KEY,
    hotel_id              uuid    NOT NULL,
    room_type             text    NOT NULL,
    count                 integer NOT NULL,
    overbooking_allowance integer NOT NULL,
    open                  boolean NOT NULL
);
CREATE INDEX room_inventories_by_hotel ON room_inventories (hotel_id);
