-- Tables and views, without the parts of partitioned ones: those are read with the whole.
select
    c.oid as relation,
    n.nspname::text as schema_name,
    c.relname::text as table_name,
    c.relkind::text as kind,
    has_schema_privilege(n.oid, 'usage') and has_any_column_privilege(c.oid, 'select') as is_readable,
    row_security_active(c.oid) as is_filtered,
    current_user::text as role,
    (
        select string_agg(parent.relname::text, ', ')
        from pg_inherits as i
        inner join pg_class as parent on parent.oid = i.inhparent
        where i.inhrelid = c.oid
    ) as parents,
    array_to_json(array(
        select a.attname::text
        from pg_index as i
        cross join unnest(i.indkey) with ordinality as place (number, position)
        inner join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = place.number
        where i.indrelid = c.oid and i.indisprimary
        order by place.position
    ))::text as primary_key
from pg_class as c
inner join pg_namespace as n on n.oid = c.relnamespace
where
    c.relkind in ('r', 'p', 'v', 'm', 'f')
    and not c.relispartition
    and n.nspname not like 'pg\_%'
    and n.nspname <> 'information_schema'
order by n.nspname, c.relname
