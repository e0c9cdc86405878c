-- Foreign keys of a PostgreSQL database; columns in the order of the constraint, as JSON arrays.
select
    own_schema.nspname::text as schema_name,
    own.relname::text as table_name,
    array_to_json(array(
        select attribute.attname::text
        from unnest(constraints.conkey) with ordinality as place (number, position)
        inner join pg_attribute as attribute
            on attribute.attrelid = constraints.conrelid and attribute.attnum = place.number
        order by place.position
    ))::text as columns,
    other_schema.nspname::text as to_schema,
    other.relname::text as to_table,
    array_to_json(array(
        select attribute.attname::text
        from unnest(constraints.confkey) with ordinality as place (number, position)
        inner join pg_attribute as attribute
            on attribute.attrelid = constraints.confrelid and attribute.attnum = place.number
        order by place.position
    ))::text as to_columns
from pg_constraint as constraints
inner join pg_class as own on own.oid = constraints.conrelid
inner join pg_namespace as own_schema on own_schema.oid = own.relnamespace
inner join pg_class as other on other.oid = constraints.confrelid
inner join pg_namespace as other_schema on other_schema.oid = other.relnamespace
where constraints.contype = 'f'
