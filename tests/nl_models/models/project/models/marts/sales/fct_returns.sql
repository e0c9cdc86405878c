select
    cast('r' || return_number as varchar) as return_id,
    cast(customer_id as integer) as customer_id,
    cast(amount as decimal(18, 4)) as amount_eur,
    cast(returned_date as date) as returned_date

from (values (1, 1, 5, '2024-01-25'), (2, 3, 7, '2024-03-02')) as given(return_number, customer_id, amount, returned_date)
