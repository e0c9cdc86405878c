"""The YAML of a proposed model: description, contract, tests, unit test, in the order of the project's own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from plugins.core.editing.yaml_text import Flow, Folded, Quoted, with_section
from plugins.nl_models.models.conventions import Conventions
from plugins.nl_models.models.unit_test import UnitTest

_LONGEST_LINE = 100


@dataclass(frozen=True)
class Documented:
    """types: of the contract, by column in the order of the model. tested_keys: those that hold no null.

    materialized: None where the folder's setting decides. unit_test: with its name.
    """

    name: str
    question: str
    description: str
    columns: Mapping[str, str]
    types: Mapping[str, str]
    keys: Sequence[str]
    tested_keys: frozenset[str]
    is_unique: bool
    materialized: str | None = None
    unit_test: tuple[str, UnitTest] | None = None


def to_yaml(model: Documented, conventions: Conventions, before: str | None) -> str:
    """The YAML file with the model in it. before: the file as it is."""
    text = before or ("version: 2\n" if conventions.has_version else "")
    text = with_section(text, "models", [_model(model, conventions)])
    if model.unit_test is not None:
        is_incremental = model.materialized == "incremental"
        entry = _unit_test(model.name, *model.unit_test, is_incremental=is_incremental)
        text = with_section(text, "unit_tests", [entry])
    return text


def singular_test(model: Documented) -> str:
    """SQL that finds grains that occur twice, where the project has no generic test for it."""
    keys = ", ".join(model.keys)
    return (
        f"select\n    {keys},\n    count(*) as occurrences\n\n"
        f"from {{{{ ref('{model.name}') }}}}\ngroup by {keys}\nhaving count(*) > 1\n"
    ).replace("    " + keys + ",", "\n".join(f"    {key}," for key in model.keys))


def needs_singular_test(model: Documented, conventions: Conventions) -> bool:
    """Whether nothing else would say that the grain occurs once."""
    return model.is_unique and len(model.keys) > 1 and conventions.uniqueness is None


def _model(model: Documented, conventions: Conventions) -> dict[str, Any]:
    parts: dict[str, Any] = {
        "name": model.name,
        "description": _description(model.description),
        "config": _config(model, conventions),
        "columns": [_column(name, model, conventions) for name in model.types],
    }
    if model.is_unique and len(model.keys) > 1 and conventions.uniqueness is not None:
        test = _uniqueness(conventions, model.keys)
        parts["data_tests"] = [test]
    return _in_order(parts, conventions.model_keys, conventions.data_tests)


def _uniqueness(conventions: Conventions, keys: Sequence[str]) -> dict[str, Any]:
    argument = "combination_of_columns" if "dbt_utils" in (conventions.uniqueness or "") else "columns"
    columns = Flow({argument: list(keys)})
    inner: dict[str, Any] = {"arguments": columns} if conventions.has_arguments else dict(columns)
    return {str(conventions.uniqueness): inner}


def _config(model: Documented, conventions: Conventions) -> dict[str, Any]:
    config: dict[str, Any] = {}
    if model.materialized is not None:
        config["materialized"] = model.materialized
    if model.materialized == "incremental":
        config["unique_key"] = list(model.keys)
        # dbt holds an incremental model to a contract only if new columns are dealt with.
        config["on_schema_change"] = "append_new_columns"
    for key in ("group", "access"):
        if value := getattr(conventions, key):
            config[key] = value
    if conventions.is_contracted:
        config["contract"] = Flow(enforced=True)
    owner = {"owner": conventions.owner} if conventions.owner else {}
    config["meta"] = {**owner, "asked": Quoted(model.question)}
    return config


def _column(name: str, model: Documented, conventions: Conventions) -> dict[str, Any]:
    tests = ["not_null"] if name in model.tested_keys else []
    if model.is_unique and list(model.keys) == [name]:
        tests.append("unique")
    parts: dict[str, Any] = {"name": name}
    if name in model.columns:
        parts["description"] = model.columns[name]
    parts["data_type"] = model.types[name]
    if tests:
        parts["data_tests"] = tests
    return _in_order(parts, conventions.column_keys, conventions.data_tests)


def _unit_test(model: str, name: str, test: UnitTest, *, is_incremental: bool) -> dict[str, Any]:
    given = [{"input": jinja, "rows": [Flow(row) for row in rows]} for jinja, rows in test.given.items()]
    # Without saying, it would depend on whether the table is there already.
    always = {"overrides": {"macros": Flow(is_incremental=False)}} if is_incremental else {}
    expect = {"rows": [Flow(row) for row in test.expect]}
    return {"name": name, "model": model, **always, "given": given, "expect": expect}


def _in_order(parts: Mapping[str, Any], order: Sequence[str], tests: str) -> dict[str, Any]:
    return {tests if key == "data_tests" else key: parts[key] for key in order if key in parts}


def _description(text: str) -> str:
    return Folded(text) if "\n" in text or len(text) > _LONGEST_LINE else text


def test_name(words: Sequence[str]) -> str:
    """A sentence as a name: `only rows where customer type is returning count`."""
    name = re.sub(r"[^a-z0-9]+", "_", " ".join(words).lower()).strip("_")
    return name[:100].rstrip("_")
