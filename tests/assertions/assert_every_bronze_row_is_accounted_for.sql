-- Conservation: every bronze row is in silver, quarantined, superseded or a tombstone, and in only one of them.
select * from {{ ref('row_accounting') }}
where not is_balanced
