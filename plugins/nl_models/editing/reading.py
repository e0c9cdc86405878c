"""From the words of a request to what is asked of a model: the reader of questions, over what the model reads."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import cast, get_args

from sqlglot.dialects.duckdb import DuckDB
from sqlglot.tokenizer_core import TokenType

from plugins.core.errors import SmeltError
from plugins.nl_models.analysis import Grain
from plugins.nl_models.catalog.names import words_of
from plugins.nl_models.catalog.project import AskedProject
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
from plugins.nl_models.editing.tracing import Input
from plugins.nl_models.models.naming import ADVERBS
from plugins.nl_models.semantic.cues import cues
from plugins.nl_models.semantic.layer import SemanticLayer, SemanticModel
from plugins.nl_models.semantic.reader import Reader
from plugins.nl_models.semantic.request import Request
from plugins.nl_models.semantic.spans import spans_of, tokens_of
from plugins.nl_models.semantic.vocabulary import Vocabulary

_LONGEST = 500
_GRAINS = {**{grain: grain for grain in get_args(Grain)}, **{adverb: grain for grain, adverb in ADVERBS.items()}}
_GRAIN = rf"(?:by |per |each |every )?(?:the )?({'|'.join(_GRAINS)})s?"
_CHANGE_GRAIN = re.compile(
    r"(?:(?:group|make|show|split|change|aggregate|roll)\s+(?:(?:it|them|this|the grain|up)\s+)*(?:to\s+)?)?"
    rf"{_GRAIN}"
    rf"(?:,?\s+(?:instead of|rather than|and not|not)\s+{_GRAIN})?"
)
_RENAME = re.compile(
    r"(?:call|rename|name)\s+(?:the\s+)?(?:column\s+)?(.+?)\s+(?:to\s+|as\s+|into\s+)?[`'\"“]?(\w+)[`'\"”]?"
)
_REMOVE = re.compile(
    r"(?:drop|remove|delete|leave out|take out|get rid of|lose)\s+(?:the\s+)?(?:columns?\s+)?(.+)"
)
_ADD = re.compile(r"(?:add|include|show|with|also)\s+(?:the\s+|a\s+)?(?:columns?\s+)?(.+)")
_AGGREGATE = re.compile(
    r"(number of|count of|total|sum of|average|mean|maximum|highest|minimum|lowest)\s+(?:the\s+)?(.+)"
)
_FUNCTIONS = {
    "number of": "count",
    "count of": "count",
    "total": "sum",
    "sum of": "sum",
    "average": "avg",
    "mean": "avg",
    "maximum": "max",
    "highest": "max",
    "minimum": "min",
    "lowest": "min",
}
_POLITE = re.compile(
    r"\b(?:please|too|as well|also|additionally|thanks|can you|could you)\b|[.!?]+\s*$", re.IGNORECASE
)
_NEGATED = re.compile(r"\b(?:exclude|excluding|without|except|not|no)\b", re.IGNORECASE)
_KEEPING = re.compile(
    r"^(?:filter|restrict|limit|keep|reduce)(?:\s+(?:it|them|rows|this))?(?:\s+(?:to|on|for))?\s+(?:only\s+)?",
    re.I,
)
_GROUPING = re.compile(r"^(?:group|aggregate|segment|slice)\s+(?:it\s+|them\s+)?by\s+", re.I)
_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,62}")


@dataclass(frozen=True)
class Reading:
    """A request's surroundings. outputs: the model's columns. inputs: the tables that it reads, nearest first."""

    project: AskedProject
    outputs: Sequence[str]
    inputs: Sequence[Input]
    today: date
    assumptions: list[str] = field(default_factory=list)

    def read(self, request: str) -> Asked:
        """What is asked. Raises SmeltError with the one thing that is not clear."""
        text = " ".join(_POLITE.sub(" ", request).split()).strip(" ,;")
        text = _GROUPING.sub("by ", _KEEPING.sub("only ", text))
        if not text or len(request) > _LONGEST or not request.isprintable():
            raise SmeltError(
                "the request says nothing that can be changed", "say one thing, as in “split by country”"
            )
        intents = self._parts(text)
        if not intents:
            raise SmeltError(
                f"what should change is not clear from “{text[:80]}”",
                "say what to add, leave out, rename or split by",
            )
        return Asked(tuple(dict.fromkeys(intents)), tuple(self.assumptions))

    def _parts(self, text: str) -> list[Intent]:
        lower = text.lower()
        if grain := _CHANGE_GRAIN.fullmatch(lower):
            old = cast(Grain, _GRAINS[grain[2]]) if grain[2] else None
            return [ChangeGrain(cast(Grain, _GRAINS[grain[1]]), old)]
        if renamed := _RENAME.fullmatch(lower):
            return [Rename(self._output(renamed[1], like=renamed[2]), self._new_name(renamed[2]))]
        if removed := _REMOVE.fullmatch(lower):
            named = [self._find_output(part) for part in re.split(r",| and ", removed[1]) if part.strip()]
            if named and all(named):
                return [Remove(name) for name in named if name]
            return self._excluded(removed[1], text[removed.start(1) :])
        if (added := _ADD.fullmatch(lower)) and (plain := self._added(added[1])) is not None:
            return [plain]
        return self._questioned(text)

    def _excluded(self, named: str, text: str) -> list[Intent]:
        """Rows that are to go, where what is named is no column."""
        found = self._questioned(f"exclude {text}")
        if not found or not all(isinstance(one, Restrict) for one in found):
            raise SmeltError(
                f"which column “{named.strip()}” is, is not clear", f"name one of {', '.join(self.outputs)}"
            )
        return found

    def _added(self, text: str) -> Intent | None:
        """What is added by a column's own name, or like one that is there."""
        in_unit = re.fullmatch(r"(.+?)\s+in\s+(.+)", text)
        unit = cues().units.get(tuple(in_unit[2].split())) if in_unit else None
        if in_unit and unit:
            like = [
                o
                for o in self.outputs
                if o.endswith(("_gbp", "_eur", "_usd")) and _says(in_unit[1], o.rpartition("_")[0])
            ]
            if f"{like[0].rpartition('_')[0]}_{unit.lower()}" in self.outputs if like else False:
                raise SmeltError(f"the model has {in_unit[1]} in {unit} already", "ask for what it lacks")
            if len({o.rpartition("_")[0] for o in like}) == 1:
                return AddSibling(like[0], unit.lower())
        name = text.strip().replace(" ", "_")
        if name in self.outputs:
            raise SmeltError(f"the model has {name} already", "ask for what it lacks")
        if any(name in {n.lower() for n in one.types} for one in self.inputs):
            return Split(name, is_column=True)
        return None

    def _questioned(self, text: str) -> list[Intent]:
        """Read as a question over the tables that the model reads."""
        vocabulary = self.vocabulary
        request = Reader(spans_of(tokens_of(text), vocabulary, self.today), vocabulary).read()
        self._require_plain(request)
        doubts = [
            doubt
            for doubt in (*request.missing, *request.doubts)
            if doubt.lower() not in ("add", "columns", "column")
        ]
        is_added = re.match(r"(?i)(add|include|show)\b", text) is not None
        self._join_paths(request)
        intents: list[Intent] = []
        if not request.metrics and is_added and (found := _AGGREGATE.search(text.lower())):
            label = self._column_of(found[2])
            return [AddAggregate(_FUNCTIONS[found[1]], label or found[2])]
        intents += [ChangeGrain(cast(Grain, g.name)) if g.is_time else Split(g.name) for g in request.groups]
        if request.metrics and _NEGATED.search(text):
            raise SmeltError(
                f"which column “{request.metrics[0].replace('_', ' ')}” is, is not clear",
                f"name one of {', '.join(self.outputs)}",
            )
        wanted = [self._in_unit(m, unit) for m in request.metrics for unit in request.units or [""]]
        intents += [AddMetric(metric) for metric in dict.fromkeys(wanted)]
        intents += self._restrictions(request)
        for doubt in dict.fromkeys(doubts):
            intents += self._doubt(doubt, text)
        if not request.groups:
            intents += [Split(g.name, is_column=True) for g in request.mentioned if is_added]
            if request.mentioned and not is_added and not intents:
                raise SmeltError(
                    f"what to do with {request.mentioned[0].name.replace('_', ' ')} is not said",
                    f"say “split by {request.mentioned[0].name.replace('_', ' ')}”, or which ones are meant",
                )
        return intents

    def _join_paths(self, request: Request) -> None:
        """“Customer country”: a dimension of what is named before it."""
        layer = self.project.layer
        for named in (request.groups, request.mentioned):
            for place, one in reversed([*enumerate(named)]):
                following = [*named[place + 1 :], *(request.mentioned if named is request.groups else ())]
                entity = next((m for m in layer.models.values() if m.primary == one.name), None) if layer else None
                if (
                    entity is None
                    or not following
                    or not any(d[0] == following[0].name for d in entity.dimensions)
                ):
                    continue
                after = following[0]
                named[place] = replace(one, name=f"{one.name}__{after.name}")
                (named if after in named else request.mentioned).remove(after)

    def _require_plain(self, request: Request) -> None:
        if request.thresholds:
            raise SmeltError(
                "which rows are over or under a number is not read from words here", "name values, or a period"
            )
        odd = request.marks & {"SHARE", "RUNNING", "GROWTH", "TREND", "COMPARE"}
        if odd or request.comparison or request.is_ranked or request.limit is not None:
            raise SmeltError(
                "shares, comparisons, rankings and limits change what all rows of a model are",
                "ask for a model of its own: smelt ask --model NAME",
            )

    def _in_unit(self, metric: str, unit: str) -> str:
        if not unit:
            return metric
        found = self.vocabulary.in_unit(metric, unit)
        if found is None:
            kept = ", ".join(dict.fromkeys(self.vocabulary.units_of(metric)))
            raise SmeltError(f"{metric.replace('_', ' ')} is not kept in {unit}, only in {kept}", "ask for that")
        return found

    def _restrictions(self, request: Request) -> list[Intent]:
        merged: dict[tuple[str, bool], list[str | bool]] = {}
        for one in request.restrictions:
            label, value = self._reading(one.readings)
            merged.setdefault((label, one.is_negated), []).append(value)
        found: list[Intent] = [
            Restrict(Restriction(label, "not in" if negated else "in", tuple(dict.fromkeys(values))))
            for (label, negated), values in merged.items()
        ]
        for label, text, *is_left_out in request.identified:
            found.append(Restrict(Restriction(label, "not in" if any(is_left_out) else "in", (text,))))
        for label, is_missing in request.unknown_of:
            if any(label == known for known, _ in merged):
                # “Without the web channel”: the noun of the value that is left out.
                continue
            found.append(Restrict(Restriction(label, "is null" if is_missing else "is not null")))
        for period in request.ranges:
            if period.start is not None:
                found.append(Restrict(Restriction("", ">=", (period.start.isoformat(),))))
            if period.end is not None:
                found.append(Restrict(Restriction("", "<", (period.end.isoformat(),))))
        return found

    def _reading(self, readings: Sequence[tuple[str, str | bool]]) -> tuple[str, str | bool]:
        """Of dimensions with that value, one that the model's own tables have; a name before a yes or no."""
        ranked = sorted(readings, key=lambda pair: isinstance(pair[1], bool))
        own = [pair for pair in ranked if any(_has(one, pair[0]) for one in self.inputs)]
        chosen = (own or ranked)[0]
        others = {pair[0] for pair in (own or ranked) if pair[0] != chosen[0] and not isinstance(pair[1], bool)}
        if others:
            said = " or ".join(sorted({chosen[0], *others}))
            raise SmeltError(f"“{chosen[1]}” is a value of {said}", "say which one is meant")
        return chosen

    def _doubt(self, doubt: str, text: str) -> list[Intent]:
        """A word that names nothing: a value that many rows have, or a column."""
        is_negated = _NEGATED.search(text) is not None
        places = [
            (label, value)
            for (model, label), values in self.project.values.items()
            if self.project.layer is not None and any(self._reaches(one, model) for one in self.inputs)
            for value in values
            if value.lower() == doubt.lower()
        ]
        if places:
            label, value = places[0]
            if len({place[0] for place in places}) > 1:
                raise SmeltError(
                    f"“{doubt}” may be a {' or a '.join(sorted({p[0] for p in places}))}", "say which one"
                )
            self.assumptions.append(f"Is “{doubt}” the {label.replace('_', ' ')} “{value}”, and nothing more?")
            return [Restrict(Restriction(label, "not in" if is_negated else "in", (value,)))]
        if (column := self._column_of(doubt)) is not None:
            return [Split(column, is_column=not re.search(r"(?i)\b(by|per|split)\b", text))]
        known = ", ".join(dict.fromkeys(label for one in self.inputs for label in _labels(one)))
        raise SmeltError(f"nothing that the model reads is called “{doubt}”", f"there is: {known}")

    def _reaches(self, one: Input, model: str) -> bool:
        layer = self.project.layer
        if layer is None or one.semantic is None:
            return False
        near = {m.name for m in layer.models.values() if m.primary in one.semantic.entities}
        return model == one.semantic.name or model in near

    def _column_of(self, text: str) -> str | None:
        wanted = words_of(text)
        found = {n.lower() for one in self.inputs for n in one.types if words_of(n) == wanted}
        return found.pop() if len(found) == 1 else None

    def _find_output(self, text: str) -> str | None:
        text = re.sub(r"\s+columns?$", "", text.strip().strip("`'\"“”"))
        name = text.replace(" ", "_")
        if name in self.outputs:
            return name
        near = [output for output in self.outputs if _says(text, output)]
        return near[0] if len(near) == 1 else None

    def _output(self, text: str, like: str) -> str:
        """The column that is meant. like: its new name, which tells its unit."""
        found = self._find_output(text)
        if found is None:
            near = [output for output in self.outputs if _says(text, output)]
            alike = [output for output in near if output.rpartition("_")[2] == like.rpartition("_")[2]]
            if len(alike) == 1:
                return alike[0]
            said = ", ".join(near or self.outputs)
            raise SmeltError(f"which column “{text.strip()}” is, is not clear", f"name one of {said}")
        return found

    def _new_name(self, name: str) -> str:
        tokens = DuckDB().tokenize(name)
        if not _IDENTIFIER.fullmatch(name) or tokens[0].token_type is not TokenType.VAR:
            raise SmeltError(
                f"{name!r} is no name of a column", "use lower case letters, digits and _, and no keyword"
            )
        if name in self.outputs:
            raise SmeltError(f"the model has a column {name} already", "give another name")
        return name

    @property
    def vocabulary(self) -> Vocabulary:
        """Names of the semantic layer and of the columns of what the model reads."""
        layer = self.project.layer or SemanticLayer({}, {}, {})
        models = dict(layer.models)
        values: dict[tuple[str, str], tuple[str, ...]] = dict(self.project.values)
        for one in self.inputs:
            model = one.semantic or SemanticModel(one.name, one.relation, "", None, {}, (), None)
            known = {d[0] for d in model.dimensions} | {expr for _, expr in model.entities.values()}
            more = tuple((n.lower(), "categorical", n.lower(), "") for n in one.types if n.lower() not in known)
            models[model.name] = replace(model, dimensions=(*model.dimensions, *more))
            values |= _values(self.project, one, model.name, [d[0] for d in more])
        extended = SemanticLayer(layer.metrics, layer.measures, models, layer.document)
        return Vocabulary(extended, values, self.project.catalog)


def _values(
    project: AskedProject, one: Input, model: str, labels: Sequence[str]
) -> Mapping[tuple[str, str], tuple[str, ...]]:
    table = project.catalog.tables.get(one.relation)
    columns = {c.name.lower(): c for c in table.columns.values()} if table is not None else {}
    found = {}
    for label in labels:
        column = columns.get(label)
        if column is not None and column.kind == "boolean":
            found[(model, label)] = ("true", "false")
        elif column is not None and column.values:
            found[(model, label)] = column.values
    return found


def _labels(one: Input) -> list[str]:
    own = [d[0] for d in one.semantic.dimensions] if one.semantic is not None else []
    return own or [name.lower() for name in one.types]


def _has(one: Input, label: str) -> bool:
    return label in {n.lower() for n in one.types} or label in _labels(one)


def _says(text: str, name: str) -> bool:
    """Whether all words of a text are in a name."""
    return set(words_of(text)) <= set(words_of(name))
