select
    cast(customer_id as integer) as customer_id,
    country
from (values (1, 'France'), (2, 'Spain')) as listed (customer_id, country)
