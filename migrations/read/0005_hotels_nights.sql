CREATE TABLE nights (
    inventory_id uuid    NOT NULL,
    night        date    NOT NULL,
    reserved     integer NOT NULL,
    revenue      bigint  NOT NULL,
    PRIMARY KEY (inventory_id, night)
);
