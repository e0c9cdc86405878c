select
    namespaces.nspname,
    relations.relname,
    cast(rules.contype as text),
    cast(array_to_json(array(
        select attributes.attname
        from unnest(rules.conkey) with ordinality as parts (attnum, place)
        inner join pg_attribute as attributes
            on
                attributes.attrelid = rules.conrelid
                and parts.attnum = attributes.attnum
        order by parts.place
    )) as text)

from pg_constraint as rules
inner join pg_class as relations on rules.conrelid = relations.oid
inner join pg_namespace as namespaces on relations.relnamespace = namespaces.oid

where
    namespaces.nspname in (:schemas)
    and rules.contype in ('p', 'u')
