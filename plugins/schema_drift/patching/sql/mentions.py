"""Names of columns in the Jinja of a file: arguments of macros, lists to loop over, texts that are set aside."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from plugins.core.project import Manifest
from plugins.core.sql.template import Part, Piece, Template, Text

_CALL = re.compile(r"\s*([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\s*\(")
# Macros of dbt's own packages that take SQL as text and print it as SQL.
_PRINTING = re.compile(
    r"(dbt\.\w+|date_trunc|datediff|dateadd|safe_cast|(dbt_utils\.)?(generate_surrogate_key|surrogate_key|safe_divide|"
    r"safe_add|safe_subtract))"
)


@dataclass(frozen=True)
class Mention:
    """A column's name in Jinja. at: where. text: what is in quotes there, if a new name in it would be all.

    piece: what is printed; None: it is no print, so nobody knows where it ends up.
    """

    column: str
    at: int
    piece: Piece | None
    text: Text | None = None


def find_mentions(template: Template, part: Part, columns: Iterable[str], manifest: Manifest) -> list[Mention]:
    """All names of columns (lower case) in the Jinja of a part."""
    words = {name: re.compile(rf"(?<![\w$]){re.escape(name)}(?![\w$])", re.IGNORECASE) for name in columns}
    found: list[Mention] = []
    for piece in template.inside(part):
        if piece.table is not None or (piece.is_silent and piece.kind == "print"):
            continue
        for name, word in words.items():
            found.extend(_in_piece(piece, name, word, manifest))
    for start, end in template.kept(part):
        for name, word in words.items():
            found.extend(
                Mention(name, start + match.start(), None)
                for match in word.finditer(template.text[start:end])
                if not _in_jinja(template, start + match.start())
            )
    return found


def _in_piece(piece: Piece, name: str, word: re.Pattern[str], manifest: Manifest) -> Iterator[Mention]:
    printed = piece if piece.kind == "print" else None
    for text in piece.texts:
        if word.search(text.value) is None:
            continue
        is_whole = text.value.lower() == name
        safe = printed is not None and is_whole and _prints_column(piece, text, manifest)
        yield Mention(name, text.start, printed, text if safe else None)


def macro_mentions(
    template: Template, part: Part, columns: Iterable[str], called: Iterable[str], manifest: Manifest
) -> list[Mention]:
    """Columns that macros name themselves, where the part calls them. called: ids of macros."""
    found: list[Mention] = []
    macros = manifest.document.get("macros", {})
    for macro in called:
        entry = macros.get(macro)
        if entry is None or entry.get("package_name") != manifest.project_name:
            continue
        name, body = entry["name"], entry.get("macro_sql", "")
        pieces = [one for one in template.inside(part) if re.search(rf"\b{re.escape(name)}\s*\(", one.code)]
        for column in columns:
            if re.search(rf"(?<![\w$]){re.escape(column)}(?![\w$])", _body(body), re.IGNORECASE) is None:
                continue
            # A macro that is called by another one is as good as called from anywhere.
            found.extend(Mention(column, one.start, one if one.kind == "print" else None) for one in pieces)
            if not pieces:
                found.append(Mention(column, part.start, None))
    return found


def _body(macro_sql: str) -> str:
    found = re.search(r"\{%-?\s*(?:macro|test)\s+\w+\s*\((.*?)\)\s*-?%\}", macro_sql, re.DOTALL)
    return macro_sql[found.end() :] if found else macro_sql


def _in_jinja(template: Template, at: int) -> bool:
    return any(piece.start <= at < piece.end for piece in template.pieces)


def _prints_column(piece: Piece, text: Text, manifest: Manifest) -> bool:
    """Whether the macro that gets this text prints it as a column, and does nothing else with it."""
    called = _CALL.match(piece.code)
    if called is None:
        return False
    if _PRINTING.fullmatch(called[1]):
        return True
    parameter = _parameter(piece, text, called[1], manifest)
    return parameter is not None


def _parameter(piece: Piece, text: Text, called: str, manifest: Manifest) -> str | None:
    """The parameter that a text is given for, if the macro only prints it; None: it does something else."""
    package, _, name = called.rpartition(".")
    macro = manifest.document.get("macros", {}).get(f"macro.{package or manifest.project_name}.{name}")
    if macro is None:
        return None
    try:
        call = ast.parse(piece.code.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        return None
    if not isinstance(call, ast.Call):
        return None
    body = macro.get("macro_sql", "")
    head = re.search(r"\{%-?\s*macro\s+\w+\s*\((.*?)\)\s*-?%\}", body, re.DOTALL)
    names = [part.split("=")[0].strip() for part in head[1].split(",")] if head else []
    offset = text.start - piece.inside[0] - (len(piece.code) - len(piece.code.lstrip())) - 1
    given: list[str] = []
    for position, argument in enumerate(call.args):
        if _is_at(argument, piece, offset) and position < len(names):
            given.append(names[position])
    given += [one.arg for one in call.keywords if one.arg and _is_at(one.value, piece, offset)]
    if len(given) != 1 or not _only_prints(body[head.end() :] if head else body, given[0]):
        return None
    return given[0]


def _is_at(node: ast.expr, piece: Piece, offset: int) -> bool:
    if not isinstance(node, ast.Constant):
        return False
    lines = piece.code.strip().split("\n")
    return sum(len(line) + 1 for line in lines[: node.lineno - 1]) + node.col_offset == offset


def _only_prints(body: str, parameter: str) -> bool:
    """Whether each use of a macro's parameter is `{{ parameter }}` where a column may stand."""
    uses = list(re.finditer(rf"\b{re.escape(parameter)}\b", body))
    prints = list(re.finditer(rf"(.?)\{{\{{-?\s*{re.escape(parameter)}\s*-?\}}\}}(.?)", body))
    if not uses or len(uses) != len(prints):
        return False
    return all(
        not re.match(r"[\w'\"`$]", one[1])
        and not re.match(r"[\w'\"`$]", one[2])
        and not re.search(r"(?i)\bas\s*$", body[: one.start() + len(one[1])])
        for one in prints
    )
