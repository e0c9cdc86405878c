"""Writes a dbt project of any size, of the shapes that real projects have, that really builds on DuckDB.

A tenth of the models' number are sources; a quarter of the models stage them, a third joins, dedupes,
unions and windows, the rest aggregates. A few staging models are read by very many.

usage: python -m bench.generated_project FOLDER MODELS
"""

from __future__ import annotations

import random
import sys
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

_PROJECT = """name: generated
version: '1.0'
profile: generated
models:
  generated:
    staging: {+materialized: view}
    intermediate: {+materialized: table}
    marts: {+materialized: table}
"""
_PROFILES = "generated: {target: dev, outputs: {dev: {type: duckdb, path: generated.duckdb, threads: 2}}}\n"
_COMMON = (
    "id",
    "customer_id",
    "product_id",
    "status",
    "country",
    "amount",
    "quantity",
    "created_at",
    "updated_at",
)
_WORDS = ("margin", "discount", "score", "share", "weight", "rank", "total", "delay", "fee", "tax")


@dataclass
class _Model:
    name: str
    folder: str
    columns: list[str]
    sql: str
    has_key: bool = True


@dataclass
class _Writer:
    """Models so far. Every model but a mart has the common columns, one row per id, and some of its own."""

    chance: random.Random
    staging: list[_Model] = field(default_factory=list)
    intermediate: list[_Model] = field(default_factory=list)
    number: int = 0

    def parents(self, count: int) -> list[_Model]:
        """Different models to read; the first ones are read far more often."""
        pool = self.staging + self.intermediate
        chosen: list[_Model] = []
        while len(chosen) < min(count, len(pool)):
            model = pool[int(len(pool) * self.chance.random() ** 2.5)]
            if model not in chosen:
                chosen.append(model)
        return chosen

    def own(self) -> str:
        """A column name that no other model has."""
        self.number += 1
        return f"{self.chance.choice(_WORDS)}_{self.number}"

    def extra(self, model: _Model) -> str:
        """One of a model's own columns, or the amount."""
        return self.chance.choice([c for c in model.columns if c not in _COMMON] or ["amount"])


def _ref(model: _Model) -> str:
    return "{{ ref('" + model.name + "') }}"


def _cte(name: str, model: _Model) -> str:
    return f"{name} as (\n\n    select * from {_ref(model)}\n\n)"


def _stage(writer: _Writer, number: int, sources: int) -> _Model:
    source, own = number % sources, writer.own()
    sql = f"""with

source as (

    select * from {{{{ source('raw', 'table_{source}') }}}}

),

renamed as (

    select
        -- ids
        id::integer as id,
        cust_id::integer as customer_id,
        prod_id::integer as product_id,

        -- attributes
        lower(trim(state)) as status,
        upper(country_code) as country,

        -- numerics
        amt::double as amount,
        qty::integer as quantity,

        -- timestamps
        created::timestamp as created_at,
        coalesce(updated, created)::timestamp as updated_at,
        amt::double * {number % 7 + 1} as {own}

    from source

)

select * from renamed
"""
    return _Model(f"stg_raw__{number}", "staging", [*_COMMON, own], sql)


def _joined(writer: _Writer, a: _Model, b: _Model) -> tuple[str, list[str]]:
    own = writer.own()
    x = writer.extra(b)
    return (
        f"""with

{_cte("a", a)},

{_cte("b", b)},

joined as (

    select
        a.*,
        b.{x} + a.amount as {own}
    from a
    left join b on a.id = b.id and b.status is not null

)

select * from joined
""",
        [*a.columns, own],
    )


def _using(writer: _Writer, a: _Model, b: _Model) -> tuple[str, list[str]]:
    own = writer.own()
    return (
        f"""with

{_cte("a", a)},

{_cte("b", b)}

select
    id,
    a.customer_id,
    a.product_id,
    coalesce(a.status, b.status) as status,
    b.country,
    a.amount,
    b.quantity,
    a.created_at,
    greatest(a.updated_at, b.updated_at) as updated_at,
    a.amount * b.quantity as {own}
from a
inner join b using (id)
""",
        [*_COMMON, own],
    )


def _latest(writer: _Writer, a: _Model, b: _Model) -> tuple[str, list[str]]:
    own = writer.own()
    return (
        f"""with

{_cte("a", a)},

numbered as (

    select
        *,
        row_number() over (partition by customer_id order by updated_at desc, id) as {own}
    from a
    where quantity >= 0

)

select * from numbered
qualify row_number() over (partition by id order by updated_at desc) = 1
""",
        [*a.columns, own],
    )


def _union(writer: _Writer, a: _Model, b: _Model) -> tuple[str, list[str]]:
    own = writer.own()
    listed = ", ".join(_COMMON)
    return (
        f"""with unioned as (

    select {listed}, 'a' as origin from {_ref(a)}
    union all
    select {listed}, 'b' from {_ref(b)}

)

select
    {listed},
    count(*) over (partition by id) as {own}
from unioned
qualify row_number() over (partition by id order by origin) = 1
""",
        [*_COMMON, own],
    )


def _starred(writer: _Writer, a: _Model, b: _Model) -> tuple[str, list[str]]:
    own = writer.own()
    return (
        f"""select
    * exclude (updated_at) replace (round(amount, 2) as amount),
    updated_at,
    sum(amount) over (order by id rows between 9 preceding and current row) as {own}
from {_ref(a)}
where status not in (select distinct status from {_ref(b)} where status = 'void')
""",
        [*[c for c in a.columns if c != "updated_at"], "updated_at", own],
    )


def _unnested(writer: _Writer, a: _Model, b: _Model) -> tuple[str, list[str]]:
    own, other = writer.own(), writer.own()
    return (
        f"""with

{_cte("a", a)},

letters as (

    select
        a.id,
        count(distinct l.letter) as {own}
    from a, unnest(string_split(a.status, '')) as l(letter)
    group by a.id

),

paid as (

    select
        b.id,
        sum(case when b.status = 'paid' then b.amount else 0 end) as {other}
    from {_ref(b)} as b
    group by 1

)

select
    a.*,
    letters.{own},
    paid.{other}
from a
left join letters using (id)
left join paid using (id)
""",
        [*a.columns, own, other],
    )


def _subqueried(writer: _Writer, a: _Model, b: _Model) -> tuple[str, list[str]]:
    own = writer.own()
    return (
        f"""with filtered as (

    select * from {_ref(a)} as a
    where exists (select 1 from {_ref(b)} as b where b.customer_id = a.customer_id)

)

select
    filtered.*,
    (select max(b.amount) from {_ref(b)} as b where b.product_id = filtered.product_id) as {own}
from filtered
""",
        [*a.columns, own],
    )


_SHAPES = (_joined, _using, _latest, _union, _starred, _unnested, _subqueried)


def _mart(writer: _Writer, number: int) -> _Model:
    parents = writer.parents(writer.chance.randint(1, 4))
    grain = writer.chance.choice(("customer_id", "product_id", "country", "status"))
    ctes = ",\n\n".join(_cte(f"p{n}", parent) for n, parent in enumerate(parents))
    joins = "\n    ".join(f"left join p{n} using (id)" for n in range(1, len(parents)))
    measures = [(writer.own(), n, writer.extra(p)) for n, p in enumerate(parents)]
    listed = ",\n        ".join(f"sum(p{n}.{column}) as {own}" for own, n, column in measures)
    sql = f"""with

{ctes},

aggregated as (

    select
        p0.{grain},
        date_trunc('month', p0.created_at) as month,
        count(*) as row_count,
        {listed}
    from p0
    {joins}
    where p0.amount > 0
    group by all

),

final as (

    select
        *,
        {measures[0][0]} / nullif(sum({measures[0][0]}) over (partition by month), 0) as share_of_month
    from aggregated

)

select * from final
"""
    columns = [grain, "month", "row_count", *(own for own, _, _ in measures), "share_of_month"]
    return _Model(f"fct_{grain.removesuffix('_id')}__{number}", "marts", columns, sql, has_key=False)


def generate(folder: Path, models: int, seed: int = 7) -> None:
    """Write a project of `models` models; the same seed writes the same project."""
    writer = _Writer(random.Random(seed))
    sources, staged, between = max(1, models // 10), models // 4, models // 3
    writer.staging = [_stage(writer, n, sources) for n in range(staged)]
    for number in range(between):
        shape = writer.chance.choice(_SHAPES)
        a, b = writer.parents(2)
        sql, columns = shape(writer, a, b)
        writer.intermediate.append(
            _Model(f"int_{shape.__name__.strip('_')}__{number}", "intermediate", columns, sql)
        )
    marts = [_mart(writer, n) for n in range(models - staged - between)]
    for number, model in enumerate(writer.intermediate):
        if number % 20 == 7:
            model.sql = "{{ config(materialized='ephemeral') }}\n" + model.sql
        elif number % 20 == 13:
            config = "{{ config(materialized='incremental', unique_key='id') }}\n"
            since = "where updated_at > (select max(updated_at) from {{ this }})"
            model.sql = (
                f"{config}select * from (\n{model.sql}) as new\n{{% if is_incremental() %}}{since}{{% endif %}}\n"
            )
    _write(folder, [*writer.staging, *writer.intermediate, *marts], sources, marts)


def _write(folder: Path, models: list[_Model], sources: int, marts: list[_Model]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dbt_project.yml").write_text(_PROJECT)
    (folder / "profiles.yml").write_text(_PROFILES)
    (folder / ".gitignore").write_text("target/\nlogs/\n.smelt/\n*.duckdb\n*.duckdb.wal\n")
    for model in models:
        path = folder / "models" / model.folder / f"{model.name}.sql"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(model.sql)
    tables = "".join(f"      - name: table_{n}\n" for n in range(sources))
    (folder / "models" / "sources.yml").write_text(f"sources:\n  - name: raw\n    tables:\n{tables}")
    for name in ("staging", "intermediate", "marts"):
        described = "".join(_properties(m) for m in models if m.folder == name)
        (folder / "models" / name / f"_{name}.yml").write_text(f"models:\n{described}")
    exposures = "".join(
        f"  - name: dashboard_{n}\n    type: dashboard\n    owner: {{name: data, email: data@example.com}}\n"
        f"    depends_on: [ref('{mart.name}')]\n"
        for n, mart in enumerate(marts[:20])
    )
    (folder / "models" / "exposures.yml").write_text(f"exposures:\n{exposures}")


def _properties(model: _Model) -> str:
    first = model.columns[0]
    tests = "        data_tests: [not_null, unique]\n" if model.has_key else ""
    others = "".join(
        f"      - name: {column}\n        description: The {column}.\n" for column in model.columns[1:]
    )
    return (
        f"  - name: {model.name}\n    description: One row per {first}.\n    columns:\n"
        f"      - name: {first}\n        description: Identifies a row.\n{tests}{others}"
    )


def fill(folder: Path, rows: int = 100) -> None:
    """Make the raw tables of a generated project in its DuckDB file."""
    names = [
        line.split()[-1]
        for line in (folder / "models" / "sources.yml").read_text().splitlines()
        if "table_" in line
    ]
    with duckdb.connect(str(folder / "generated.duckdb")) as con:
        con.execute("create schema if not exists raw")
        for number, name in enumerate(names):
            con.execute(
                f"""
                create or replace table raw.{name} as
                select
                    i as id, i % 17 as cust_id, (i * 7) % 11 as prod_id,
                    list_element([' paid', 'open ', 'void', 'Late'], 1 + (i + {number}) % 4) as state,
                    list_element(['gb', 'de', 'fr'], 1 + i % 3) as country_code,
                    (i * 37 % 1000) / 10 as amt, i % 9 as qty,
                    timestamp '2024-01-01' + interval (i) day as created,
                    case when i % 3 = 0 then timestamp '2024-06-01' + interval (i) hour end as updated
                from range({int(rows)}) as r(i)
                """
            )


if __name__ == "__main__":
    generate(Path(sys.argv[1]), int(sys.argv[2]))
    fill(Path(sys.argv[1]))
