-- Customers that are in one and not in the other, or in another country.
with

current_versions as (

    select * from {{ ref('customers_history') }}
    where is_current

)

select
    coalesce(customers.customer_id, current_versions.customer_id) as customer_id,
    customers.country as country_now,
    current_versions.country as country_in_history

from {{ ref('customers') }} as customers
full outer join current_versions
    on customers.customer_id = current_versions.customer_id

where customers.country is distinct from current_versions.country
