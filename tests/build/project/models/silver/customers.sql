select * exclude (_smelt_op) from {{ source('shop', 'customers') }}
