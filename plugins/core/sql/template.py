"""SQL with Jinja in it, masked so that it can be read as SQL with every character at its own place.

What Jinja prints becomes a name of the same length, its tags and comments become spaces. Each branch of an
`{% if %}` stands in one of the variants; the macros, tests and snapshots of a file are parts of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

_OPENINGS = {"{{": "}}", "{%": "%}", "{#": "#}"}
_MARKERS = re.compile(r"\{\{|\}\}|\{%|%\}|\{#|#\}")
_PARTS = {"macro": "endmacro", "test": "endtest", "data_test": "enddata_test", "snapshot": "endsnapshot"}
_PARTS |= {"materialization": "endmaterialization", "docs": "enddocs"}
# What stands in these is kept for later, and is printed somewhere else.
_KEPT = {"set": "endset", "call": "endcall", "filter": "endfilter"}
_SILENT = re.compile(r"(config|log|print|return|exceptions\.\w+|store_result)\s*\(")
# Tags that give names a meaning.
_GIVEN = {
    "set": re.compile(r"([\w\s,]+)"),
    "for": re.compile(r"([\w\s,]+?)\s+in\b"),
    "macro": re.compile(r"\w+(.*)"),
}
_NOTHING = re.compile(r"(?!)")
_TAG = re.compile(r"\s*(\w+)\s*(.*)", re.DOTALL)
_STRING = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"", re.DOTALL)
_NAMED = re.compile(
    r"(ref|source)\s*\(\s*(['\"])([^'\"\\]+)\2(?:\s*,\s*(['\"])([^'\"\\]+)\4)?(?:\s*,\s*v(?:ersion)?\s*=\s*[\w'\".]+)?\s*\)"
)


@dataclass(frozen=True)
class Text:
    """A text in quotes inside Jinja. start, end: of what is between the quotes."""

    start: int
    end: int
    value: str


@dataclass(frozen=True)
class Piece:
    """`{{ … }}`, `{% … %}` or `{# … #}`. kind: `print`, `tag`, `comment`. inside: the place of its code."""

    kind: str
    start: int
    end: int
    inside: tuple[int, int]
    code: str

    @property
    def word(self) -> str:
        """Of a tag, its name; "" of anything else."""
        found = _TAG.match(self.code) if self.kind == "tag" else None
        return found[1] if found else ""

    @property
    def rest(self) -> str:
        """Of a tag, what follows its name."""
        found = _TAG.match(self.code) if self.kind == "tag" else None
        return found[2].strip() if found else ""

    @property
    def is_silent(self) -> bool:
        """Whether it prints nothing."""
        return self.kind != "print" or _SILENT.match(self.code.strip()) is not None

    @property
    def table(self) -> tuple[str, ...] | None:
        """("ref", name), ("ref", package, name), ("source", source, name), ("this",); None: it is no table."""
        code = self.code.strip()
        if self.kind != "print":
            return None
        if code == "this":
            return ("this",)
        found = _NAMED.fullmatch(code)
        return tuple(part for part in (found[1], found[3], found[5]) if part) if found else None

    @property
    def texts(self) -> tuple[Text, ...]:
        """What stands in quotes in it."""
        if self.kind == "comment":
            return ()
        at = self.inside[0]
        return tuple(
            Text(at + m.start() + 1, at + m.end() - 1, m[1] if m[1] is not None else m[2])
            for m in _STRING.finditer(self.code)
        )


@dataclass(frozen=True)
class Part:
    """A file without its macros, tests and snapshots (kind `file`), or one of those: its body's place."""

    kind: str
    name: str
    start: int
    end: int
    head: str = ""
    without: tuple[tuple[int, int], ...] = ()


@dataclass
class _If:
    branches: list[tuple[int, int]] = field(default_factory=list)
    has_else: bool = False

    @property
    def choices(self) -> int:
        return len(self.branches) + (not self.has_else)


@dataclass(frozen=True)
class Template:
    """A file of SQL with Jinja."""

    text: str

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        """All Jinja in it, in order; what is between `raw` tags is none."""
        found: list[Piece] = []
        at = 0
        while (opening := re.compile(r"\{[{%#]").search(self.text, at)) is not None:
            piece = _piece(self.text, opening.start())
            found.append(piece)
            at = piece.end
            if piece.word == "raw":
                closing = re.compile(r"\{%-?\s*endraw\s*-?%\}").search(self.text, at)
                at = closing.start() if closing else len(self.text)
        return tuple(found)

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The file itself, then its macros, tests and snapshots."""
        opened: list[Piece] = []
        found: list[Part] = []
        holes: list[tuple[int, int]] = []
        for piece in self.pieces:
            if piece.word in _PARTS:
                opened.append(piece)
            elif opened and piece.word == _PARTS[opened[-1].word]:
                head = opened.pop()
                name = re.match(r"\w*", head.rest)
                found.append(Part(head.word, name[0] if name else "", head.end, piece.start, head.rest))
                holes.append((head.start, piece.end))
        return (Part("file", "", 0, len(self.text), without=tuple(holes)), *found)

    @cached_property
    def masks(self) -> dict[str, Piece]:
        """What is printed, by the name that stands for it; the same code has the same name."""
        numbers: dict[str, int] = {}
        found: dict[str, Piece] = {}
        for piece in self.pieces:
            if not piece.is_silent:
                number = numbers.setdefault(self.text[piece.start : piece.end], len(numbers))
                found.setdefault(_mask(number, piece), piece)
        return found

    @cached_property
    def _mask_at(self) -> dict[int, str]:
        codes = {self.text[piece.start : piece.end]: mask for mask, piece in self.masks.items()}
        return {
            piece.start: codes[self.text[piece.start : piece.end]] for piece in self.pieces if not piece.is_silent
        }

    @cached_property
    def set_tables(self) -> dict[str, tuple[str, ...]]:
        """Tables by the names that `{% set name = source(…) %}` gives them, where nothing else has such a name."""
        found: dict[str, tuple[str, ...]] = {}
        doubtful: set[str] = set()
        for piece in self.pieces:
            names = _GIVEN.get(piece.word, _NOTHING).match(piece.rest)
            for name in re.findall(r"\w+", names[1]) if names else ():
                table = _NAMED.fullmatch(piece.rest.partition("=")[2].strip()) if piece.word == "set" else None
                if table is None or name in found:
                    doubtful.add(name)
                else:
                    found[name] = tuple(part for part in (table[1], table[3], table[5]) if part)
        return {name: table for name, table in found.items() if name not in doubtful}

    def variants(self, part: Part, blanked: frozenset[int] = frozenset()) -> Iterator[str]:
        """The part as SQL, as long as the file: first with the first branch of every `if`, then with the others.

        blanked: starts of printed pieces that are left out.
        """
        ifs = self._ifs(part)
        for number in range(max((one.choices for one in ifs), default=1)):
            yield self._masked(part, {n: min(number, one.choices - 1) for n, one in enumerate(ifs)}, ifs, blanked)

    def line(self, at: int) -> int:
        """The number of the line of a place, from 1."""
        return self.text.count("\n", 0, at) + 1

    def inside(self, part: Part) -> tuple[Piece, ...]:
        """The pieces of a part."""
        return tuple(
            piece
            for piece in self.pieces
            if part.start <= piece.start < part.end
            and not any(start <= piece.start < end for start, end in part.without)
        )

    def _ifs(self, part: Part) -> list[_If]:
        done: list[_If] = []
        opened: list[tuple[str, _If, int]] = []
        for piece in self.inside(part):
            word = piece.word
            if word in ("if", "for"):
                opened.append((word, _If(), piece.end))
            elif word in ("elif", "else") and opened:
                kind, one, start = opened.pop()
                one.branches.append((start, piece.start))
                one.has_else = one.has_else or (word == "else" and kind == "if")
                opened.append((kind, one, piece.end))
            elif word in ("endif", "endfor") and opened:
                kind, one, start = opened.pop()
                one.branches.append((start, piece.start))
                if kind == "if":
                    done.append(one)
        return done

    def _masked(self, part: Part, chosen: dict[int, int], ifs: list[_If], blanked: frozenset[int]) -> str:
        characters = list(self.text)
        _blank(characters, 0, part.start)
        _blank(characters, part.end, len(characters))
        for start, end in part.without:
            _blank(characters, start, end)
        for piece in self.inside(part):
            mask = self._mask_at.get(piece.start)
            if mask is None or piece.start in blanked:
                _blank(characters, piece.start, piece.end)
            else:
                characters[piece.start : piece.end] = mask
        for start, end in self.kept(part):
            _blank(characters, start, end)
        for number, one in enumerate(ifs):
            for position, (start, end) in enumerate(one.branches):
                if position != chosen[number]:
                    _blank(characters, start, end)
        return "".join(characters)

    def kept(self, part: Part) -> list[tuple[int, int]]:
        """Places of what is set aside by `{% set x %} … {% endset %}` and the like."""
        opened: list[Piece] = []
        found: list[tuple[int, int]] = []
        for piece in self.inside(part):
            if piece.word in _KEPT and not (piece.word == "set" and "=" in piece.rest):
                opened.append(piece)
            elif opened and piece.word == _KEPT[opened[-1].word]:
                found.append((opened.pop().end, piece.start))
        return found


def tables_in(code: str) -> list[tuple[str, ...]]:
    """All that `ref()` and `source()` name in the code of a piece, as `Piece.table` has it."""
    return [tuple(part for part in (one[1], one[3], one[5]) if part) for one in _NAMED.finditer(code)]


def has_markers(text: str) -> bool:
    """Whether a text would start or end Jinja where it is written."""
    return _MARKERS.search(text) is not None


def _mask(number: int, piece: Piece) -> str:
    return f"_j{number}".ljust(piece.end - piece.start, "_")[: piece.end - piece.start]


def _blank(characters: list[str], start: int, end: int) -> None:
    for at in range(start, end):
        if characters[at] != "\n":
            characters[at] = " "


def _piece(text: str, start: int) -> Piece:
    """The piece that begins at a place; one that never ends goes to the end of the text."""
    opening = text[start : start + 2]
    closing = _OPENINGS[opening]
    end = _end(text, start + 2, closing)
    begin = start + 2 + (text[start + 2 : start + 3] in ("-", "+"))
    stop = end - 2 - (text[end - 3 : end - 2] in ("-", "+") and end - 3 >= begin)
    kind = {"{{": "print", "{%": "tag", "{#": "comment"}[opening]
    return Piece(kind, start, end, (begin, max(begin, stop)), text[begin : max(begin, stop)])


def _end(text: str, at: int, closing: str) -> int:
    if closing == "#}":
        found = text.find(closing, at)
        return len(text) if found < 0 else found + 2
    # What is quoted may hold the closing marker.
    token = re.compile(rf"{_STRING.pattern}|{re.escape(closing)}", re.DOTALL)
    for match in token.finditer(text, at):
        if match.group() == closing:
            return match.end()
    return len(text)
