"""What a change of a model is called: in its title, in its reason, and in the descriptions of new columns."""

from __future__ import annotations

from collections.abc import Iterator

from plugins.core.editing.yaml_places import YamlText, child, items, text_of
from plugins.nl_models.editing.applying import Edited
from plugins.nl_models.editing.filtering import Restriction
from plugins.nl_models.editing.intents import (
    AddAggregate,
    AddMetric,
    AddSibling,
    Asked,
    ChangeGrain,
    Intent,
    Remove,
    Rename,
    Restrict,
    Split,
)
from plugins.nl_models.editing.opening import Opened
from plugins.nl_models.semantic.layer import SemanticLayer

_UNITS = {
    "gbp": ("pounds sterling", "pounds", "GBP"),
    "eur": ("euros", "EUR"),
    "usd": ("US dollars", "dollars", "USD"),
}
_VERBS = {"sum": "Sum of", "avg": "Average of", "min": "Smallest", "max": "Largest", "count": "Number of"}


def sentence_of(asked: Asked) -> str:
    """What is asked, in words."""
    said = [_said(intent) for intent in asked.intents]
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"


def _said(intent: Intent) -> str:
    if isinstance(intent, Split):
        words = intent.label.replace("__", " ").replace("_", " ")
        return f"add {words}" if intent.is_column else f"split by {words}"
    if isinstance(intent, AddMetric):
        return f"add {intent.metric.replace('_', ' ')}"
    if isinstance(intent, AddSibling):
        return f"add {intent.like.rpartition('_')[0].replace('_', ' ')} in {intent.unit.upper()}"
    if isinstance(intent, AddAggregate):
        return f"add {_VERBS[intent.function].lower()} {intent.label.replace('_', ' ')}"
    if isinstance(intent, Restrict):
        return said_restriction(intent.restriction)
    if isinstance(intent, ChangeGrain):
        return f"by {intent.new}" + (f" instead of {intent.old}" if intent.old else "")
    if isinstance(intent, Remove):
        return f"drop {intent.column}"
    assert isinstance(intent, Rename)
    return f"rename {intent.column} to {intent.name}"


def said_restriction(one: Restriction) -> str:
    """Which rows stay."""
    label = one.label.removeprefix("is_").replace("__", " ").replace("_", " ")
    values = " or ".join(str(value) for value in one.values)
    if one.values in ((True,), (False,)):
        is_meant = one.values[0] == (one.operator == "in")
        return f"only {label}" if is_meant else f"without {label}"
    if not one.label:
        return f"only since {values}" if one.operator == ">=" else f"only before {values}"
    verbs = {"in": "only", "not in": "without", "is null": "only without any", "is not null": "only with any"}
    return f"{verbs.get(one.operator, one.operator)} {label} {values}".strip()


def reason_of(request: str, asked: Asked, edited: Edited) -> str:
    """Why, and what it does; markdown. What running it showed is its evidence."""
    lines = [f"Asked: “{request.strip()}”", "", f"Understood as: {sentence_of(asked)}", ""]
    lines += [f"- {line}" for line in _notes(edited)]
    return "\n".join(lines).strip()


def _notes(edited: Edited) -> Iterator[str]:
    before, after = edited.grain_before, edited.grain_after
    if before != after:
        now, then = (", ".join(keys) or "row of its inputs" for keys in (after, before))
        yield f"One row per {now}; it was one per {then}."
    for wanted in edited.used:
        if wanted.hops:
            yield f"{wanted.name} is reached by a join to {wanted.model}."


def describe_added(name: str, edited: Edited, opened: Opened, layer: SemanticLayer | None) -> str:
    """A sentence about a new column, from what the project says of it."""
    intent = edited.added[name]
    if isinstance(intent, AddMetric) and layer is not None:
        metric = layer.metrics[intent.metric]
        return _sentence(metric.description or metric.label)
    if isinstance(intent, AddSibling):
        return _in_unit(_description(opened, intent.like), intent, name)
    if isinstance(intent, AddAggregate):
        return f"{_VERBS[intent.function]} {intent.label.replace('_', ' ')}."
    wanted = next((one for one in edited.used if one.name == name), None)
    return _sentence(wanted.description if wanted is not None and wanted.description else name.replace("_", " "))


def _in_unit(text: str, intent: AddSibling, name: str) -> str:
    """The neighbour's description, of the other unit."""
    old = intent.like.rpartition("_")[2]
    words = next((word for word in _UNITS.get(old, ()) if word in text), None)
    new = _UNITS.get(intent.unit, (intent.unit.upper(),))[0]
    return (
        text.replace(words, new)
        if words
        else f"{_sentence(name.rpartition('_')[0].replace('_', ' ')).rstrip('.')} in {new}."
    )


def _description(opened: Opened, column: str) -> str:
    if opened.yaml is None:
        return ""
    entry = YamlText.read(opened.yaml).named("models", opened.resource.name)
    for one in items(child(entry, "columns")):
        if text_of(child(one, "name")).lower() == column:
            return text_of(child(one, "description"))
    return ""


def _sentence(text: str) -> str:
    stripped = " ".join(text.split())
    return f"{stripped[:1].upper()}{stripped[1:].rstrip('.')}."
