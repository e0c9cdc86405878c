"""Paginators."""

from __future__ import annotations

from typing import Any

from plugins.connectors.inference.pagination import CURSOR, LINK_HEADER, NEXT_URL, NONE, OFFSET, PAGE, Pagination
from plugins.connectors.manifest.text import is_plain, quoted


def paginator(pagination: Pagination, in_variables: bool = False) -> dict[str, Any] | None:
    """The CDK's paginator; None where there is one page, or nobody knows how to get the next.

    `in_variables`: its parameters are variables of a GraphQL query.
    """
    option = _variable if in_variables else _option
    strategy = _strategy(pagination)
    if strategy is None:
        return None
    made: dict[str, Any] = {"type": "DefaultPaginator", "pagination_strategy": strategy}
    if pagination.kind in (NEXT_URL, LINK_HEADER):
        made["page_token_option"] = {"type": "RequestPath"}
    else:
        made["page_token_option"] = option(pagination.parameter)
    if pagination.size_parameter and "page_size" in strategy:
        made["page_size_option"] = option(pagination.size_parameter)
    return made


def sizes(pagination: Pagination) -> dict[str, str]:
    """The page size as a plain parameter, where the paginator doesn't send it.

    A most that is not told is no ground to take a page with fewer records for the last: pages are then read
    until one is empty.
    """
    strategy = _strategy(pagination)
    if not pagination.size_parameter or pagination.size is None or (strategy and "page_size" in strategy):
        return {}
    return {pagination.size_parameter: str(pagination.size)} if is_plain(pagination.size_parameter) else {}


def _option(name: str) -> dict[str, Any]:
    return {"type": "RequestOption", "inject_into": "request_parameter", "field_name": name}


def _variable(name: str) -> dict[str, Any]:
    return {"type": "RequestOption", "inject_into": "body_json", "field_path": ["variables", name]}


def _strategy(pagination: Pagination) -> dict[str, Any] | None:
    names = (pagination.parameter, pagination.size_parameter, *pagination.next, *pagination.more)
    if pagination.kind == NONE or not all(is_plain(name) for name in names if name):
        return None
    size = {"page_size": pagination.size} if pagination.max_size and pagination.size_parameter else {}
    if pagination.kind == PAGE and not pagination.next:
        return {
            "type": "PageIncrement",
            "start_from_page": pagination.start,
            "inject_on_first_request": True,
            **size,
        }
    if pagination.kind == OFFSET:
        return {"type": "OffsetIncrement", "inject_on_first_request": True, **size}
    if pagination.kind == LINK_HEADER:
        return {
            "type": "CursorPagination",
            "cursor_value": "{{ headers['link']['next']['url'] }}",
            # Some APIs link to a next page for ever.
            "stop_condition": "{{ 'next' not in headers['link'] or last_page_size == 0 }}",
            **size,
        }
    if pagination.kind == CURSOR and pagination.last_field:
        field = quoted(pagination.last_field)
        stop = f"not {_get(pagination.more)}" if pagination.more else "last_page_size == 0"
        return {
            "type": "CursorPagination",
            "cursor_value": f"{{{{ last_record[{field}] }}}}",
            "stop_condition": f"{{{{ {stop} }}}}",
            **size,
        }
    if not pagination.next:
        return None
    token = _get(pagination.next)
    stop = f"not {token}"
    if pagination.more:
        stop += f" or {_get(pagination.more)} is false"
    return {
        "type": "CursorPagination",
        "cursor_value": f"{{{{ {token} }}}}",
        "stop_condition": f"{{{{ {stop} }}}}",
        **size,
    }


def _get(path: tuple[str, ...]) -> str:
    """An expression for a value in the answer, whatever on the way to it is null or missing."""
    expression = "response"
    for name in path[:-1]:
        expression = f"({expression}.get({quoted(name)}) or {{}})"
    return f"{expression}.get({quoted(path[-1])})"
