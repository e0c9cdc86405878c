"""A dbt project of one shape over the tables of a domain, written from templates."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from bench.drift.shapes.domains import DOMAINS, Domain, quoted_raw
from bench.drift.shapes.warehouse import Source, ident

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, eq=False)
class Shape:
    """A way to write a project. domain: whose tables. feed: template of the model that gold reads.

    is_quoted: whether columns at the source have names that must be quoted. code: files (templates of paths)
    other than SQL in which a column's name is code, so that a tool may ask instead of editing them.
    """

    name: str
    domain: Domain
    feed: str = "stg_<<source>>__<<main>>"
    is_quoted: bool = False
    code: tuple[str, ...] = ()

    @property
    def source(self) -> Source:
        """Its tables."""
        return Source(self.domain, quoted_raw(self.domain) if self.is_quoted else self.domain.raw)


_DOMAIN_OF = {
    "plain": "orders",
    "cte_chain": "sensors",
    "union": "payments",
    "union_raw": "orders",
    "star": "staff",
    "ephemeral": "sensors",
    "incremental": "payments",
    "snapshot_block": "staff",
    "snapshot_yaml": "orders",
    "macro_argument": "payments",
    "macro_sql": "sensors",
    "jinja_loop": "staff",
    "direct": "orders",
    "quoted": "sensors",
    "leading_commas": "payments",
    "python": "staff",
    "many_yaml": "orders",
    "unit_tests": "payments",
    "contracts": "sensors",
    "semantic": "orders",
}
_SPECIAL: Mapping[str, Mapping[str, Any]] = {
    "union": {"feed": "int_<<main>>__unioned"},
    "quoted": {"is_quoted": True},
    "python": {"code": ("models/gold/agg_MAIN_by_place.py",)},
}
SHAPES: Mapping[str, Shape] = {
    name: Shape(name, DOMAINS[domain], **_SPECIAL.get(name, {})) for name, domain in _DOMAIN_OF.items()
}


def write(shape: Shape, folder: Path) -> None:
    """Write the project's files, none of dbt's, into a new folder."""
    files: dict[str, Path] = {}
    for root in (_TEMPLATES / "common", _TEMPLATES / shape.name):
        for path in sorted(root.rglob("*")) if root.is_dir() else ():
            if path.is_file():
                # Templates that no tool should take for code of its language end so.
                files[path.relative_to(root).as_posix().removesuffix(".template")] = path
    for name, path in files.items():
        text = render(shape, path.read_text(encoding="utf-8"))
        if text.strip():
            target = folder / place(shape, ".gitignore" if name == "gitignore" else name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")


def copy(project: Path, folder: Path) -> None:
    """Copy a project with what dbt keeps of its last parse, but not its warehouse."""
    shutil.copytree(project, folder, ignore=shutil.ignore_patterns("*.duckdb", "*.wal", "logs", ".git"))


def place(shape: Shape, path: str) -> str:
    """The path of a template in a project."""
    domain = shape.domain
    names = {"SOURCE": domain.source, "MAIN": domain.main, "TWIN": domain.twin, "OTHER": domain.other}
    for word, name in names.items():
        path = path.replace(word, name)
    return path


def render(shape: Shape, text: str) -> str:
    """A template with the names of the shape's domain."""
    return environment().from_string(text).render(words(shape))


@cache
def environment() -> jinja2.Environment:
    """Templates whose own marks are neither SQL's nor those of dbt's Jinja."""
    return jinja2.Environment(
        variable_start_string="<<",
        variable_end_string=">>",
        block_start_string="<%",
        block_end_string="%>",
        comment_start_string="<#",
        comment_end_string="#>",
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # SQL and YAML
    )


def words(shape: Shape) -> dict[str, object]:
    """What templates may name: columns at the source (`c` as SQL, `y` plain) and in staging (`s`), by role."""
    domain, raw = shape.domain, shape.source.raw
    needs_quotes = shape.is_quoted
    columns = {role: ident(name) if needs_quotes else name for role, name in raw.items()}

    def col(role: str, table: str = "") -> str:
        name = f"{table}.{columns[role]}" if table else columns[role]
        return name if columns[role] == domain.staged[role] else f"{name} as {domain.staged[role]}"

    def loud(role: str) -> str:
        name = f"SRC.{columns[role].upper()}"
        return f"{name} AS {domain.staged[role].upper()}" if columns[role] != domain.staged[role] else name

    def named(role: str) -> str:
        return f"{raw[role]}\n            quote: true" if needs_quotes else raw[role]

    key, name, where, group = domain.other_columns
    return {
        "domain": domain.name,
        "source": domain.source,
        "main": domain.main,
        "twin": domain.twin,
        "other": domain.other,
        "c": columns,
        "C": {role: name.upper() for role, name in columns.items()},
        "cj": columns,
        "y": raw,
        "s": domain.staged,
        "o": {"key": key, "name": name, "place": where, "group": group},
        "f": {"first": domain.fields[0], "second": domain.fields[1]},
        "col": col,
        "COL": loud,
        "named": named,
        "statuses": ", ".join(domain.statuses),
        "statuses_list": domain.statuses,
        "prefix": domain.prefix,
        "feed": _feed(shape),
    }


def _feed(shape: Shape) -> str:
    domain = shape.domain
    return shape.feed.replace("<<source>>", domain.source).replace("<<main>>", domain.main)
