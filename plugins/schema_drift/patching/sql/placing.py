"""Where each column of before is had again in one part of a file, and the edits that this takes."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

from sqlglot import exp

from plugins.core.editing.edits import Edit
from plugins.core.project import Manifest
from plugins.schema_drift.patching.sql.boundary import Boundary
from plugins.schema_drift.patching.sql.inline import Inline
from plugins.schema_drift.patching.sql.layout import margin_at, step_of
from plugins.schema_drift.patching.sql.mentions import Mention, find_mentions, macro_mentions
from plugins.schema_drift.patching.sql.nested import is_same, new_path
from plugins.schema_drift.patching.sql.plan import TablePlan, Target
from plugins.schema_drift.patching.sql.reading import PartRead, Reading
from plugins.schema_drift.patching.sql.scope import Read, Reference, Shadowed
from plugins.schema_drift.patching.sql.stars import StarPlace, star_place
from plugins.schema_drift.patching.sql.trees import alias_above, canonical, has_clauses, is_bare_item
from plugins.schema_drift.patching.sql.writing import Style, needs_quotes


@dataclass(frozen=True)
class Placed:
    """Edits of one part. columns: what they restore (lower case), and where: `inline` or `boundary`.

    questions: (place, text). stuck: the same, of what no edit of the part can mend.
    """

    edits: tuple[Edit, ...] = ()
    columns: dict[str, str] = field(default_factory=dict)
    questions: tuple[tuple[int, str], ...] = ()
    stuck: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class Placing:
    """The decision about one part.

    macros: ids of those that it calls. positional: whether somebody below takes its columns by their order.
    passes: whether new names go on as they are. used: columns (lower case) that it reads for sure, though no name
    of them may be seen in it. is_test: whether only its number of rows counts.
    """

    read: PartRead
    plan: TablePlan
    manifest: Manifest
    dialect: str
    macros: tuple[str, ...] = ()
    positional: bool = False
    passes: bool = False
    used: frozenset[str] = frozenset()
    is_test: bool = False

    def edits(self, everything_at_boundary: bool = False) -> Placed:
        """The edits; raises UnsafeName if a name cannot be written."""
        at_boundary = self._at_boundary()
        inline, questions = self._inline(at_boundary)
        if everything_at_boundary and (inline or at_boundary):
            named = {key for key, _ in inline} | {key for keys in at_boundary.values() for key in keys}
            at_boundary = {read.start: set(named) for read in self._reads}
            inline, _ = self._inline(at_boundary)
        edits = dict.fromkeys(edit for _, edits in inline for edit in edits)
        columns = {key: "inline" for key, _ in inline}
        for start, keys in at_boundary.items():
            if keys or start in self._forced:
                edits |= dict.fromkeys(self._boundary(start, frozenset(keys), inline))
                columns |= dict.fromkeys(keys, "boundary")
        shadowed, more = self._qualified(at_boundary)
        edits |= dict.fromkeys(shadowed)
        return Placed(tuple(edits), columns, (*questions, *more))

    def wanted(self) -> set[str]:
        """Columns (lower case) that have to be made here."""
        named = {one.origin[1] for _, one, _, _ in self._references}
        return named | {key for keys in self._at_boundary().values() for key in keys}

    # --- what is where

    @property
    def _reads(self) -> list[Read]:
        found = {read.start: read for reading in self.read.readings for read in reading.bound.reads}
        return [read for start, read in found.items() if start >= 0]

    @cached_property
    def _references(self) -> list[tuple[Reading, Reference, Target, int]]:
        """Every reference to a column that must be made, once; with the start of its read."""
        return list(self._find_references())

    def _find_references(self) -> Iterator[tuple[Reading, Reference, Target, int]]:
        seen: set[int] = set()
        for reading in self.read.readings:
            for one in reading.bound.references:
                target = self.plan.targets.get(one.origin[1])
                if target is None or one.start in seen or self._is_made(one, target, reading):
                    continue
                path = new_path(one, target)
                if path is None or not is_same(one, target, path):
                    seen.add(one.start)
                    yield reading, one, target, reading.bound.reads[one.origin[0]].start

    def _is_made(self, one: Reference, target: Target, reading: Reading) -> bool:
        """Whether this reference is a part of the very expression that makes the column."""
        if target.plain is not None:
            return self._was_patched(one, target, reading)
        wanted = canonical(target.tree, "duckdb", self.dialect)
        node: exp.Expr | None = one.node
        while node is not None and not isinstance(node, exp.Query):
            if canonical(node, self.dialect, self.dialect) == wanted:
                return True
            node = node.parent
        return False

    @cached_property
    def _plains(self) -> frozenset[str]:
        """Names of now of columns that are only called otherwise."""
        return frozenset(other.plain.lower() for other in self.plan.targets.values() if other.plain)

    def _was_patched(self, one: Reference, target: Target, reading: Reading) -> bool:
        """Of names that go round (a is b now, b is c): a file that reads names of now has been patched."""
        plains = self._plains
        if target.column.lower() not in plains:
            return False
        fresh = {name.lower() for name in self.plan.fresh} & plains
        return bool(fresh & reading.bound.fresh_used) or (not fresh and self._is_swapped(one))

    def _is_swapped(self, one: Reference) -> bool:
        """Whether this is `b as a` where a is called b now."""
        target = self.plan.targets.get(alias_above(one.node))
        return target is not None and (target.plain or "").lower() == one.origin[1]

    def _at_boundary(self) -> dict[int, set[str]]:
        """Columns that must be made where the table is read, by the start of the read."""
        found: dict[int, set[str]] = {read.start: set() for read in self._reads}
        for reading in self.read.readings:
            bound = reading.bound
            for number, name in bound.escapes | bound.needed:
                target = self.plan.targets.get(name)
                if target is not None and ((number, name) in bound.escapes or target.is_gone):
                    found.setdefault(bound.reads[number].start, set()).add(name)
            for number, name in bound.output.origins if not self.passes and not self.is_test else ():
                if name in self.plan.targets and not self._is_left_out(reading, number, name):
                    found.setdefault(bound.reads[number].start, set()).add(name)
        count: dict[tuple[int, str], int] = {}
        for _, one, target, start in self._references:
            place = (start, one.origin[1])
            count[place] = count.get(place, 0) + 1
            is_made_often = (
                target.plain is None and new_path(one, target) is None and count[place] > target.most_places
            )
            if is_made_often or self._needs_boundary(one, target):
                found.setdefault(start, set()).add(one.origin[1])
        for mention, start in self._mentioned:
            if not self._fits_text(mention):
                found.setdefault(start, set()).add(mention.column)
        for one, start in self._shadows():
            hidden = [key for key, t in self.plan.targets.items() if one.name in {n.lower() for n in t.reads}]
            found.setdefault(start, set()).update(hidden)
        for keys in found.values():
            keys.update(self._unseen(found))
        for start, _ in self.read.unread:
            word = self.read.template.text[start : start + 200].split()[0].lower()
            named = {key for key in self.plan.targets if re.search(rf"(?<!\w){re.escape(key)}(?!\w)", word)}
            for keys in found.values():
                keys.update(named)
        for start, keys in found.items():
            keys.update(self._taken_over(start, keys))
        return {start: keys for start, keys in found.items() if start >= 0}

    def _is_left_out(self, reading: Reading, number: int, key: str) -> bool:
        """Whether the star of a read leaves out what a column is now: nobody wanted it before, either."""
        star, target = star_place(reading.bound.reads[number], reading.masked), self.plan.targets[key]
        names = {name.lower() for name in target.reads}
        return star is not None and target.is_gone and bool(names) and names <= star.left_out

    def _taken_over(self, start: int, made: set[str]) -> set[str]:
        """Columns that are read by a name which the boundary gives its meaning of before again."""
        named = {one.origin[1] for _, one, _, place in self._references if place == start}
        named |= {mention.column for mention, place in self._mentioned if place == start}
        found: set[str] = set()
        while more := {
            key
            for key in named - made - found
            if any(name.lower() in made | found for name in self.plan.targets[key].reads)
        }:
            found |= more
        return found

    def _unseen(self, found: dict[int, set[str]]) -> set[str]:
        """Columns that are read here, as the compiled SQL shows, without any sign of it in the text."""
        seen = {one.origin[1] for reading in self.read.readings for one in reading.bound.references}
        seen |= {key for keys in found.values() for key in keys}
        seen |= {key for reading in self.read.readings for _, key in reading.bound.output.origins}
        seen |= {mention.column for mention, _ in self._mentioned}
        fresh = {name for reading in self.read.readings for name in reading.bound.fresh_used}
        made = {key for key, t in self.plan.targets.items() if fresh & {name.lower() for name in t.reads}}
        return set(self.used) & set(self.plan.targets) - seen - made

    @cached_property
    def _forced(self) -> frozenset[int]:
        """Reads whose columns are taken by their order, which a further column or another order would upset."""
        added = {name.lower() for name in self.plan.added}
        found: set[int] = set()
        for reading in self.read.readings:
            bound, output = reading.bound, reading.bound.output
            numbers = set(bound.positional) if self.plan.is_reordered or bound.positional_fresh & added else set()
            if self.positional and (self.plan.is_reordered or output.fresh.keys() & added):
                numbers |= output.stars
            found |= {bound.reads[number].start for number in numbers}
        return frozenset(found)

    def _needs_boundary(self, one: Reference, target: Target) -> bool:
        path = new_path(one, target)
        if one.name[0] < 0 or (one.path and path is None):
            return True
        if one.clause in ("except", "rename"):
            return target.plain is None and target.is_gone
        given = one.scope.sources.get(one.owner)
        if given is None:
            return True
        if self.passes and target.plain is not None and given.columns.get(one.node.name.lower()) == one.origin:
            # A subquery hands the new name on, too.
            return False
        reads = target.reads if path is None else path[:1]
        return any(name.lower() not in given.fresh and name.lower() not in given.columns for name in reads)

    # --- mentions in Jinja, and names that a new column would take over

    @cached_property
    def _mentioned(self) -> list[tuple[Mention, int]]:
        """Mentions of columns that are the drifted ones where they stand, with the start of the read."""
        template, part, columns = self.read.template, self.read.part, list(self.plan.targets)
        mentions = find_mentions(template, part, columns, self.manifest)
        mentions += macro_mentions(template, part, columns, self.macros, self.manifest)
        found: list[tuple[Mention, int]] = []
        for mention in mentions:
            for reading in self.read.readings:
                found += self._mention_in(reading, mention) if mention.piece else self._anywhere(reading, mention)
        return found

    def _anywhere(self, reading: Reading, mention: Mention) -> list[tuple[Mention, int]]:
        """Of what Jinja keeps for later nobody knows where it is printed: anywhere that it prints something."""
        found: set[int] = set()
        for piece in self.read.template.inside(self.read.part):
            if piece.is_silent or piece.table is not None:
                continue
            found |= {start for _, start in self._mention_in(reading, replace(mention, piece=piece))}
        return [(mention, start) for start in sorted(found)]

    def _fits_text(self, mention: Mention) -> bool:
        """Whether another name in the quotes is all that a mention takes."""
        plain = self.plan.targets[mention.column].plain
        return mention.text is not None and plain is not None and not needs_quotes(plain, self.dialect)

    def _mention_in(self, reading: Reading, mention: Mention) -> list[tuple[Mention, int]]:
        piece = mention.piece
        scope = reading.bound.placed.get(piece.start) if piece is not None else None
        if scope is None or piece is None:
            if piece is not None and reading.masked[piece.start : piece.end].isspace() and reading.bound.reads:
                # It was left out of what was read: nobody knows what it sees.
                return [(replace(mention, text=None), read.start) for read in reading.bound.reads]
            return []
        origins = [
            origin
            for relation in scope.sources.values()
            if (origin := relation.columns.get(mention.column)) is not None
        ]
        if len(origins) != 1 or is_bare_item(reading.tree, piece.start):
            mention = replace(mention, text=None)
        return [(mention, reading.bound.reads[number].start) for number, _ in origins]

    def _shadows(self) -> Iterator[tuple[Shadowed, int]]:
        for reading in self.read.readings:
            for one in reading.bound.shadowed:
                yield one, reading.bound.reads[one.read].start

    def _qualified(self, at_boundary: dict[int, set[str]]) -> tuple[list[Edit], list[tuple[int, str]]]:
        """Names that a passed-on new column would make ambiguous get their owner written before them."""
        edits: list[Edit] = []
        questions: list[tuple[int, str]] = []
        hidden = {name.lower() for name in self.plan.hidden}
        for one, start in self._shadows():
            if one.name in hidden and at_boundary.get(start):
                continue
            if one.owner and not one.owner.startswith("_") and " " not in one.owner:
                edits.append(Edit(one.start, one.start, f"{one.owner}."))
            else:
                questions.append(
                    (
                        one.start,
                        f"`{one.name}` means something else here than the source's new column of that name",
                    )
                )
        return edits, questions

    # --- edits

    def _inline(
        self, at_boundary: dict[int, set[str]]
    ) -> tuple[list[tuple[str, list[Edit]]], list[tuple[int, str]]]:
        found: list[tuple[str, list[Edit]]] = []
        questions: list[tuple[int, str]] = []
        for reading, one, target, start in self._references:
            key = one.origin[1]
            made = at_boundary.get(start, set())
            if key in made and not self._is_in_star_of(one, reading, made):
                continue
            inline = Inline(reading, self.read.template.text, self._style(reading), self.passes)
            found.append((key, inline.edits(one, target)))
        for mention, start in self._mentioned:
            target = self.plan.targets[mention.column]
            made = at_boundary.get(start, set())
            if mention.text is None or not self._fits_text(mention):
                continue
            if mention.column in made and not self._is_mentioned_in_star(mention, start, made):
                continue
            name = self._style(self.read.readings[0]).name(target.plain or "", like=mention.text.value)
            found.append((mention.column, [Edit(mention.text.start, mention.text.end, name)]))
        return found, questions

    def _is_in_star_of(self, one: Reference, reading: Reading, columns: Collection[str]) -> bool:
        """Whether a reference stands in the very select whose star is to give the columns again."""
        read = reading.bound.reads[one.origin[0]]
        return one.scope.select is read.select and self._star(reading, read, columns) is not None

    def _is_mentioned_in_star(self, mention: Mention, start: int, columns: Collection[str]) -> bool:
        """The same for a name in Jinja."""
        for reading in self.read.readings:
            scope = reading.bound.placed.get(mention.piece.start) if mention.piece is not None else None
            for read in reading.bound.reads:
                if scope is not None and scope.select is read.select and read.start == start:
                    return self._star(reading, read, columns) is not None
        return False

    def _star(self, reading: Reading, read: Read, columns: Collection[str]) -> StarPlace | None:
        """The star by which a read gives columns again; None: something else in its select needs them, too."""
        place = star_place(read, reading.masked)
        if place is None or place.left_out & set(columns):
            return None
        scopes = [scope for scope in reading.bound.scopes if scope.select is read.select]
        if any(scope.using & set(columns) for scope in scopes) or not scopes:
            return None
        is_star = Boundary(self.plan, frozenset(columns), is_positional=self._is_positional(read)).is_star(
            self._style(reading)
        )
        if not place.is_all and (self._is_positional(read) or not is_star):
            return None
        count: dict[str, int] = {}
        for _, one, target, start in self._references:
            if start != read.start or one.origin[1] not in columns or one.scope.select is not read.select:
                continue
            is_made = target.plain is None and new_path(one, target) is None
            count[one.origin[1]] = count.get(one.origin[1], 0) + is_made
            if self._needs_boundary(one, target) or count[one.origin[1]] >= target.most_places:
                return None
        for mention, start in self._mentioned:
            if start == read.start and mention.column in columns and not self._fits_text(mention):
                scope = reading.bound.placed.get(mention.piece.start) if mention.piece is not None else None
                if scope is None and place.is_all and not has_clauses(read.select):
                    continue
                if scope is None or scope.select is read.select:
                    return None
        return place

    def _boundary(self, start: int, columns: frozenset[str], inline: list[tuple[str, list[Edit]]]) -> list[Edit]:
        for reading in self.read.readings:
            for read in reading.bound.reads:
                if read.start == start:
                    return self._boundary_in(reading, read, columns, {key for key, _ in inline})
        return []

    def _boundary_in(
        self, reading: Reading, read: Read, columns: frozenset[str], inline: Iterable[str]
    ) -> list[Edit]:
        style, text = self._style(reading), self.read.template.text
        visible = {name.lower() for key in inline if key not in columns for name in self.plan.targets[key].reads}
        boundary = Boundary(self.plan, columns, frozenset(visible), self._is_positional(read))
        star = self._star(reading, read, columns)
        if star is not None:
            return star.edits(boundary, style, text)
        margin, step = margin_at(text, read.start), step_of(text)
        inner = boundary.select_from(style, text[read.start : read.end], margin, step)
        if not read.alias:
            called = self.plan.table.relation[1]
            inner = style.aliased(inner, style.name(called))
        return [Edit(read.start, read.end, inner)]

    def _is_positional(self, read: Read) -> bool:
        return self.positional or any(
            r.bound.reads[number].start == read.start for r in self.read.readings for number in r.bound.positional
        )

    def _style(self, reading: Reading) -> Style:
        return Style.of(reading.masked, self.dialect)
