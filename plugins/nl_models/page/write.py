"""The page as HTML. What is from outside is text: Jinja escapes it, and the page admits no other script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from plugins.nl_models.page import bars, lines
from plugins.nl_models.page.content import AnswerPage
from plugins.nl_models.page.formats import format_of
from plugins.nl_models.page.highlight import highlighted
from plugins.nl_models.page.plots import Lines, Plot, plots, singles
from plugins.nl_models.sources import ALL_COLUMNS, Source

_FILES = Path(__file__).with_name("files")
_SURE = ((0.9, "sure"), (0.75, "fairly sure"), (0.5, "not quite sure"), (0.0, "unsure"))


def write_page(path: Path, page: AnswerPage) -> Path:
    """Write the page to a file, whose folder is made if need be; returns the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Arguments of a command may hold bytes that are no text.
    path.write_text(render_page(page), encoding="utf-8", errors="replace")
    return path


def render_page(page: AnswerPage) -> str:
    """The page as one HTML document that loads nothing from anywhere."""
    style, script = _read("page.css"), _read("page.js")
    html = _template().render(
        page=page,
        title=page.title or page.question,
        policy=(
            f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
            "base-uri 'none'; form-action 'none'"
        ),
        style=Markup(style),  # noqa: S704 - the page's own
        script=Markup(script),  # noqa: S704 - the page's own
        singles=singles(page),
        figures=[_figure(plot, f"plot{n}") for n, plot in enumerate(plots(page))],
        numeric=page.of_role("measure", "comparison", "detail"),
        rows=_written(page),
        sure=next(words for least, words in _SURE if (page.confidence or 0.0) >= least),
        sql=highlighted(page.sql) if page.sql else [],
        sources=_by_answer(page),
        rows_from=_of_rows(page.sources),
        published=max((s.published_at for s in page.sources if s.published_at is not None), default=None),
    )
    # A browser would leave it out.
    return html.replace("\0", "\ufffd")


def _figure(plot: Plot, key: str) -> dict[str, Any]:
    if isinstance(plot, Lines):
        drawings = [lines.draw_lines(plot, key, variant) for variant in ("wide", "narrow")]
        legend = lines.legend(plot)
    else:
        drawings = [bars.draw_bars(plot, key, variant) for variant in ("wide", "narrow")]
        legend = bars.legend(plot)
    return {
        "kind": "along-time" if isinstance(plot, Lines) else "categories",
        # ElementTree has escaped all text of it.
        "drawings": [Markup(drawing) for drawing in drawings],  # noqa: S704
        "legend": legend,
        "note": plot.note,
    }


def _written(page: AnswerPage) -> list[list[str]]:
    formats = [format_of(column, (row[n] for row in page.rows)) for n, column in enumerate(page.columns)]
    return [[form(value) for form, value in zip(formats, row, strict=True)] for row in page.rows]


def _by_answer(page: AnswerPage) -> list[tuple[str, list[Source]]]:
    """What each column of the answer is made from, by its heading, in the order that they are given."""
    headings = {column.name: column.heading for column in page.columns}
    made = [(source.answer, source) for source in page.sources if source.answer is not None]
    groups = groupby(made, key=lambda pair: pair[0])
    return [(headings.get(answer, answer), [source for _, source in group]) for answer, group in groups]


def _of_rows(sources: Sequence[Source]) -> list[tuple[str, str]]:
    """Each column that decides about all rows, with all the ways in which it does."""
    found: dict[str, list[str]] = {}
    for source in sources:
        if source.answer is None:
            found.setdefault(_place(source), []).append(source.how.replace("_", " "))
    return [(place, ", ".join(ways)) for place, ways in found.items()]


def _place(source: Source) -> str:
    return f"rows of {source.model}" if source.column == ALL_COLUMNS else f"{source.model}.{source.column}"


def _longest_word(text: str) -> int:
    return max(map(len, text.split()), default=0)


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FILES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["longest"] = _longest_word
    environment.filters["place"] = _place
    return environment.get_template("page.html")


def _read(name: str) -> str:
    return (_FILES / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
