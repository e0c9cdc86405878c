select customer_id, customer_name, customer_country
from (
    values
    (1, 'Ada Berg', 'Norway'),
    (2, 'Ben Falk', 'Norway'),
    (3, 'Cleo Marsh', 'Ireland'),
    (4, 'Dora Nunes', 'Portugal')
) as customers (customer_id, customer_name, customer_country)
