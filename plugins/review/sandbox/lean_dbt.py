"""dbt without what a sandbox has no use for: half of the time of building a hundred small models.

Each is the same to dbt: a relation is looked for among those of its name, what only a debugging log would say is
not put into words, YAML is validated by a faster library and once (the configurations of a thousand models are
mostly the same), a schema is asked for its relations once and not for each model in it, and neither compiled SQL
nor the summary of the graph is written to files.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import jsonschema_rs

# Of data that may come again: what is longer holds descriptions and SQL.
_LONGEST = 5_000


@cache
def _validator(cls: Any) -> jsonschema_rs.Draft7Validator:
    return jsonschema_rs.Draft7Validator(cls.json_schema())


def _is_valid(cls: Any, data: Any) -> bool:
    """Whether data keeps to the schema of a class; False also where it holds what is no JSON."""
    try:
        return _validator(cls).is_valid(data)
    except ValueError:
        return False


def make_lean() -> None:
    """Change dbt in this process, and all that are forked from it."""
    from dbt.adapters.base.impl import BaseAdapter
    from dbt.compilation import Compiler, Linker
    from dbt_common.dataclass_schema import dbtClassMixin
    from dbt_common.events.event_manager import EventManager

    match, fire = BaseAdapter._make_match, EventManager.fire_event
    schemas_of = BaseAdapter._get_cache_schemas
    validate = dbtClassMixin.validate.__func__
    valid: set[tuple[Any, str]] = set()

    def match_by_name(
        self: Any, relations_list: list[Any], database: str, schema: str, identifier: str
    ) -> list[Any]:
        # dbt compares with every table of the schema, part by part.
        wanted = identifier.strip('"').lower()
        alike = [one for one in relations_list if (one.identifier or "").strip('"').lower() == wanted]
        return match(self, alike, database, schema, identifier)

    def schemas_once(self: Any, relation_configs: Any) -> Any:
        places = {(n.resource_type, n.database, n.schema, repr(n.quoting_dict)): n for n in relation_configs}
        return schemas_of(self, places.values())

    def fire_if_told(
        self: Any, e: Any, level: Any = None, node: Any = None, force_warn_or_error_handling: bool = False
    ) -> None:
        # The log's level is info: every debug message would be made, and thrown away.
        told = level or e.level_tag()
        if force_warn_or_error_handling or str(getattr(told, "value", told)) != "debug":
            fire(self, e, level, node, force_warn_or_error_handling)

    def validate_once(cls: Any, data: Any) -> None:
        # Schemas look at types and values of plain data, which its representation shows.
        key = cls, repr(data)
        if key not in valid:
            if not _is_valid(cls, data):
                # dbt's own words for what is wrong.
                validate(cls, data)
            if len(key[1]) <= _LONGEST:
                valid.add(key)

    BaseAdapter._make_match = match_by_name
    BaseAdapter._get_cache_schemas = schemas_once
    dbtClassMixin.validate = classmethod(validate_once)  # pyright: ignore[reportAttributeAccessIssue]
    Linker.get_graph_summary = lambda self, manifest: {}
    Compiler._write_node = lambda self, node, split_suffix=None: node
    EventManager.fire_event = fire_if_told
