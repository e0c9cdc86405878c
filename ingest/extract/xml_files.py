"""XML files → records, in bounded memory: one element at a time, without entities or DTD.

An element's attributes are `@name`, its children columns; a child that is there several times, or has children of
its own, is JSON. Namespaces are left away.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from ingest.extract.base import DeadLetter, PullRequest
from ingest.extract.readers import FilesRead, stage_records
from ingest.extract.unpacking import Part
from ingest.spec import FilesSpec


def read_xml_files(request: PullRequest, spec: FilesSpec, parts: Sequence[Part]) -> FilesRead:
    """The elements at `record_path`, or the children of the root."""
    return stage_records(request, "xml", parts, lambda part: _records(part, spec.record_path))


def _records(part: Part, record_path: str | None) -> Iterator[tuple[int, Mapping[str, Any]] | DeadLetter]:
    from defusedxml.ElementTree import iterparse

    wanted = record_path.strip("/").split("/") if record_path else None
    above: list[Element] = []
    names: list[str] = []
    number = 0
    with part.readable.open("rb") as source:
        try:
            # What defusedxml refuses (a DTD, an entity, a reference to outside) is a ValueError of its own.
            for event, element in iterparse(source, events=("start", "end"), forbid_dtd=True):
                if event == "start":
                    above.append(element)
                    names.append(_local(element.tag))
                    continue
                if names[-len(wanted) :] == wanted if wanted else len(names) == 2:
                    number += 1
                    yield number, _record(element)
                if len(names) > 1 and not _is_within_record(names, wanted):
                    above[-2].remove(element)
                above.pop()
                names.pop()
        except ParseError as error:
            raise ValueError(str(error)) from error


def _is_within_record(names: list[str], wanted: list[str] | None) -> bool:
    """Whether the element is a part of a record, so that it is still needed."""
    if wanted is None:
        return len(names) > 2
    depth = len(wanted)
    return any(names[end - depth : end] == wanted for end in range(depth, len(names)))


def _record(element: Element) -> dict[str, Any]:
    value = _value(element)
    return value if isinstance(value, dict) else {_local(element.tag): value}


def _value(element: Element) -> Any:
    """Text, or a mapping of attributes and children; None for an empty element."""
    text = (element.text or "").strip() or None
    if not len(element) and not element.attrib:
        return text
    found: dict[str, Any] = {f"@{_local(name)}": value for name, value in element.attrib.items()}
    for child in element:
        name, value = _local(child.tag), _value(child)
        if name not in found:
            found[name] = value
        elif isinstance(found[name], list):
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    if text is not None:
        found["#text"] = text
    return found


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
