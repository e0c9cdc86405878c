select
    cast(customer_id as integer) as customer_id,
    cast(country as varchar) as country

from (values (1, 'France'), (2, 'France'), (3, 'Spain')) as given(customer_id, country)
