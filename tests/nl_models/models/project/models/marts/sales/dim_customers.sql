select
    cast(customer_id as integer) as customer_id,
    cast(customer_name as varchar) as customer_name,
    cast(country as varchar) as country

from (
    values (1, 'Ann', 'France'), (2, 'Bea', 'France'), (3, 'Ann', 'Spain')
) as given(customer_id, customer_name, country)
