select
    namespaces.nspname,
    relations.relname,
    cast(relations.relkind as text),
    attributes.attname,
    format_type(attributes.atttypid, attributes.atttypmod),
    attributes.attnotnull,
    pg_get_expr(defaults.adbin, defaults.adrelid)

from pg_attribute as attributes
inner join pg_class as relations on attributes.attrelid = relations.oid
inner join pg_namespace as namespaces on relations.relnamespace = namespaces.oid
left join pg_attrdef as defaults
    on
        attributes.attrelid = defaults.adrelid
        and attributes.attnum = defaults.adnum

where
    namespaces.nspname in (:schemas)
    and relations.relkind in ('r', 'p', 'v', 'm', 'f')
    and not relations.relispartition
    and attributes.attnum > 0
    and not attributes.attisdropped

order by namespaces.nspname, relations.relname, attributes.attnum
