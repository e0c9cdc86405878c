"""Times: which properties and parameters hold one, and in which format."""

from __future__ import annotations

import re

from plugins.connectors.inference.vocabulary import vocabulary
from plugins.connectors.inference.words import words
from plugins.connectors.spec.api import Parameter
from plugins.connectors.spec.shapes import Shape

ISO, ISO_MILLIS, ISO_ZONE, DAY, EPOCH, EPOCH_MILLIS = (
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%dT%H:%M:%S.%fZ",
    "%Y-%m-%dT%H:%M:%S%z",
    "%Y-%m-%d",
    "%s",
    "%ms",
)
# What record values may look like, whatever the spec says; the first that fits is used.
READABLE = (
    "%Y-%m-%dT%H:%M:%S.%f%z",
    "%Y-%m-%dT%H:%M:%S%z",
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%dT%H:%M:%S.%fZ",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M:%S.%f",
    "%Y-%m-%d %H:%M:%S %z",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d",
)
_TIME_NAME = re.compile(
    r"^(at|on|date|time|timestamp|datetime|since|until|after|before|edited|modified|updated|created)$"
)
_EXAMPLES = (
    (re.compile(r"^\d{4}-\d\d-\d\d$"), DAY),
    (re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(Z)?$"), ISO_MILLIS),
    (re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ?$"), ISO),
    (re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d?:?\d\d$"), ISO_ZONE),
    (re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$"), "%Y-%m-%d %H:%M:%S"),
    (re.compile(r"^1\d{12}$"), EPOCH_MILLIS),
    (re.compile(r"^1\d{9}$"), EPOCH),
)
_EPOCH_SAID = re.compile(r"\b(unix|epoch|posix)\b|seconds since|unix[ _-]?time", re.I)
_MILLIS_SAID = re.compile(r"\bmilli", re.I)
_DAY_SAID = re.compile(r"\bYYYY-MM-DD\b(?![T ][\dh]|T)|\bformat:? ?y(yyy)?-mm?-dd?\b", re.I)
_BOUNDS = vocabulary("times", "bounds")
_BLANK_SAID = re.compile(r"\bYYYY-MM-DD HH:MM:SS\b", re.I)
_TIME_SAID = re.compile(r"\b(date|time|timestamp|ISO[- ]?8601|RFC[- ]?3339|datetime)\b", re.I)


def is_time_property(name: str, shape: Shape) -> bool:
    """Whether a property holds a time."""
    if shape.format in ("date", "date-time", "datetime", "timestamp"):
        return True
    if shape.kind in ("object", "array", "boolean"):
        return False
    if shape.kind == "string" and _format_of(shape.example):
        return True
    parts = words(name)
    if not parts or not _TIME_NAME.match(parts[-1]):
        return False
    # `modified_on`, `created`, `date`; a number called so counts seconds.
    return shape.kind in ("string", "unknown", "integer", "number")


def is_time_parameter(parameter: Parameter) -> bool:
    """Whether a parameter takes a time."""
    shape = parameter.shape
    if shape.format in ("date", "date-time", "datetime", "timestamp") or _format_of(parameter.example):
        return True
    if shape.kind in ("boolean", "array") or shape.enum:
        return False
    parts = words(parameter.name)
    if "id" in parts or "ids" in parts:
        return False
    if {"created", "updated", "modified", "changed"} & set(parts) and _BOUNDS & set(parts):
        return True
    return bool(_TIME_SAID.search(parameter.prose)) or bool(
        {"date", "datetime", "time", "timestamp", "since", "at"} & set(parts)
    )


def format_of(parameter: Parameter) -> tuple[str, str]:
    """The format in which a parameter takes a time, and how that is known."""
    shape, prose = parameter.shape, parameter.prose
    parts = set(words(parameter.name))
    if _EPOCH_SAID.search(prose) or (
        shape.kind in ("integer", "number") and shape.format not in ("date", "date-time")
    ):
        return (EPOCH_MILLIS if _MILLIS_SAID.search(prose) else EPOCH), "it takes a Unix time"
    if _BLANK_SAID.search(prose):
        return "%Y-%m-%d %H:%M:%S", "its description shows a day and a time"
    if found := _format_of(parameter.example):
        return found, "as in its example"
    if shape.format == "date":
        return DAY, "its format is `date`"
    if shape.format in ("date-time", "datetime"):
        return ISO, f"its format is `{shape.format}`"
    if _DAY_SAID.search(prose):
        return DAY, "its description shows a day"
    if parts & {"datetime", "time", "timestamp", "at"} or re.search(
        r"ISO[- ]?8601|RFC[- ]?3339|timestamp|date ?time|and time", prose, re.I
    ):
        return ISO, "its name or description says date and time"
    if parts & {"date", "day", "on"}:
        return DAY, "it is called a date"
    return ISO, "assumed"


def _format_of(example: object) -> str:
    if example is None or isinstance(example, bool):
        return ""
    text = str(example).strip()
    return next((found for pattern, found in _EXAMPLES if pattern.match(text)), "")
