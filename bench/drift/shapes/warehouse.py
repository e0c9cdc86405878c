"""The tables of a case with seeded rows, as SQL: the same seed gives the same rows, on any version of DuckDB."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.drift.shapes.domains import ROLES, Domain

ROWS = 1_200
OTHERS = 60
# Everything that happens after a project was last built happens later than this.
CUTOVER = "2026-11-01 00:00:00"
ACTIVITIES = ("quiet", "growing", "busy")
_WEIGHTS = (0.45, 0.3, 0.17, 0.08)


@dataclass(frozen=True)
class Source:
    """The tables of a domain under the names that a project's shape gives them at the source."""

    domain: Domain
    raw: Mapping[str, str]
    seed: int = 7

    def column(self, role: str) -> str:
        """The quoted name of a column of the main table."""
        return ident(self.raw[role])

    def relation(self, table: str) -> str:
        """A table with its schema, quoted."""
        return f"{ident(self.domain.source)}.{ident(table)}"

    @property
    def main(self) -> str:
        """The table that most drifts are about."""
        return self.relation(self.domain.main)


def ident(name: str) -> str:
    """A quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """A quoted text."""
    return "'" + value.replace("'", "''") + "'"


def create(source: Source) -> list[str]:
    """Statements that make the schema and its three tables, filled."""
    domain = source.domain
    first, second = domain.fields
    types = {**ROLES, "place": f"struct({ident(first)} varchar, {ident(second)} varchar)"}
    columns = ", ".join(f"{source.column(role)} {type_}" for role, type_ in types.items())
    key, name, place, group = (ident(one) for one in domain.other_columns)
    return [
        f"create schema {ident(domain.source)}",
        f"create table {source.main} ({columns})",
        f"create table {source.relation(domain.twin)} ({columns})",
        f"create table {source.relation(domain.other)} "
        f"({key} integer not null, {name} varchar, {place} varchar, {group} varchar)",
        f"insert into {source.main} {_rows(source, 1, ROWS)}",
        f"insert into {source.relation(domain.twin)} {_rows(source, 500_001, ROWS // 2)}",
        f"""insert into {source.relation(domain.other)}
select i, 'No. ' || i || ' ' || {_pick(domain.last, "i", "other name", source)},
    {_pick(("GB", "DE", "FR", "NO"), "i", "other place", source)},
    {_pick(("small", "medium", "large"), "i", "other group", source)}
from range(1, {OTHERS + 1}) as r(i)""",
    ]


def activity(source: Source, kind: str) -> list[str]:
    """What goes on besides the drift: `quiet` nothing, `growing` new rows, `busy` changed and deleted ones too."""
    if kind == "quiet":
        return []
    key, updated = source.column("key"), source.column("updated")
    statements = [f"insert into {source.main} {_rows(source, 10_001, 90, is_late=True)}"]
    if kind == "busy":
        amount, status = source.column("amount"), source.column("status")
        statements += [
            f"update {source.main} set {amount} = {amount} + 1.5, {status} = {text(source.domain.statuses[1])}, "
            f"{updated} = timestamp '{CUTOVER}' + interval ({key} % 50) minute where {key} % 31 = 3",
            f"delete from {source.main} where {key} % 97 = 5",
        ]
    return statements


def _rows(source: Source, start: int, count: int, is_late: bool = False) -> str:
    domain = source.domain
    chance = _Chance(source.seed, domain.name)
    days = "date '2026-11-01' + (" if is_late else "date '2026-01-01' + ("
    span = 3 if is_late else 300
    day = f"{days}floor({chance('day')} * {span})::integer)"
    at = f"({day})::timestamp + to_seconds(floor({chance('second')} * 86000)::bigint)"
    first, second = domain.fields
    values = {
        "key": "i + 1000",
        "ref": f"1 + floor({chance('ref')} * {OTHERS})::integer",
        "status": _weighted(domain.statuses, chance("status")),
        "amount": f"round({domain.scale} * (0.2 + 2.5 * pow({chance('amount')}, 2)), 2)::decimal(12, 2)",
        "quantity": f"1 + floor(pow({chance('quantity')}, 2) * 40)::integer",
        "duration": f"round(0.5 + {chance('duration')} * 600, 3)",
        "share": f"round({chance('share')} * 100, 1)",
        "day": f"strftime({day}, '%Y-%m-%d')",
        "at": at,
        "updated": f"{at} + to_seconds(floor({chance('updated')} * 3600)::bigint)",
        "code": f"'{domain.prefix}-' || lpad((floor({chance('code')} * 400)::integer)::varchar, 4, '0')"
        f" || '-' || {_pick(('A', 'B', 'K', 'X'), 'i', 'letter', source)}",
        "person": f"{_pick(domain.first, 'i', 'first', source)} || ' ' || "
        f"{_pick(domain.last, 'i', 'last', source)}",
        "street": f"{_pick(domain.streets, 'i', 'street', source)} || ' ' || "
        f"{_pick(('Street', 'Lane', 'Road'), 'i', 'way', source)}",
        "house": f"(1 + floor({chance('house')} * 180)::integer)::varchar || "
        f"case when {chance('door')} < 0.2 then 'b' else '' end",
        "place": f"{{{text(first)}: {_pick(('Leeds', 'Bergen', 'Porto', 'Gent', 'Graz'), 'i', 'city', source)}, "
        f"{text(second)}: lpad((floor({chance('zip')} * 90000)::integer)::varchar, 5, '0')}}",
        "note": f"case when {chance('has note')} < 0.4 then "
        f"{_pick(('call first', 'see ticket', 'urgent', 'checked twice'), 'i', 'note', source)}"
        f" || ' ' || (i % 50)::varchar end",
        "flag": f"{chance('flag')} < 0.12",
        "unused": "'X' || (i // 25)::varchar",
    }
    return f"select {', '.join(f'{values[role]}' for role in ROLES)}\nfrom range({start}, {start + count}) as r(i)"


@dataclass(frozen=True)
class _Chance:
    """Numbers in 0..1 of the row, what they are for and the seed; hashes, so that order plays no part."""

    seed: int
    domain: str

    def __call__(self, purpose: str) -> str:
        salt = text(f"{self.domain} {purpose} {self.seed}")
        return f"(md5_number_lower(i::varchar || {salt}) % 1000003 / 1000003.0)"


def _pick(words: Sequence[str], row: str, purpose: str, source: Source) -> str:
    chance = _Chance(source.seed, source.domain.name)(purpose)
    return (
        f"list_element([{', '.join(text(word) for word in words)}], 1 + floor({chance} * {len(words)})::integer)"
    )


def _weighted(words: Sequence[str], chance: str) -> str:
    total, cases = 0.0, []
    for word, weight in zip(words[:-1], _WEIGHTS, strict=False):
        total += weight
        cases.append(f"when {chance} < {total:.2f} then {text(word)}")
    return f"case {' '.join(cases)} else {text(words[-1])} end"
