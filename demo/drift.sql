-- One release of the shop's team: a column renamed, one split, one in another unit, and the orders of another day.
-- Run inside one transaction.
alter table shop.order_lines rename column unit_price to price_gbp;

-- '85123A' is item 85123 in the variant A; what is no such number ('POST') is an item without variants.
alter table shop.order_lines
    drop constraint order_lines_stock_code_fkey,
    add column item_number text,
    add column variant text not null default '';
update shop.order_lines set
    item_number = case when stock_code ~ '^[0-9]{5}' then left(stock_code, 5) else stock_code end,
    variant = case when stock_code ~ '^[0-9]{5}' then substr(stock_code, 6) else '' end;
alter table shop.order_lines alter column item_number set not null, drop column stock_code;

-- Pounds become pence, under the same name.
update shop.products set list_price = list_price * 100;

-- Orders of the last day come again a day later, from the same customers.
create temporary table ordered_again on commit drop as
select order_id, 'D' || order_id as new_id
from shop.orders
where ordered_at >= (select max(ordered_at)::date from shop.orders);

insert into shop.orders (order_id, customer_id, ordered_at, country)
select again.new_id, orders.customer_id, orders.ordered_at + interval '1 day', orders.country
from shop.orders as orders
inner join ordered_again as again on orders.order_id = again.order_id;

insert into shop.order_lines (
    order_id, line_number, item_number, variant, description, quantity, price_gbp, invoiced_at
)
select
    again.new_id, lines.line_number, lines.item_number, lines.variant, lines.description, lines.quantity,
    lines.price_gbp, lines.invoiced_at + interval '1 day'
from shop.order_lines as lines
inner join ordered_again as again on lines.order_id = again.order_id;
