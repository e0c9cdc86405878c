"""What a correction teaches: which words mean what, and how a question was meant."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from plugins.nl_models.feedback.corrections import Correction, ModelText
from plugins.nl_models.semantic.layer import SemanticLayer
from plugins.nl_models.semantic.spans import spans_of, tokens_of
from plugins.nl_models.semantic.vocabulary import Vocabulary, split

_ASKED = re.compile(r"Asked: “(.*)”")
_AGGREGATES = {"count_distinct": "count(distinct {})", "average": "avg({})", "sum_boolean": "sum({})"}


@dataclass(frozen=True)
class Synonym:
    """section: `models` or `metrics`; name: of the entry; column: of a model. words: that mean it."""

    section: str
    name: str
    words: str
    column: str = ""


def question_of(reason: str) -> str:
    """What was asked, from a proposal's reason; "" if it does not say."""
    found = _ASKED.search(reason)
    return found[1].strip() if found else ""


def synonyms_of(
    corrections: Sequence[Correction],
    model: str,
    texts: tuple[ModelText, ModelText],
    question: str,
    vocabulary: Vocabulary | None,
) -> Iterator[Synonym]:
    """What is called otherwise, and what words of the question turned out to mean. texts: proposed, merged."""
    for one in corrections:
        if one.kind == "renamed" and one.column:
            yield Synonym("models", model, one.before.replace("_", " "), one.column)
        elif one.kind == "renamed":
            yield Synonym("models", model, _bare(one.before))
    if vocabulary is None:
        return
    for one in corrections:
        if one.kind == "figure":
            old = _metric(vocabulary.layer, one.before, texts[0])
            new = _metric(vocabulary.layer, one.after, texts[1])
            if new is not None and old != new:
                for phrase in _phrases(question, old, vocabulary):
                    yield Synonym("metrics", new, phrase)


def example_of(question: str, proposal: str, merged: ModelText, layer: SemanticLayer | None) -> Mapping[str, Any]:
    """The question, and the plan that people found right: figures, groups and conditions as merged."""
    figures = [one for name, one in merged.figures.items() if name not in merged.grain]
    named = [(_metric(layer, one.made, merged) if layer is not None else None) or one.name for one in figures]
    example: dict[str, Any] = {"question": question, "figures": list(dict.fromkeys(named))}
    if merged.grain:
        example["by"] = list(merged.grain)
    if merged.filters:
        example["where"] = sorted(merged.filters)
    return {**example, "proposal": proposal}


def _metric(layer: SemanticLayer, made: str, text: ModelText) -> str | None:
    """The metric that an aggregate is, over one of the tables that the model reads."""
    tables = {re.findall(r"'([\w.]+)'", jinja)[-1] for jinja in text.tables}
    found = []
    for metric in layer.metrics.values():
        if metric.kind != "simple" or len(metric.measures) != 1 or metric.document.get("filter"):
            continue
        measure = layer.measures[metric.measures[0]]
        table = layer.models[measure.model].relation.rpartition(".")[2]
        shape = _AGGREGATES.get(measure.agg, f"{measure.agg}({{}})").format(" ".join(measure.expr.split()).lower())
        if table in tables and "".join(shape.split()) == "".join(made.split()):
            found.append(metric.name)
    return found[0] if len(found) == 1 else None


def _phrases(question: str, old: str | None, vocabulary: Vocabulary) -> Iterator[str]:
    """Words of a question that were taken for a metric, and are not its own name."""
    for span in spans_of(tokens_of(question), vocabulary, date(2000, 1, 1)):
        if old is None or span.named is None or old not in span.named.metrics:
            continue
        words = split(span.text)
        if words != split(old) and words != split(vocabulary.layer.metrics[old].label.partition("(")[0]):
            yield " ".join(words)


def _bare(name: str) -> str:
    """A model's name as people say it."""
    return re.sub(r"^(agg|fct|dim|rpt|mart)_", "", name).replace("_", " ")
