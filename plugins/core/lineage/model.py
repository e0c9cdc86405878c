"""The lineage of one model, as a plain value that can be stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from plugins.core.errors import SmeltError
from plugins.core.lineage.kinds import Kind
from plugins.core.lineage.query import read_query
from plugins.core.lineage.relations import Relation
from plugins.core.lineage.scope import Context, Scope, Tables

# One column that makes another: (node id, column, kind).
Use = tuple[str, str, Kind]


@dataclass(frozen=True)
class ModelLineage:
    """columns: (name as written, its direct inputs), in order. rows: indirect inputs.

    opens: nodes whose unlisted columns a star passes on. anything: inputs of columns that can't be listed.
    missing: names that nothing explains. unparsed: why the SQL could not be read.
    """

    columns: tuple[tuple[str, tuple[Use, ...]], ...] = ()
    rows: tuple[Use, ...] = ()
    opens: tuple[str, ...] = ()
    anything: tuple[Use, ...] | None = None
    missing: tuple[str, ...] = ()
    unparsed: str | None = None


@dataclass
class Schemas(Tables):
    """Tables by name: full names as (database, schema, name), lower case; shorter names match their ends."""

    names: Mapping[tuple[str, ...], str]
    relations: Mapping[str, Relation]
    preferred: frozenset[str] = frozenset()
    unknown: dict[str, Relation] = field(default_factory=dict)

    def relation(self, parts: Sequence[str]) -> Relation:
        """The node's relation, or an open one for a table that the project does not know."""
        node = self.names.get(tuple(parts)) or self.names.get(tuple(parts[-2:])) if len(parts) > 1 else None
        node = node or (self.names.get(tuple(parts[-1:])) if len(parts) == 1 else None)
        if node is not None and node in self.relations:
            return self.relations[node]
        name = f"external.{'.'.join(parts)}"
        return self.unknown.setdefault(name, Relation(opens=(name,), shaped_by=name))


def parse(sql: str, dialect: str) -> exp.Expr:
    """The one query in `sql`; raises SmeltError with sqlglot's first complaint."""
    try:
        statements = [s for s in sqlglot.parse(sql, dialect=dialect) if s is not None]
    except (SqlglotError, RecursionError) as error:
        raise SmeltError(_first_line(error)) from error
    if len(statements) != 1:
        raise SmeltError(f"{len(statements)} statements instead of one query")
    return statements[0]


def read_relation(sql: str, dialect: str, tables: Tables) -> tuple[Relation, frozenset[str]]:
    """The relation that `sql` gives, and the names in it that nothing explains; raises SmeltError."""
    context = Context(tables)
    try:
        relation = read_query(parse(sql, dialect), Scope(context))
    except RecursionError as error:
        raise SmeltError("it is nested too deeply to be read") from error
    return relation, frozenset(context.missing)


def read_model(sql: str, dialect: str, tables: Tables) -> ModelLineage:
    """The lineage of a query. Nothing is raised: what can't be read is `unparsed`, with the reason."""
    try:
        relation, missing = read_relation(sql, dialect, tables)
    except SmeltError as error:
        return ModelLineage(unparsed=error.message)
    except Exception as error:  # noqa: BLE001 - a query of a shape never seen must not take the others with it
        return ModelLineage(unparsed=f"it cannot be read: {type(error).__name__}: {error}")
    return ModelLineage(
        columns=tuple((c.name, _uses(c.inputs)) for c in relation.columns.values()),
        rows=tuple(sorted((node, name, kind) for (node, name), kinds in relation.rows.items() for kind in kinds)),
        opens=relation.opens,
        anything=None if relation.anything is None else _uses(relation.anything),
        missing=tuple(sorted(missing)),
    )


def _uses(inputs: Mapping[tuple[str, str], Kind]) -> tuple[Use, ...]:
    return tuple(sorted((node, name, kind) for (node, name), kind in inputs.items()))


def _first_line(error: BaseException) -> str:
    errors = getattr(error, "errors", None)
    if errors:
        first = errors[0]
        return f"{first.get('description')} (line {first.get('line')}, column {first.get('col')})"
    text = str(error).strip().splitlines()
    return text[0] if text else type(error).__name__
