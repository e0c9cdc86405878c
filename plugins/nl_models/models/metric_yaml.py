"""A metric into the YAML of the semantic layer: where the project has its like, and written like those."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from plugins.core.editing.edits import Edit, apply_edits
from plugins.core.editing.yaml_places import YamlText, child, items, pairs, text_of
from plugins.core.editing.yaml_text import Flow, lines, with_section
from plugins.core.errors import SmeltError
from plugins.nl_models.catalog.project import AskedProject
from plugins.nl_models.models.missing import NewMetric

_ORDER = ("name", "label", "description", "type", "type_params", "config")


def places_of(metric: NewMetric, project: AskedProject) -> tuple[str, str]:
    """The YAML files of its semantic model, and of the metrics over that.

    Raises SmeltError if the semantic model is none of the project's own files.
    """
    manifest = project.manifest
    found = [one for one in manifest.of_type("semantic_model") if one["name"] == metric.model.name]
    if len(found) != 1 or found[0].get("package_name") != manifest.project_name:
        raise SmeltError(f"the semantic model {metric.model.name} is no file of this project", "define it there")
    path = str(found[0]["original_file_path"])
    layer = project.layer
    assert layer is not None
    own = {one.name for one in layer.measures.values() if one.model == metric.model.name}
    of_model = {one.name for one in layer.metrics.values() if own & set(one.measures)}
    files = Counter(
        str(one["original_file_path"])
        for one in manifest.of_type("metric")
        if one["name"] in of_model and one.get("package_name") == manifest.project_name
    )
    return path, files.most_common(1)[0][0] if files else path


def add_measure(text: str, metric: NewMetric) -> str:
    """The YAML with the measure in its semantic model. Raises SmeltError if that is written in another way."""
    document = YamlText.read(text)
    entry = document.named("semantic_models", metric.model.name)
    if entry is None or entry.flow_style:
        raise SmeltError(f"{metric.model.name} is not among the semantic_models of its file", "define it by hand")
    measures = child(entry, "measures")
    if isinstance(measures, SequenceNode) and measures.value:
        return apply_edits(text, document.append(measures, [_measure(metric, measures.value[-1])]))
    if measures is not None:
        raise SmeltError(f"the measures of {metric.model.name} are written in another way", "define it by hand")
    body = "\n".join(lines({"measures": [_measure(metric, None)]}, entry.start_mark.column))
    at = document.line_end(document.end(entry.value[-1][1]))
    return apply_edits(text, [Edit(at, at, f"\n{body}")])


def add_metric(text: str, metric: NewMetric) -> str:
    """The YAML with the metric at the end of its metrics."""
    document = YamlText.read(text)
    listed = child(document.root, "metrics")
    others = [one for one in items(listed) if isinstance(one, MappingNode)]
    entry = _metric(metric, others)
    if isinstance(listed, SequenceNode) and listed.value:
        return apply_edits(text, document.append(listed, [entry]))
    return with_section(text, "metrics", [entry])


def _measure(metric: NewMetric, like: Node | None) -> Mapping[str, Any]:
    """On one line, unless its neighbour is not; described, if that is."""
    entry: dict[str, Any] = {"name": metric.measure, "agg": metric.agg}
    entry["expr"] = 1 if metric.expr == "1" else metric.expr
    known = pairs(like)
    if "description" in known:
        entry["description"] = metric.description
    order = [key for key in known if key in entry]
    entry = {key: entry[key] for key in [*order, *(key for key in entry if key not in order)]}
    return Flow(entry) if like is None or getattr(like, "flow_style", False) else entry


def _metric(metric: NewMetric, others: list[MappingNode]) -> Mapping[str, Any]:
    entry: dict[str, Any] = {
        "name": metric.name,
        "label": metric.label,
        "description": metric.description,
        "type": "simple",
        "type_params": {"measure": _input(metric, others)},
    }
    if metric.unit:
        entry["config"] = {"meta": Flow(unit=metric.unit)}
    known = list(pairs(others[-1])) if others else []
    order = [key for key in known if key in entry] if set(known) >= set(_ORDER[:-1]) else list(_ORDER)
    order += [key for key in entry if key not in order]
    return {key: entry[key] for key in order if key in entry}


def _input(metric: NewMetric, others: list[MappingNode]) -> Any:
    """The measure; a total of nothing is 0 where other metrics say so."""
    measures = [child(child(one, "type_params"), "measure") for one in others]
    filled = [text_of(child(one, "fill_nulls_with")) == "0" for one in measures if one is not None]
    if metric.is_total and filled and sum(filled) * 2 >= len(filled):
        return Flow(name=metric.measure, fill_nulls_with=0)
    return metric.measure
