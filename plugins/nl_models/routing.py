"""Whether a question is about an entity that nobody has modelled, rather than about the project's own figures."""

from __future__ import annotations

import json
from collections.abc import Iterator

from plugins.nl_models.analysis import Analysis
from plugins.nl_models.catalog.names import table_words
from plugins.nl_models.catalog.project import AskedProject
from plugins.nl_models.plan import Plan
from plugins.nl_models.semantic.vocabulary import Words, plain, split


def is_about_entities(question: str, project: AskedProject) -> bool:
    """Whether it names such an entity, before any metric of the project: by their names, not by synonyms.

    A shop may call its orders invoices; once there is an entity called invoice, that is meant. What is named first
    is what is asked for, the rest how it is split.
    """
    words = plain(split(question))
    entities = {plain(split(name.rpartition(".")[2])) for name in project.unmodelled}
    own = set(_own(project))
    first = _first(entities - own, words)
    other = _first(own, words)
    return first is not None and (other is None or first < other)


def names_own(question: str, project: AskedProject) -> bool:
    """Whether it names a metric of the project, or a thing that its gold tables list."""
    return _first(set(_own(project)), plain(split(question))) is not None


def reads_entities(plan: Plan | Analysis | None, project: AskedProject) -> bool:
    """Whether a plan over tables reads such an entity: what is inferred of it knows more than its table says."""
    text = plan.model_dump_json() if isinstance(plan, Plan) else ""
    return any(json.dumps(name) in text for name in project.unmodelled)


def _own(project: AskedProject) -> Iterator[Words]:
    """What the project's metrics are called, and the things that they count."""
    if project.layer is not None:
        for metric in project.layer.metrics.values():
            yield from (plain(split(metric.name)), plain(split(metric.label)))
    for name in project.gold.tables:
        if name not in project.unmodelled:
            yield plain(table_words(name))


def _first(names: set[Words], words: Words) -> int | None:
    """Where the first of some names stands among the words."""
    return next((at for at in range(len(words)) for name in names if words[at : at + len(name)] == name), None)
