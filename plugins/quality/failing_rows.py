"""Which rows break a check: Soda counts them, this finds them, for the checks where a row is to blame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plugins.core.duck import literal, quote
from plugins.quality.contract import Contract


def failing_rows_sql(contract: Contract, check_type: str, column: str | None, line: int | None) -> str | None:
    """A query for the rows that break the check at `line` of the contract; None if no single row is to blame.

    Example: a `missing` check of column `id` of silver.orders gives
    `select * from "silver"."orders" where ("id" is null)`.
    """
    table = f"{quote(contract.schema)}.{quote(contract.table)}"
    where = f" where ({contract.document['filter']})" if contract.document.get("filter") else ""
    source = f"(select * from {table}{where})" if where else table
    definition = _definition(contract, check_type, column, line)
    if check_type == "failed_rows":
        if definition.get("query"):
            return str(definition["query"])
        return f"select * from {source} where ({definition['expression']})" if "expression" in definition else None
    if check_type == "duplicate":
        keys = [column] if column else list(definition.get("columns", []))
        if not keys:
            return None
        names = ", ".join(quote(key) for key in keys)
        present = " and ".join(f"{quote(key)} is not null" for key in keys)
        repeated = f"count(*) over (partition by {names}) > 1"
        return f"select * from {source} where {present} qualify {repeated} order by {names}"
    if column is None:
        return None
    settings = {**_column(contract, column), **definition}
    missing = _missing(quote(column), settings)
    if check_type == "missing":
        return f"select * from {source} where ({missing})"
    if check_type == "invalid":
        broken = _invalid(quote(column), settings)
        return f"select * from {source} where not ({missing}) and ({' or '.join(broken)})" if broken else None
    return None


def _missing(name: str, settings: Mapping[str, Any]) -> str:
    values = [_value(value) for value in settings.get("missing_values", [])]
    return f"{name} is null" + (f" or {name} in ({', '.join(values)})" if values else "")


def _invalid(name: str, settings: Mapping[str, Any]) -> list[str]:
    """One condition for each validity setting that the value may break."""
    conditions = {
        "valid_values": lambda values: f"{name} not in ({', '.join(map(_value, values))})",
        "invalid_values": lambda values: f"{name} in ({', '.join(map(_value, values))})",
        "valid_min": lambda bound: f"{name} < {_value(bound)}",
        "valid_max": lambda bound: f"{name} > {_value(bound)}",
        "valid_length": lambda size: f"length({name}::varchar) <> {int(size)}",
        "valid_min_length": lambda size: f"length({name}::varchar) < {int(size)}",
        "valid_max_length": lambda size: f"length({name}::varchar) > {int(size)}",
        "valid_format": lambda form: f"not regexp_matches({name}::varchar, {literal(str(form['regex']))})",
        "invalid_format": lambda form: f"regexp_matches({name}::varchar, {literal(str(form['regex']))})",
        "valid_reference_data": lambda data: _unreferenced(name, data),
    }
    return [write(settings[key]) for key, write in conditions.items() if settings.get(key) is not None]


def _unreferenced(name: str, data: Mapping[str, Any]) -> str:
    table = ".".join(quote(part) for part in str(data["dataset"]).split("/")[-2:])
    return f"{name} not in (select {quote(str(data['column']))} from {table})"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else literal(str(value))


def _column(contract: Contract, name: str) -> Mapping[str, Any]:
    columns = contract.document.get("columns") or []
    return next((column for column in columns if column.get("name") == name), {})


def _definition(contract: Contract, check_type: str, column: str | None, line: int | None) -> Mapping[str, Any]:
    return locate(contract, check_type, column, line)[1]


def locate(
    contract: Contract, check_type: str, column: str | None, line: int | None
) -> tuple[int | None, Mapping[str, Any]]:
    """Where a check stands and what it says. `line`, Soda's, is only near it: it tells apart those of one type."""
    checks: Any = (_column(contract, column) if column else contract.document).get("checks") or []
    found = [
        (checks.lc.item(i)[0] + 1, check[check_type]) for i, check in enumerate(checks) if check_type in check
    ]
    if not found:
        return line, {}
    nearest, definition = min(found, key=lambda item: abs(item[0] - 1 - (line or 0)))
    return nearest, definition or {}
