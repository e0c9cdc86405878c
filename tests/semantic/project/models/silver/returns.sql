-- D is a discount, credited on a note like a return but not goods; customer 3 is on a return note only
select
    return_id,
    cast(line_number as integer) as line_number,
    stock_code,
    description,
    cast(quantity as integer) as quantity,
    cast(unit_price as decimal(12, 4)) as unit_price,
    cast(returned_at as timestamp) as returned_at,
    cast(customer_id as integer) as customer_id,
    country
from (
    values
        ('C1', 1, '22423', 'CAKESTAND', 2, 10.95, '2011-02-15 10:00:00', 1, 'France'),
        ('C1', 2, 'D', 'Discount', 1, 5.00, '2011-02-15 10:00:00', 1, 'France'),
        ('C2', 1, '85123A', 'WHITE HANGING HEART', 1, 2.55, '2011-03-01 10:00:00', 3, 'Italy')
) as credited (return_id, line_number, stock_code, description, quantity, unit_price, returned_at, customer_id, country)
