"""What Jinja a machine may write: checked on the syntax tree, before anything is compiled.

Everything is refused that is not listed: compiling is executing, and Jinja reaches environment variables,
files and the database. The tree is what dbt's own environment parses, so there is no second reading of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import jinja2
from jinja2 import nodes

BUILT_IN = frozenset({"ref", "source", "config", "is_incremental"})
# config(...) with anything else could run SQL, or write to another place.
CONFIG_KEYS = frozenset(
    {
        "materialized",
        "unique_key",
        "incremental_strategy",
        "on_schema_change",
        "tags",
        "meta",
        "contract",
        "group",
        "access",
        "enabled",
        "docs",
        "description",
        "persist_docs",
        "severity",
        "where",
        "limit",
        "error_if",
        "warn_if",
        "store_failures",
        "event_time",
        "batch_size",
        "lookback",
        "begin",
        "freshness",
        "loaded_at_field",
    }
)
_MATERIALIZATIONS = frozenset({"table", "view", "incremental", "ephemeral"})
_FILTERS = frozenset({"upper", "lower", "trim", "join", "length", "first", "last", "sort", "unique", "list"})
_LOOP = frozenset({"first", "last", "index", "index0", "length"})
_BRACES = ("{{", "{%", "{#", "}}", "%}", "#}")
# Names that mean something to dbt's Jinja; a variable of the same name would stand in for it.
_NEVER = frozenset(
    [
        "adapter",
        "api",
        "builtins",
        "caller",
        "connection_name",
        "context",
        "cycler",
        "database_schemas",
        "dbt",
        "dbt_metadata_envs",
        "dbt_version",
        "debug",
        "dict",
        "diff_of_two_dicts",
        "doc",
        "env_var",
        "exceptions",
        "execute",
        "flags",
        "fromjson",
        "fromyaml",
        "graph",
        "invocation_args_dict",
        "invocation_id",
        "joiner",
        "kwargs",
        "lipsum",
        "load_result",
        "local_md5",
        "log",
        "model",
        "modules",
        "namespace",
        "node",
        "post_hooks",
        "pre_hooks",
        "print",
        "project_name",
        "range",
        "render",
        "return",
        "run_query",
        "run_started_at",
        "schema",
        "schemas",
        "selected_resources",
        "self",
        "set",
        "set_strict",
        "sql",
        "statement",
        "store_raw_result",
        "store_result",
        "submit_python_job",
        "target",
        "this",
        "thread_id",
        "tojson",
        "toyaml",
        "try_or_compiler_error",
        "validation",
        "var",
        "varargs",
        "write",
        "zip",
        "zip_strict",
    ]
)
# Cross-database macros that only make SQL (docs.getdbt.com, reference, cross-database macros).
PORTABLE = frozenset(
    f"dbt.{name}"
    for name in [
        "any_value",
        "bool_or",
        "cast",
        "concat",
        "current_timestamp",
        "date",
        "date_trunc",
        "dateadd",
        "datediff",
        "escape_single_quotes",
        "except",
        "hash",
        "intersect",
        "last_day",
        "length",
        "listagg",
        "position",
        "replace",
        "right",
        "safe_cast",
        "split_part",
        "string_literal",
        "type_bigint",
        "type_boolean",
        "type_float",
        "type_int",
        "type_numeric",
        "type_string",
        "type_timestamp",
    ]
)


@dataclass(frozen=True)
class Refusal:
    """What is refused, and in which line."""

    line: int
    what: str


def check_template(text: str, macros: Collection[str] = ()) -> list[Refusal]:
    """Refusals in a model's or test's SQL; empty: it may be compiled. macros: names (or package.name) to allow."""
    tree = parse_template(text)
    return [tree] if isinstance(tree, Refusal) else list(make_checker(macros).statements(tree.body, frozenset()))


def make_checker(macros: Collection[str]) -> Checker:
    """What knows the list; macros: as for `check_template`."""
    return Checker((frozenset(macros) | PORTABLE) - BUILT_IN - _NEVER)


def parse_template(text: str) -> nodes.Template | Refusal:
    """A template as dbt reads it, or why it can't be parsed."""
    from dbt_common.clients.jinja import get_environment

    try:
        return get_environment(None, capture_macros=False).parse(text)
    except jinja2.TemplateError as error:
        return Refusal(getattr(error, "lineno", None) or 1, f"Jinja that can't be parsed: {error}")
    except Exception as error:  # noqa: BLE001 - dbt's tags raise what they like; none of it may pass
        return Refusal(1, f"Jinja that can't be parsed: {error}")


def has_jinja(text: str) -> bool:
    """Whether a string would be rendered, or be a part of something that is."""
    return any(brace in text for brace in _BRACES)


@dataclass
class Checker:
    """Goes through a syntax tree; macros: names that may be called."""

    macros: frozenset[str]

    def statements(self, body: Sequence[nodes.Node], names: frozenset[str]) -> Iterator[Refusal]:
        """Check statements in order; `names` are variables that the template itself has set."""
        known = set(names)
        for node in body:
            if isinstance(node, nodes.Output):
                for part in node.nodes:
                    yield from self.output(part, known)
            elif isinstance(node, nodes.If):
                yield from self.expression(node.test, known)
                for branch in (node.body, node.else_, *([n] for n in node.elif_)):
                    yield from self.statements(branch, frozenset(known))
            elif isinstance(node, nodes.For):
                yield from self._for(node, known)
            elif isinstance(node, nodes.Assign):
                yield from self._assign(node, known)
            else:
                yield Refusal(node.lineno, f"a {type(node).__name__.lower()} block")

    def output(self, node: nodes.Node, names: set[str]) -> Iterator[Refusal]:
        """Text, or one printed expression."""
        if isinstance(node, nodes.TemplateData):
            if has_jinja(node.data):
                yield Refusal(node.lineno, "braces that look like Jinja in plain text")
        elif not (isinstance(node, nodes.Name) and node.name == "this"):
            yield from self.expression(node, names)

    def _for(self, node: nodes.For, names: set[str]) -> Iterator[Refusal]:
        yield from self.expression(node.iter, names)
        targets = list(targets_of(node.target))
        yield from self._shadowing(node, targets)
        if node.test is not None or node.recursive:
            yield Refusal(node.lineno, "a for with a condition, or a recursive one")
        yield from self.statements(node.body, frozenset(names | set(targets) | {"loop"}))
        yield from self.statements(node.else_, frozenset(names))

    def _assign(self, node: nodes.Assign, names: set[str]) -> Iterator[Refusal]:
        yield from self.expression(node.node, names)
        targets = list(targets_of(node.target))
        yield from self._shadowing(node, targets)
        names |= set(targets)

    def _shadowing(self, node: nodes.Node, targets: list[str]) -> Iterator[Refusal]:
        for name in targets:
            taken = name in BUILT_IN or name in _NEVER or name in self.macros or name == "loop"
            if taken or name.startswith("_") or not name.isidentifier() or not name.isascii():
                yield Refusal(node.lineno, f"a variable called {name!r}")

    def expression(self, node: nodes.Node, names: set[str]) -> Iterator[Refusal]:
        """Check one expression."""
        if isinstance(node, nodes.Const):
            if isinstance(node.value, str) and has_jinja(node.value):
                yield Refusal(node.lineno, "Jinja inside a string")
        elif isinstance(node, (nodes.List, nodes.Tuple)):
            for item in node.items:
                yield from self.expression(item, names)
        elif isinstance(node, nodes.Dict):
            for pair in node.items:
                yield from self.expression(pair.key, names)
                yield from self.expression(pair.value, names)
        elif isinstance(node, nodes.Name):
            if node.name not in names:
                yield Refusal(node.lineno, f"the name {node.name!r}")
        elif isinstance(node, nodes.Getattr):
            yield from self._attribute(node, names)
        elif isinstance(node, nodes.Call):
            yield from self._call(node, names)
        elif isinstance(node, nodes.Filter):
            yield from self._filter(node, names)
        elif isinstance(node, (nodes.Not, nodes.And, nodes.Or, nodes.Compare, nodes.CondExpr)):
            yield from self._logic(node, names)
        else:
            yield Refusal(node.lineno, f"a {type(node).__name__.lower()} expression")

    def _logic(self, node: nodes.Node, names: set[str]) -> Iterator[Refusal]:
        for child in node.iter_child_nodes():
            operand = child.expr if isinstance(child, nodes.Operand) else child
            yield from self.expression(operand, names)

    def _attribute(self, node: nodes.Getattr, names: set[str]) -> Iterator[Refusal]:
        is_loop = isinstance(node.node, nodes.Name) and node.node.name == "loop" and "loop" in names
        if not (is_loop and node.attr in _LOOP):
            yield Refusal(node.lineno, f"the attribute {node.attr!r}")

    def _filter(self, node: nodes.Filter, names: set[str]) -> Iterator[Refusal]:
        if node.name not in _FILTERS or node.node is None:
            yield Refusal(node.lineno, f"the filter {node.name!r}")
            return
        yield from self.expression(node.node, names)
        yield from self._arguments(node, names)

    def _call(self, node: nodes.Call, names: set[str]) -> Iterator[Refusal]:
        name = _callee(node.node)
        if name in names:
            yield Refusal(node.lineno, f"a call of the variable {name!r}")
        elif name in BUILT_IN:
            yield from self._built_in(name, node)
        elif name in self.macros:
            yield from self._arguments(node, names)
        else:
            yield Refusal(node.lineno, f"a call of {name or 'an expression'!r}")

    def _arguments(self, node: nodes.Call | nodes.Filter, names: set[str]) -> Iterator[Refusal]:
        if node.dyn_args is not None or node.dyn_kwargs is not None:
            yield Refusal(node.lineno, "arguments given with a star")
        for argument in (*node.args, *(pair.value for pair in node.kwargs)):
            yield from self.expression(argument, names)

    def _built_in(self, name: str, node: nodes.Call) -> Iterator[Refusal]:
        """Their arguments are constants: what is read and how it is stored can be seen without running it."""
        if node.dyn_args is not None or node.dyn_kwargs is not None:
            yield Refusal(node.lineno, f"{name} with arguments given with a star")
        for argument in (*node.args, *(pair.value for pair in node.kwargs)):
            if not _is_constant(argument):
                yield Refusal(node.lineno, f"an argument of {name} that is no constant")
        keys = {pair.key for pair in node.kwargs}
        if name == "config":
            yield from self._config(node)
        elif name == "is_incremental" and (node.args or keys):
            yield Refusal(node.lineno, "arguments of is_incremental")
        elif name == "source" and keys:
            yield Refusal(node.lineno, "named arguments of source")
        elif name == "ref" and not keys <= {"v", "version"}:
            yield Refusal(node.lineno, "named arguments of ref")

    def _config(self, node: nodes.Call) -> Iterator[Refusal]:
        if node.args:
            yield Refusal(node.lineno, "config without names")
        for pair in node.kwargs:
            if pair.key not in CONFIG_KEYS:
                yield Refusal(node.lineno, f"config of {pair.key!r}")
            elif pair.key == "materialized" and not (
                isinstance(pair.value, nodes.Const) and pair.value.value in _MATERIALIZATIONS
            ):
                yield Refusal(node.lineno, "a materialization other than table, view, incremental, ephemeral")


def targets_of(node: nodes.Node) -> Iterator[str]:
    """The variables that an assignment or a loop sets."""
    if isinstance(node, nodes.Name):
        yield node.name
    elif isinstance(node, nodes.Tuple):
        for item in node.items:
            yield from targets_of(item)
    else:
        # An attribute of something (namespace) is no variable of the template; the name is one nobody may use.
        yield "_"


def _callee(node: nodes.Node) -> str:
    """`name`, `package.name`, or nothing for any other expression."""
    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name):
        return f"{node.node.name}.{node.attr}"
    return ""


def _is_constant(node: nodes.Node) -> bool:
    if isinstance(node, nodes.Const):
        return not (isinstance(node.value, str) and has_jinja(node.value))
    if isinstance(node, (nodes.List, nodes.Tuple)):
        return all(map(_is_constant, node.items))
    if isinstance(node, nodes.Dict):
        return all(_is_constant(pair.key) and _is_constant(pair.value) for pair in node.items)
    return False
