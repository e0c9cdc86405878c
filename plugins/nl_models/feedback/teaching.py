"""Corrections become YAML: synonyms where something is called otherwise, an example where a question was asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from plugins.core.editing.edits import Edit, apply_edits
from plugins.core.editing.yaml_places import YamlText, child, items, pairs, text_of
from plugins.core.editing.yaml_text import Flow, flow, lines


def add_synonyms(text: str, section: str, name: str, synonyms: Sequence[str], column: str = "") -> str:
    """The YAML with synonyms in the meta of an entry, or of one of its columns; as it was if it has them.

    A text without that entry stays as it is.
    """
    document = YamlText.read(text)
    entry = document.named(section, name)
    if entry is not None and column:
        columns = (one for one in items(child(entry, "columns")) if isinstance(one, MappingNode))
        entry = next((one for one in columns if text_of(child(one, "name")).lower() == column), None)
    if entry is None:
        return text
    known = {text_of(one).lower() for one in items(_meta_value(entry, "synonyms"))}
    new = [one for one in synonyms if one.lower() not in known]
    return apply_edits(text, list(_into_meta(document, entry, "synonyms", new))) if new else text


def add_example(text: str, model: str, example: Mapping[str, Any]) -> str:
    """The YAML with an example in the meta of a model, each on one line; as it was if it is there."""
    document = YamlText.read(text)
    entry = document.named("models", model)
    if entry is None:
        return text
    known = [text_of(child(one, "proposal")) for one in items(_meta_value(entry, "examples"))]
    if str(example["proposal"]) in known:
        return text
    return apply_edits(text, list(_into_meta(document, entry, "examples", [Flow(example)])))


def taught(text: str) -> set[str]:
    """Ids of proposals that examples of a YAML file come from already."""
    document = YamlText.read(text)
    entries = items(child(document.root, "models"))
    return {
        text_of(child(example, "proposal"))
        for entry in entries
        for example in items(_meta_value(entry, "examples"))
    }


def _meta_value(entry: Node, key: str) -> Node | None:
    """A value of `config.meta`, or of `meta` as older projects have it."""
    return child(child(child(entry, "config"), "meta"), key) or child(child(entry, "meta"), key)


def _into_meta(document: YamlText, entry: MappingNode, key: str, values: list[Any]) -> Iterator[Edit]:
    """A list in the meta of an entry made longer, or made."""
    listed = _meta_value(entry, key)
    if isinstance(listed, SequenceNode) and listed.value:
        yield from document.append(listed, values)
        return
    meta = child(child(entry, "config"), "meta") or child(entry, "meta")
    config = child(entry, "config")
    if isinstance(meta, MappingNode) and meta.value:
        yield from _into(document, meta, {key: values})
    elif isinstance(config, MappingNode) and config.value:
        yield from _into(document, config, {"meta": {key: values}})
    else:
        yield from _new_config(document, entry, {"config": {"meta": {key: values}}})


def _into(document: YamlText, mapping: MappingNode, more: Mapping[str, Any]) -> Iterator[Edit]:
    """Further keys at the end of a mapping."""
    at = document.end(mapping.value[-1][1])
    if mapping.flow_style:
        yield Edit(at, at, "".join(f", {key}: {flow(value)}" for key, value in more.items()))
        return
    at = document.line_end(at)
    yield Edit(at, at, "\n" + "\n".join(lines(more, mapping.start_mark.column)))


def _new_config(document: YamlText, entry: MappingNode, more: Mapping[str, Any]) -> Iterator[Edit]:
    """A config where an entry has none: behind its description, as the house has it."""
    if entry.flow_style:
        yield from _into(document, entry, more)
        return
    known = pairs(entry)
    before = next(
        (known[key][1] for key in ("data_type", "description", "name") if key in known), entry.value[-1][1]
    )
    at = document.line_end(document.end(before))
    yield Edit(at, at, "\n" + "\n".join(lines(more, entry.start_mark.column)))
