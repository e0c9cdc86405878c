-- The shop's database: everything that isn't a cancellation, normalised. Run inside one transaction.
drop schema if exists shop cascade;
create schema shop;

create table shop.customers (
    customer_id integer primary key,
    country text not null
);

create table shop.products (
    stock_code text primary key,
    description text,
    list_price numeric(12, 4)
);

create table shop.orders (
    order_id text primary key,
    customer_id integer references shop.customers,
    ordered_at timestamp not null,
    country text not null
);

create table shop.order_lines (
    order_id text not null references shop.orders,
    line_number integer not null,
    stock_code text not null references shop.products,
    description text,
    quantity integer not null,
    unit_price numeric(12, 4) not null,
    invoiced_at timestamp not null,
    primary key (order_id, line_number)
);

create index on shop.orders (ordered_at);
create index on shop.order_lines (invoiced_at);
