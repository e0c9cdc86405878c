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
    """Whether it names such an entity, and no metric of the project: by their names, not by synonyms.

    A shop may call its orders invoices; once there is an entity called invoice, that is meant.
    """
    words = plain(split(question))
    entities = {plain(split(name.rpartition(".")[2])) for name in project.unmodelled}
    own = set(_own(project))
    return any(_is_in(name, words) for name in entities - own) and not names_own(question, project)


def names_own(question: str, project: AskedProject) -> bool:
    """Whether it names a metric of the project, or a thing that its gold tables list."""
    words = plain(split(question))
    return any(_is_in(name, words) for name in _own(project))


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


def _is_in(name: Words, words: Words) -> bool:
    return any(words[at : at + len(name)] == name for at in range(len(words) - len(name) + 1))
