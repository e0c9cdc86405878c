"""Any dlt source or resource as an iterator of records; the load and its bookkeeping stay ours."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from importlib import import_module
from typing import TYPE_CHECKING, Any

import duckdb

from ingest.extract.base import Pull, PullRequest, Scope
from ingest.extract.importing import ONE_IMPORT
from ingest.extract.staging import RecordStage, stage
from ingest.spec import CursorSpec, DltSpec, SourceSpec
from plugins.core.duck import quote
from plugins.core.errors import SmeltError
from plugins.core.settings import Settings, mask, resolve

if TYPE_CHECKING:
    import pyarrow as pa

    from ingest.extract.sqlite_tables import SqliteTables

_CONNECTION, _SECRET = "connection:", "secret:"
_MOST_NAMED = 8


class DltExtractor:
    """Calls a dlt source with the arguments of source.yml and reads one of its resources."""

    def pull(self, request: PullRequest) -> Pull:
        """Read the resource to its end; from the last cursor value on, if the stream is incremental."""
        cursor = request.stream.cursor if request.stream.sync_mode == "incremental" else None
        last = _start(request.position, cursor) if cursor else None
        resource, types = _resource(request, (cursor.column, last) if cursor else None)
        records = RecordStage(request.workdir, request.progress, types)
        try:
            stage(resource, records)
        except SmeltError:
            raise
        except Exception as error:
            raise _failed(request, error) from error
        return Pull(
            relation=records.relation(),
            scope=Scope.nothing() if cursor else Scope.everything(),
            advance_from=_greatest(cursor.column) if cursor and records.count else _nothing,
            estimated_rows=records.count,
            notes=_notes(records),
        )

    def check(self, settings: Settings, source: SourceSpec) -> str:
        """Import every stream's source; reading is left to the load."""
        for stream in source.streams:
            _function(_spec(source, stream.name, stream.dlt), settings)
        return f"dlt, {len(source.streams)} streams"


def _spec(source: SourceSpec, stream: str, spec: DltSpec | None) -> DltSpec:
    if spec is None:
        raise SmeltError(
            f"{source.folder / 'source.yml'}: stream {stream} names no dlt source",
            "add `dlt: {source: package.module:function, arguments: {…}}` to the stream",
        )
    return spec


def _function(spec: DltSpec, settings: Settings) -> Callable[..., Any]:
    """The source's function; modules of the project's folder can be named too."""
    os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
    # Its warnings are lines of a log in the middle of a summary.
    os.environ.setdefault("RUNTIME__LOG_LEVEL", "ERROR")
    module, _, name = spec.source.partition(":")
    if str(settings.project_dir) not in sys.path:
        # Last, so that a project's own folders never stand in for an installed package.
        sys.path.append(str(settings.project_dir))
    try:
        with ONE_IMPORT:
            import_module("dlt")
            return getattr(import_module(module), name)
    except Exception as error:
        # A module of the project's runs at its import, and may fail in any way.
        raise SmeltError(
            f"dlt source {spec.source!r} cannot be imported: {' '.join(str(error).split())[:300]}",
            "write it as package.module:function; install the package with `uv add` if it is missing",
        ) from error


def _resource(
    request: PullRequest, cursor: tuple[str, Any] | None
) -> tuple[Iterator[Any], Mapping[str, pa.DataType]]:
    """The records, and the types of their columns as far as the source knows them for certain."""
    spec = _spec(request.source, request.stream.name, request.stream.dlt)
    function = _function(spec, request.settings)
    arguments = {key: _resolved(value, request) for key, value in spec.arguments.items()}
    try:
        import dlt

        if cursor and _takes_incremental(function):
            column, last = cursor
            # Rows without a cursor value are read each time, and those at the boundary twice: the load drops them.
            arguments["incremental"] = dlt.sources.incremental(
                column, initial_value=last, on_cursor_value_missing="include", primary_key=()
            )
        lenient = _lenient(function, arguments)
        made = function(**arguments, **(lenient.arguments() if lenient else {}))
        if hasattr(made, "resources"):
            made = made.resources[spec.resource or request.stream.name]
        table = arguments.get("table") or spec.resource or request.stream.name
        return iter(made), lenient.types.get(table, {}) if lenient else {}
    except KeyError as error:
        raise SmeltError(
            f"{request.source.name}.{request.stream.name}: {spec.source} has no resource {error}",
            "name it with `resource:` in source.yml",
        ) from error
    except SmeltError:
        raise
    except Exception as error:
        raise _failed(request, error) from error


def _lenient(function: Callable[..., Any], arguments: Mapping[str, Any]) -> SqliteTables | None:
    """What reads SQLite's values as they are stored, if it is dlt's reader of databases that reads them."""
    is_sqlite = str(arguments.get("credentials", "")).startswith("sqlite:")
    by_rows = arguments.get("backend", "sqlalchemy") == "sqlalchemy"
    if not (is_sqlite and by_rows and "table_adapter_callback" in inspect.signature(function).parameters):
        return None
    from ingest.extract.sqlite_tables import SqliteTables

    return SqliteTables()


def _notes(records: RecordStage) -> tuple[str, ...]:
    if not records.unfit:
        return ()
    counted = ", ".join(f"{name} ({number:,})" for name, number in records.unfit.most_common(_MOST_NAMED))
    return (f"values that are not of their column's type are in _smelt_extra, and null in the column: {counted}",)


def _takes_incremental(function: Callable[..., Any]) -> bool:
    return "incremental" in inspect.signature(function).parameters


def _resolved(value: Any, request: PullRequest) -> Any:
    """`connection:` becomes the connection's DSN or URL, `secret:NAME` a secret of its, at any depth."""
    if isinstance(value, Mapping):
        return {key: _resolved(item, request) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolved(item, request) for item in value]
    name = request.source.connection
    if isinstance(value, str) and value.startswith(_SECRET):
        return _secret(request, value.removeprefix(_SECRET))
    if value != _CONNECTION:
        return value
    connection = request.settings.connection(name)
    reference = connection.dsn or connection.url
    if not reference:
        raise SmeltError(
            f"connections.{name} has neither dsn nor url", f"add one to [connections.{name}] in smelt.toml"
        )
    return resolve(reference, request.settings.project_dir, f"connections.{name}.dsn")


def _secret(request: PullRequest, name: str) -> str:
    connection = request.source.connection
    reference = request.settings.connection(connection).secrets.get(name)
    if reference is None:
        raise SmeltError(
            f"connections.{connection}.secrets has no {name}",
            f'add {name} = "env:…" to [connections.{connection}.secrets] in smelt.toml',
        )
    return resolve(reference, request.settings.project_dir, f"connections.{connection}.secrets.{name}")


def _failed(request: PullRequest, error: Exception) -> SmeltError:
    text = " ".join(str(error.__cause__ or error).split())[:300]
    return SmeltError(
        f"{request.source.name}.{request.stream.name}: the dlt source failed: {mask(text)}",
        f"check the arguments in source.yml and connections.{request.source.connection}",
    )


def _nothing(_con: duckdb.DuckDBPyConnection, _loaded: str) -> Mapping[str, Any]:
    return {}


def _greatest(column: str) -> Callable[[duckdb.DuckDBPyConnection, str], Mapping[str, Any]]:
    """Reads the greatest cursor value of what was loaded, as a number or text with the name of its type."""

    def read(con: duckdb.DuckDBPyConnection, loaded: str) -> Mapping[str, Any]:
        row = con.execute(f"select max({quote(column)}) from ({loaded})").fetchone()
        value = row[0] if row else None
        if value is None:
            return {}
        if isinstance(value, datetime | date):
            return {"cursor": value.isoformat(), "cursor_type": type(value).__name__}
        if isinstance(value, Decimal):
            return {"cursor": str(value), "cursor_type": "Decimal"}
        return {"cursor": value, "cursor_type": None}

    return read


def _start(position: Mapping[str, Any], cursor: CursorSpec) -> Any:
    """The last cursor value, less the lag, in the type in which the source gave it."""
    if "cursor" not in position:
        return cursor.initial
    kinds = {"datetime": datetime.fromisoformat, "date": date.fromisoformat, "Decimal": Decimal}
    as_given = kinds.get(position.get("cursor_type") or "", lambda value: value)
    last = as_given(position["cursor"])
    lag = cursor.lag
    if isinstance(lag, timedelta):
        return last - lag if lag and isinstance(last, date) else last
    if isinstance(last, Decimal):
        return last - Decimal(lag)
    return last - lag if isinstance(last, int | float) else last
