with

versions as (

    {{ history_of(ref('int_customers__checked'), ['customer_id'], ['country'], '_smelt_changed_at') }}

),

final as (

    select

        ---------- ids
        customer_id,

        ---------- text
        country,

        ---------- numerics
        cast(version as integer) as version,

        ---------- booleans
        is_current,
        is_deleted,

        ---------- timestamps
        valid_from,
        valid_to,

        ---------- audit
        {{ audit_columns() }}

    from versions

)

select * from final
