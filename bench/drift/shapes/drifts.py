"""The drifts: SQL and what is expected, read from `drifts/*.yml` in the names of a shape's domain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from bench.drift.shapes.domains import ROLES
from bench.drift.shapes.projects import Shape, environment, words
from bench.drift.shapes.warehouse import ACTIVITIES, CUTOVER, ident

_FOLDER = Path(__file__).parent / "drifts"


@dataclass(frozen=True)
class Expected:
    """One change that a tool should find; names of columns, or of tables where the kind is about tables.

    kind: several between bars where one may say either, as of a number that is a text with a comma now.
    """

    kind: str
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class Happening:
    """What happens to a shape's tables.

    sql: statements that drift the warehouse. accepts: outcomes that are right: `patched`, `asked`, `nothing`.
    changes: what happened. table: its name. asks: columns or tables that a question must name one of, where asking
    is right. loses: roles of columns whose values nothing can bring back, so that nobody compares them.
    exempt: query of keys of rows that a patch may set aside; None: of none. activities: what may go on besides.
    """

    name: str
    group: str
    sql: str
    accepts: tuple[str, ...]
    changes: tuple[Expected, ...]
    table: str
    asks: tuple[str, ...]
    loses: frozenset[str] = field(default_factory=frozenset)
    exempt: str | None = None
    activities: tuple[str, ...] = ACTIVITIES


@cache
def happenings(shape: Shape) -> Mapping[str, Happening]:
    """All drifts, by name, in a shape's names."""
    found: dict[str, Happening] = {}
    for path in sorted(_FOLDER.glob("*.yml")):
        text = environment().from_string(path.read_text(encoding="utf-8")).render(_in_sql(shape))
        for name, entry in YAML(typ="safe").load(text).items():
            found[name] = _happening(shape, path.stem, name, entry)
    return found


def _happening(shape: Shape, group: str, name: str, entry: Mapping[str, Any]) -> Happening:
    changes = tuple(
        Expected(one["kind"], tuple(one.get("before", ())), tuple(one.get("after", ())))
        for one in entry.get("changes", ())
    )
    domain = shape.domain
    accepts = tuple(entry.get("accepts", ("patched",)))
    if shape.code and accepts != ("nothing",):
        # What names a column in code of another language is edited where that is safe, else asked about.
        accepts = tuple(dict.fromkeys((*accepts, "asked")))
    named = dict.fromkeys(name for one in changes for name in (*one.before, *one.after))
    return Happening(
        name=name,
        group=group,
        sql=entry["sql"],
        accepts=accepts,
        changes=changes,
        table=domain.other if entry.get("table") == "other" else domain.main,
        asks=tuple(entry.get("asks", named)),
        loses=frozenset(entry.get("loses", ())),
        exempt=entry.get("exempt"),
        activities=tuple(entry.get("activities", ACTIVITIES)),
    )


def _in_sql(shape: Shape) -> dict[str, object]:
    source, domain = shape.source, shape.domain
    return {
        **words(shape),
        "roles": list(ROLES),
        "t": source.main,
        "other_t": source.relation(domain.other),
        "twin_t": source.relation(domain.twin),
        "schema": ident(domain.source),
        "c": {role: source.column(role) for role in ROLES},
        "late": f"{source.column('updated')} >= timestamp '{CUTOVER}'",
    }
