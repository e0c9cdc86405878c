-- Columns of all relations that the role may read, with their types as declared; domains by what they stand for.
select
    a.attrelid as relation,
    a.attnum as position,
    a.attname::text as name,
    coalesce(b.typname, t.typname)::text as type,
    case
        when t.typtype = 'd' then format_type(t.typbasetype, t.typtypmod)
        else format_type(a.atttypid, a.atttypmod)
    end as declared,
    case
        when coalesce(b.typcategory, t.typcategory) = 'A' then 'a'
        when t.typtype = 'd' then 'd'
        else t.typtype::text
    end as kind,
    c.reltuples::bigint as estimate,
    has_table_privilege(c.oid, 'select') as is_open
from pg_attribute as a
inner join pg_class as c on c.oid = a.attrelid
inner join pg_type as t on t.oid = a.atttypid
left join pg_type as b on b.oid = nullif(t.typbasetype, 0)
where
    a.attnum > 0
    and not a.attisdropped
    and has_column_privilege(a.attrelid, a.attnum, 'select')
