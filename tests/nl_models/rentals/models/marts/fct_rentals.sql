select * from {{ ref('stg_city__rentals') }}
