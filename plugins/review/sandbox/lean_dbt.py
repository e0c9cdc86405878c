"""dbt without what a sandbox has no use for: half of the time of building a hundred small models.

Each is the same to dbt: a relation is looked for among those of its name, and what only a debugging log would say
is not put into words.
"""

from __future__ import annotations

from typing import Any


def make_lean() -> None:
    """Change dbt in this process, and all that are forked from it."""
    from dbt.adapters.base.impl import BaseAdapter
    from dbt_common.events.event_manager import EventManager

    match, fire = BaseAdapter._make_match, EventManager.fire_event

    def match_by_name(
        self: Any, relations_list: list[Any], database: str, schema: str, identifier: str
    ) -> list[Any]:
        # dbt compares with every table of the schema, part by part.
        wanted = identifier.strip('"').lower()
        alike = [one for one in relations_list if (one.identifier or "").strip('"').lower() == wanted]
        return match(self, alike, database, schema, identifier)

    def fire_if_told(
        self: Any, e: Any, level: Any = None, node: Any = None, force_warn_or_error_handling: bool = False
    ) -> None:
        # The log's level is info: every debug message would be made, and thrown away.
        told = level or e.level_tag()
        if force_warn_or_error_handling or str(getattr(told, "value", told)) != "debug":
            fire(self, e, level, node, force_warn_or_error_handling)

    BaseAdapter._make_match = match_by_name
    EventManager.fire_event = fire_if_told
