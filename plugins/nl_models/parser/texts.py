"""Parts of texts: what a name contains, starts with or ends with."""

from __future__ import annotations

from plugins.nl_models.catalog.schema import Column
from plugins.nl_models.parser.draft import Reading
from plugins.nl_models.plan import ColumnRef, Operator
from plugins.nl_models.words.lexicon import lexicon

PATTERNS = ("contains", "starts with", "ends with")


class Texts(Reading):
    """Turns that look into a text."""

    def _within(self, at: int) -> int | None:
        """Behind `with “ing” in the title`: what is quoted is a part of a text; None if it is not that."""
        context = self.context
        behind = context.skip(at + 1, "IN", "ALL")
        is_in = context.kind(at + 1) == "IN" and context.chunks[at + 1].text.lower() == "in"
        if not is_in or context.kind(at) != "quoted" or context.kind(behind) != "column":
            return None
        column = context.column(behind, self.draft.root)
        if column.kind != "text" or context.chunks[at].value_of(column) is not None:
            return None
        self._where(column, "contains", context.chunks[at].text)
        return behind + 1

    def _pattern(self, at: int, operator: Operator) -> int:
        """`contain the word X`, of the column that is named behind, or was before, or what rows are called."""
        context = self.context
        what = at + 1 if self._is_letter(at + 1) else context.skip(at + 1, "ALL", "CONTAINS", "IS")
        if what < len(context.chunks) and context.chunks[what].text.lower() in lexicon().sets["letters"]:
            what += 1
        if what >= len(context.chunks) or context.kind(what) in ("column", "table", "COUNT"):
            return at + 1
        behind = context.skip(what + 1, "IN", "ALL")
        text = context.chunks[what].text
        if context.kind(behind) == "column" and behind > what + 1:
            self._where(context.column(behind, self.draft.root), operator, text)
            return behind + 1
        texts = [
            t
            for t in self.draft.select
            if isinstance(t, ColumnRef) and self.catalog.column(t.table, t.name).kind == "text"
        ]
        column = self.last_column if self.last_column and self.last_column.kind == "text" else None
        column = context.column_before(at) or (
            self.catalog.column(texts[-1].table, texts[-1].name) if texts else column
        )
        column = self._text_with(text, column) or self._texts_column(at)
        said = context.chunks[at].text.lower()
        is_said = context.kind(what) == "quoted" or text != text.lower() or "word" in said or "mention" in said
        if column is None or column.kind != "text" or not is_said:
            self.draft.doubts.append(context.chunks[at].text)
            return at + 1
        self._where(column, operator, text)
        return what + 1

    def _is_letter(self, at: int) -> bool:
        """Whether `A` is the letter, not the article."""
        return self.context.kind(at) == "ALL" and self.context.chunks[at].text == "A"

    def _text_with(self, text: str, column: Column | None) -> Column | None:
        """A column of the rows asked for of which a value has a text in it: the one named, else the likeliest."""
        owner = self.draft.root or (self.catalog.tables[column.table] if column is not None else None)
        others = owner.columns.values() if owner is not None else ()
        having = (c for c in others if any(text.lower() in value.lower() for value in c.values or ()))
        is_in = column is None or any(text.lower() in value.lower() for value in column.values or ())
        return column if column is not None and is_in else next(having, column)
