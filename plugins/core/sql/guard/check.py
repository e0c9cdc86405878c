"""Decides whether a query may be run, from the tree that DuckDB's own parser makes of it.

A second parser could read a text otherwise than the engine does, and that difference is where attacks live;
`json_serialize_sql` is the engine's. Everything in the tree that is not listed here is refused.
"""

from __future__ import annotations

import difflib
import json
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import duckdb

from plugins.core.duck import literal
from plugins.core.errors import SmeltError
from plugins.core.sql.guard.functions import why_refused

# Longer texts and deeper trees are nobody's question.
_LONGEST = 100_000
_DEEPEST = 200

_QUERIES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
_SOURCES = frozenset({"BASE_TABLE", "SUBQUERY", "JOIN", "TABLE_FUNCTION", "EXPRESSION_LIST", "EMPTY", "PIVOT"})
_MODIFIERS = frozenset({"ORDER_MODIFIER", "LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER", "DISTINCT_MODIFIER"})
_EXPRESSIONS = frozenset(
    {
        "BETWEEN",
        "CASE",
        "CAST",
        "COLLATE",
        "COLUMN_REF",
        "COMPARISON",
        "CONJUNCTION",
        "CONSTANT",
        "FUNCTION",
        "LAMBDA",
        "LAMBDA_REF",
        "OPERATOR",
        "POSITIONAL_REFERENCE",
        "STAR",
        "SUBQUERY",
        "TYPE",
        "WINDOW",
    }
)
# Names that are functions where no column is called so.
_VALUE_FUNCTIONS = [
    [name]
    for name in ("current_user", "session_user", "user", "current_role", "current_catalog", "current_schema")
]
_local = threading.local()


class GuardError(SmeltError):
    """The query may not be run."""


@dataclass(frozen=True)
class Checked:
    """A query that may be run. relations: as written, lower case. functions: names that it calls."""

    sql: str
    relations: frozenset[str]
    functions: frozenset[str]


def check(sql: str, relations: Collection[str], longest: int = _LONGEST) -> Checked:
    """Allow one SELECT over `relations` ("schema.table", any case) with harmless functions.

    longest: characters that are read at most; a model that goes over a whole project is as long as that.
    Raises GuardError that says what is refused, where, and what is allowed.
    """
    walker = _Walker(sql, {name.lower() for name in relations})
    walker.query(_parse(sql, longest), frozenset(), 0)
    return Checked(sql, frozenset(walker.read), frozenset(walker.called))


def _parse(sql: str, longest: int) -> Mapping[str, Any]:
    if len(sql) > longest:
        raise GuardError(f"the query has {len(sql):,} characters", f"at most {longest:,} are read")
    if "\0" in sql:
        raise GuardError("the query has a null character", "remove it")
    try:
        # A literal, not a parameter: to bind one, DuckDB imports pandas, which takes longer than all the rest.
        # A quote is all that ends a literal, and it is doubled.
        text = _parser().execute(f"select json_serialize_sql({literal(sql)})").fetchall()[0][0]
    except duckdb.Error as error:
        raise GuardError(f"the query can't be read: {_first(error)}", "write one SELECT") from error
    document = json.loads(text)
    if document.get("error"):
        message = str(document.get("error_message") or "it is no query")
        said = message.replace("Only SELECT statements can be serialized to json!", "it is not one SELECT")
        raise GuardError(f"the query is refused: {_first(said)}", _hint(sql, message))
    statements = document.get("statements", [])
    if len(statements) != 1:
        raise GuardError(f"there are {len(statements)} statements", "write one SELECT")
    return statements[0]["node"]


def _parser() -> duckdb.DuckDBPyConnection:
    """A database of this thread's own, used for parsing only; it can reach nothing."""
    if not hasattr(_local, "connection"):
        _local.connection = duckdb.connect(
            config={"enable_external_access": "false", "lock_configuration": "true", "threads": "1"}
        )
    return _local.connection


def _hint(sql: str, message: str) -> str:
    if "pivot" in sql.lower() and "SELECT statements" in message:
        return "list the values of a PIVOT: `pivot t on c in ('a', 'b') using sum(x)`"
    return "write one SELECT; nothing else is run"


def _first(error: object) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else "no reason given"


@dataclass
class _Walker:
    sql: str
    relations: set[str]
    read: set[str] = field(default_factory=set)
    called: set[str] = field(default_factory=set)

    def query(self, node: Mapping[str, Any], ctes: frozenset[str], depth: int) -> None:
        """A query node. `ctes`: names of common table expressions that it sees, lower case."""
        if node.get("type") not in _QUERIES:
            raise GuardError(f"a {node.get('type')} is refused", "write one SELECT")
        for entry in (node.get("cte_map") or {}).get("map", ()):
            # A definition sees the ones before it, and itself only if it is recursive.
            self.query(entry["value"]["query"]["node"], ctes, depth + 1)
            self._walk({k: v for k, v in entry["value"].items() if k != "query"}, ctes, depth + 1)
            ctes |= {entry["key"].lower()}
        rest = {key: value for key, value in node.items() if key != "cte_map"}
        if node["type"] == "RECURSIVE_CTE_NODE":
            self._descend(rest.pop("left"), ctes, depth)
            ctes |= {node["cte_name"].lower()}
        for value in rest.values():
            self._descend(value, ctes, depth)

    def _descend(self, value: Any, ctes: frozenset[str], depth: int) -> None:
        if isinstance(value, (dict, list)):
            self._walk(value, ctes, depth + 1)

    def _walk(self, value: Any, ctes: frozenset[str], depth: int) -> None:
        if depth > _DEEPEST:
            raise GuardError("the query is nested too deeply", "write it flatter, with CTEs")
        if isinstance(value, list):
            for item in value:
                self._walk(item, ctes, depth + 1)
        elif isinstance(value, dict):
            type_ = value.get("type")
            if isinstance(type_, str) and type_ in _QUERIES:
                self.query(value, ctes, depth + 1)
                return
            self._judge(value, ctes)
            if type_ == "TABLE_FUNCTION":
                self._walk(value["function"]["children"], ctes, depth + 1)
                return
            for key, item in value.items():
                # Values of constants are data.
                if not (value.get("class") == "CONSTANT" and key == "value"):
                    self._descend(item, ctes, depth)

    def _judge(self, node: Mapping[str, Any], ctes: frozenset[str]) -> None:
        kind, type_ = node.get("class"), node.get("type")
        if kind is not None:
            if kind not in _EXPRESSIONS:
                raise GuardError(f"a {str(kind).lower()} {self._where(node)} is refused", "write it out")
        elif isinstance(type_, str) and "query_location" in node and type_ not in _SOURCES:
            raise GuardError(f"{type_} {self._where(node)} is refused", "write one SELECT")
        elif isinstance(type_, str) and type_.endswith("_MODIFIER") and type_ not in _MODIFIERS:
            raise GuardError(f"a {type_} is refused", "write one SELECT")
        if kind == "COLUMN_REF" and [name.lower() for name in node["column_names"]] in _VALUE_FUNCTIONS:
            name = node["column_names"][0]
            raise GuardError(
                f"{name} {self._where(node)} is refused: environment", f"a column is written t.{name}"
            )
        if type_ == "BASE_TABLE":
            self._relation(node, ctes)
        elif type_ == "TABLE_FUNCTION":
            self._function(node["function"], is_table=True)
        elif "function_name" in node:
            self._function(node, is_table=False)

    def _relation(self, node: Mapping[str, Any], ctes: frozenset[str]) -> None:
        parts = [node.get("catalog_name"), node.get("schema_name"), node.get("table_name")]
        name = ".".join(part for part in parts if part).lower()
        if node.get("at_clause") is not None:
            raise GuardError(f"a time travel of {name} is refused", "read it as it is")
        is_bare = not node.get("catalog_name") and not node.get("schema_name")
        if is_bare and name in ctes:
            return
        # What is written without a schema is looked for in `main`.
        if name in self.relations or (is_bare and f"main.{name}" in self.relations):
            self.read.add(name)
            return
        near = difflib.get_close_matches(name, self.relations, n=3, cutoff=0.5) or sorted(self.relations)[:5]
        raise GuardError(
            f"the relation {name} {self._where(node)} is not one you may read", f"there are: {', '.join(near)}"
        )

    def _function(self, node: Mapping[str, Any], *, is_table: bool) -> None:
        name = str(node["function_name"]).lower()
        if node.get("catalog") not in (None, "", "system") or node.get("schema") not in (None, "", "main"):
            raise GuardError(f"the function {name} of another schema is refused", "call it by its name")
        reason = why_refused(name, is_table=is_table)
        if reason is not None:
            what = "table function" if is_table else "function"
            raise GuardError(f"the {what} {name} {self._where(node)} is refused: {reason}", "leave it out")
        self.called.add(name)

    def _where(self, node: Mapping[str, Any]) -> str:
        """`in line 2, column 5`, if the parser says."""
        location = node.get("query_location")
        if not isinstance(location, int) or location > len(self.sql.encode()):
            return "there"
        before = self.sql.encode()[:location].decode(errors="replace")
        return f"in line {before.count(chr(10)) + 1}, column {len(before) - before.rfind(chr(10))}"
