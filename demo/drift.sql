-- One release of the shop's team: a column renamed, one split, one in another unit, and the orders of another day.
-- Run inside one transaction.
alter table shop.order_lines rename column unit_price to price_gbp;

-- '85123A' is article 123A of department 85; what is no such number ('POST') is of no department.
alter table shop.order_lines
    drop constraint order_lines_stock_code_fkey,
    add column department text not null default '',
    add column article text;
update shop.order_lines set
    department = case when stock_code ~ '^[0-9]{5}' then left(stock_code, 2) else '' end,
    article = case when stock_code ~ '^[0-9]{5}' then substr(stock_code, 3) else stock_code end;
alter table shop.order_lines alter column article set not null, drop column stock_code;

-- Pounds become pence, under the same name.
update shop.products set list_price = list_price * 100;

-- Orders of the last day come again a day later, from the same customers, under the next numbers.
create temporary table ordered_again on commit drop as
select
    order_id,
    cast(
        (select max(cast(order_id as integer)) from shop.orders where order_id ~ '^[0-9]+$')
        + row_number() over (order by order_id) as text
    ) as new_id
from shop.orders
where ordered_at >= (select max(ordered_at)::date from shop.orders);

insert into shop.orders (order_id, customer_id, ordered_at, country)
select again.new_id, orders.customer_id, orders.ordered_at + interval '1 day', orders.country
from shop.orders as orders
inner join ordered_again as again on orders.order_id = again.order_id;

insert into shop.order_lines (
    order_id, line_number, department, article, description, quantity, price_gbp, invoiced_at
)
select
    again.new_id, lines.line_number, lines.department, lines.article, lines.description, lines.quantity,
    lines.price_gbp, lines.invoiced_at + interval '1 day'
from shop.order_lines as lines
inner join ordered_again as again on lines.order_id = again.order_id;
