"""The dbt source of what Smelt loaded: `_<source>__sources.yml`."""

from __future__ import annotations

from plugins.core.editing.yaml_text import with_section
from plugins.source_mapping.drafting.staging import AUDIT
from plugins.source_mapping.streams import MappedSource, SourceStream

_TYPES = {
    "_smelt_batch_id": "varchar",
    "_smelt_source_position": "varchar",
    "_smelt_loaded_at": "timestamp with time zone",
    "_smelt_op": "varchar",
    "_smelt_extra": "varchar",
}
_EXTRA = {"_smelt_extra": "Values that fit no column, as JSON."}


def draft_source(source: MappedSource, description: str, owner: str) -> str:
    """All streams of the source with their columns, as bronze has them."""
    entry = {
        "name": source.name,
        "description": description or f"The source {source.name}.",
        "schema": "bronze",
        "config": {"meta": {"owner": owner or source.name}},
        "loaded_at_field": "_smelt_loaded_at",
        "tables": [_table(source.name, stream) for stream in source.streams],
    }
    return with_section("", "sources", [entry])


def _table(source: str, stream: SourceStream) -> dict[str, object]:
    columns = [
        {"name": column.name, **({"description": column.description} if column.description else {}),
         "data_type": column.data_type.lower()}
        for column in stream.table.columns
    ]  # fmt: skip
    columns += [
        {"name": name, "description": told, "data_type": _TYPES[name]} for name, told in (AUDIT | _EXTRA).items()
    ]
    return {"name": stream.name, "identifier": f"{source}__{stream.name}", "columns": columns}
