"""The text of a dbt model with its Jinja: masked so that SQL can be read at the same places, and rendered."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from plugins.core.errors import SmeltError

_JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_CALL = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)
_TAG = re.compile(r"\{%-?\s*(\w+)")
_INPUT = re.compile(r"(ref|source)\(\s*(['\"])([\w.]+)\2(?:\s*,\s*(['\"])([\w.]+)\4)?\s*\)")
_SILENT = ("config(",)


@dataclass(frozen=True)
class Printed:
    """A `{{ … }}`. code: what is in it. mask: the name that stands for it in the masked text."""

    start: int
    end: int
    code: str
    mask: str

    @property
    def is_silent(self) -> bool:
        """Whether it prints nothing."""
        return self.code.startswith(_SILENT)

    @property
    def reads(self) -> str | None:
        """The table that it names, as `ref('…')` or `source('…', '…')`; None: it is something else."""
        found = _INPUT.fullmatch(self.code)
        if found is None:
            return None
        names = [name for name in (found[3], found[5]) if name]
        return f"{found[1]}({', '.join(repr(name) for name in names)})"


@dataclass(frozen=True)
class Condition:
    """An `{% if … %}` with its body, to the end of its `{% endif %}`. body: the places of what is in it."""

    start: int
    end: int
    body: tuple[int, int]
    test: str


@dataclass(frozen=True)
class Script:
    """The text of one model."""

    text: str

    @cached_property
    def printed(self) -> tuple[Printed, ...]:
        """Everything that Jinja prints, in order."""
        found = [m for m in _JINJA.finditer(self.text) if m.group().startswith("{{")]
        # What is written twice has one name: in the select list and in GROUP BY it is the same.
        numbers = {text: number for number, text in enumerate(dict.fromkeys(m.group() for m in found))}
        return tuple(
            Printed(m.start(), m.end(), _code(m.group()), f"j{numbers[m.group()]}".ljust(m.end() - m.start(), "_"))
            for m in found
        )

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        """Its ifs. Raises SmeltError for Jinja that makes SQL, of which the text shows only the recipe."""
        found: list[Condition] = []
        opened: list[re.Match[str]] = []
        for match in _JINJA.finditer(self.text):
            word = tag[1] if (tag := _TAG.match(match.group())) else ""
            if word == "if":
                opened.append(match)
            elif word == "endif" and opened:
                begin = opened.pop()
                test = re.sub(r"^\{%-?\s*if\s+|\s*-?%\}$", "", begin.group())
                found.append(Condition(begin.start(), match.end(), (begin.end(), match.start()), test))
            elif word and not (word == "set" and "=" in match.group()):
                raise SmeltError(
                    f"line {self.line(match.start())} makes SQL with a Jinja {word}, so what the model selects "
                    "is not in its text",
                    "change it by hand",
                )
        return tuple(found)

    @cached_property
    def masked(self) -> str:
        """The same length, with names for what Jinja prints and spaces for its other tags."""
        masks = {one.start: " " * (one.end - one.start) if one.is_silent else one.mask for one in self.printed}
        _ = self.conditions
        return _JINJA.sub(lambda m: masks.get(m.start()) or re.sub(r"[^\n]", " ", m.group()), self.text)

    @cached_property
    def by_mask(self) -> Mapping[str, Printed]:
        """What is printed, by the name that stands for it."""
        return {one.mask: one for one in self.printed}

    def line(self, at: int) -> int:
        """The number of the line of a place, from 1."""
        return self.text.count("\n", 0, at) + 1

    def unmasked(self, masked: str) -> str:
        """A part of the masked text as it is written."""
        for mask, one in self.by_mask.items():
            masked = masked.replace(mask, self.text[one.start : one.end])
        return masked

    def renderings(self, compiled: str) -> dict[str, str]:
        """By code, what dbt made of everything printed, found by laying the text over the compiled one."""
        pattern, at, groups = [], 0, []
        blocks = sorted(self.conditions, key=lambda one: one.start)
        pieces = sorted(
            [*self.printed, *(b for b in blocks if not _inside(b.start, blocks, b))], key=lambda p: p.start
        )
        for piece in pieces:
            if isinstance(piece, Printed) and _inside(piece.start, blocks):
                continue
            pattern.append(_loosely(self.text[at : piece.start]))
            pattern.append(r"(.*?)")
            groups.append(piece.code if isinstance(piece, Printed) else None)
            at = piece.end
        pattern.append(_loosely(self.text[at:]))
        found = re.fullmatch(r"\s*" + "".join(pattern) + r"\s*", compiled, re.DOTALL)
        if found is None:
            return {}
        return {code: text for code, text in zip(groups, found.groups(), strict=True) if code is not None}

    def render(self, values: Mapping[str, str]) -> str:
        """The SQL of a first build. values: by code. Raises SmeltError for what has none."""
        pieces, at = [], 0
        blocks = [c for c in self.conditions if not _inside(c.start, self.conditions, c)]
        for piece in sorted([*self.printed, *blocks], key=lambda piece: piece.start):
            if piece.start < at:
                continue
            pieces.append(_without_tags(self.text[at : piece.start]))
            if isinstance(piece, Printed) and not piece.is_silent:
                if piece.code not in values:
                    raise SmeltError(f"what {{{{ {piece.code} }}}} makes is not known", "run `dbt compile` first")
                pieces.append(values[piece.code])
            elif isinstance(piece, Condition) and piece.test != "is_incremental()":
                raise SmeltError(f"whether {piece.test} holds is not known", "build it to see")
            at = piece.end
        return "".join([*pieces, _without_tags(self.text[at:])])


def _code(text: str) -> str:
    found = _CALL.fullmatch(text)
    return " ".join(found[1].split()) if found else ""


def _inside(at: int, blocks: tuple[Condition, ...] | list[Condition], itself: Condition | None = None) -> bool:
    return any(block.start < at < block.end for block in blocks if block is not itself)


def _without_tags(text: str) -> str:
    return _JINJA.sub("", text)


def _loosely(text: str) -> str:
    """A pattern of a text whose tags print nothing and whose space may be any."""
    parts = list(re.split(r"\s+", _without_tags(text)))
    return r"\s*".join(re.escape(part) for part in parts)
