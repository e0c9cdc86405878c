"""What is asked is done to the text of a model, one thing after another."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from plugins.core.editing.edits import Edit, apply_edits
from plugins.core.errors import SmeltError
from plugins.nl_models.editing.changing import change_grain, remove_column, rename_column
from plugins.nl_models.editing.filtering import Restricter
from plugins.nl_models.editing.intents import (
    AddAggregate,
    AddMetric,
    AddSibling,
    Asked,
    ChangeGrain,
    Intent,
    Remove,
    Restrict,
    Split,
)
from plugins.nl_models.editing.measures import MetricAdder
from plugins.nl_models.editing.putting import Draft, Putter, grain_of
from plugins.nl_models.editing.script import Script
from plugins.nl_models.editing.tracing import Input, Tracer
from plugins.nl_models.editing.wanted import Wanted, choose, find_wanted
from plugins.nl_models.semantic.layer import SemanticLayer


@dataclass
class Edited:
    """text: of the model. added: by column, what it is. keys: columns that split rows more finely.

    renamed, removed: columns. used: what was put in or filtered by. grain_before, grain_after: the columns that
    identify a row, as far as they are known.
    """

    text: str
    added: dict[str, Intent] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    restrictions: list[Restrict] = field(default_factory=list)
    grain: ChangeGrain | None = None
    used: list[Wanted] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    grain_before: list[str] = field(default_factory=list)
    grain_after: list[str] = field(default_factory=list)

    @property
    def changes_rows(self) -> bool:
        """Whether other rows come out."""
        return bool(self.keys or self.restrictions or self.grain or set(self.removed) & set(self.grain_before))


@dataclass(frozen=True)
class Surroundings:
    """known: columns that the project has. types: of contracts, by column that is added."""

    inputs: Mapping[str, Input]
    layer: SemanticLayer | None
    known: frozenset[str]
    types: Mapping[str, str] = field(default_factory=dict)


def apply_asked(text: str, asked: Asked, around: Surroundings) -> Edited:
    """The model with everything done. Raises SmeltError with the first thing that can't be done safely."""
    edited = Edited(text, questions=list(asked.assumptions))
    edited.grain_before = grain_of(Draft(Script(text), dict(around.inputs)).tracer)
    for intent in asked.intents:
        draft = Draft(Script(edited.text), dict(around.inputs))
        _apply(intent, draft, around, edited)
        edited.questions += draft.questions
        if not draft.edits:
            raise SmeltError("the model is as asked already", "ask for something that it lacks")
        edited.text = apply_edits(edited.text, draft.edits)
    edited.grain_after = grain_of(Draft(Script(edited.text), dict(around.inputs)).tracer)
    return edited


def _apply(intent: Intent, draft: Draft, around: Surroundings, edited: Edited) -> None:
    if isinstance(intent, Split):
        _split(intent, draft, around, edited)
    elif isinstance(intent, AddMetric | AddSibling | AddAggregate):
        _measure(intent, draft, around, edited)
    elif isinstance(intent, Restrict):
        restricter = Restricter(draft, intent.restriction, around.layer)
        restricter.restrict()
        edited.used += restricter.used
        edited.restrictions.append(intent)
    elif isinstance(intent, ChangeGrain):
        renamed = change_grain(draft, intent.new, intent.old)
        _ask_about_windows(draft)
        edited.renamed |= renamed
        edited.grain = intent
    elif isinstance(intent, Remove):
        remove_column(draft, intent.column)
        edited.removed.append(intent.column)
    else:
        rename_column(draft, intent.column, intent.name)
        edited.renamed[intent.column] = intent.name


def _split(intent: Split, draft: Draft, around: Surroundings, edited: Edited) -> None:
    tracer = draft.tracer
    found = find_wanted(intent.label, tracer.reads(tracer.query), around.layer)
    wanted = choose(intent.label, _handed_on(tracer, found) or found)
    if wanted.name in tracer.outputs(tracer.top()):
        raise SmeltError(f"the model has {wanted.name} already", "ask for what it lacks")
    if intent.is_column and tracer.has_aggregate(tracer.top()):
        raise SmeltError(
            f"{wanted.name} is of single rows of {wanted.start.name}, and the model adds them up",
            f"say “split by {wanted.name.replace('_', ' ')}”, or which figure of it is meant",
        )
    before = grain_of(tracer)
    putter = Putter(draft, wanted)
    name = putter.put()
    edited.used.append(wanted)
    edited.added[name] = intent
    if putter.grouped:
        edited.keys.append(name)
        draft.edits += _wider_key(draft, before, name)
        _ask_about_windows(draft)
    others = [one for one in found if one.name == wanted.name and len(one.hops) > len(wanted.hops)]
    if others:
        edited.questions.append(f"Is it {wanted.said}? It could be {others[0].said} too.")


def _handed_on(tracer: Tracer, found: Sequence[Wanted]) -> list[Wanted]:
    """Those that a step of the model hands on already, which says which one is meant."""
    steps = [query for query in tracer.query.ctes.values() if not tracer.is_import(query)]
    return [w for w in found if w.is_plain and any(tracer.output_of(q, w.start.node, w.expr) for q in steps)][:1]


def _measure(
    intent: AddMetric | AddSibling | AddAggregate, draft: Draft, around: Surroundings, edited: Edited
) -> None:
    adder = MetricAdder(draft, around.layer or SemanticLayer({}, {}, {}), around.known, dict(around.types))
    if isinstance(intent, AddMetric):
        name = adder.add(intent.metric)
    elif isinstance(intent, AddSibling):
        name = adder.add_sibling(intent.like, intent.unit)
    else:
        name = adder.add_aggregate(intent.function, intent.label)
    edited.added[name] = intent


def _wider_key(draft: Draft, before: Sequence[str], name: str) -> list[Edit]:
    """`unique_key` of an incremental model in its own config."""
    for one in draft.script.printed:
        if not one.is_silent:
            continue
        text = draft.script.text[one.start : one.end]
        found = re.search(r"unique_key\s*=\s*(\[[^\]]*\]|(['\"])\w+\2)", text)
        if found is None:
            continue
        quote = "'" if "'" in found[1] else '"'
        if found[1].startswith("["):
            at = one.start + found.end(1) - 1
            return [Edit(at, at, f", {quote}{name}{quote}")]
        return [Edit(one.start + found.start(1), one.start + found.end(1), f"[{found[1]}, {quote}{name}{quote}]")]
    return []


def _ask_about_windows(draft: Draft) -> None:
    """What is set against other rows means something else when there are other rows."""
    masked = draft.script.masked.lower()
    if re.search(r"\bover\s*\(|\bover\s+\w", masked):
        draft.questions.append(
            "The model sets rows against each other (over …): should that be within each new group?"
        )
    if re.search(r"\blimit\s+\d|\bqualify\b", masked):
        draft.questions.append(
            "The model keeps only some of its rows (limit or qualify): should it keep as many of each?"
        )
