-- customer 1 comes back in February, customer 2 in March; one order is anonymous
select
    order_id,
    cast(customer_id as integer) as customer_id,
    country,
    cast(ordered_at as timestamp) as ordered_at
from (
    values
        ('a', 1, 'France', '2011-01-07 09:00:00'),
        ('b', null, 'Malta', '2011-01-08 10:00:00'),
        ('c', 1, 'France', '2011-02-10 11:00:00'),
        ('d', 2, 'Spain', '2011-02-10 12:00:00'),
        ('e', 2, 'Spain', '2011-03-31 23:59:00')
) as placed (order_id, customer_id, country, ordered_at)
