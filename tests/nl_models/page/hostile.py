"""An answer in which every text tries to be markup, code, or more than there is room for."""

from __future__ import annotations

from datetime import UTC, date, datetime

from plugins.nl_models.page import AnswerPage, PageColumn
from plugins.nl_models.sources import Source

BREAKOUT = "</script><img src=x onerror=alert(1)>"
ATTRIBUTE = '" onmouseover="alert(2)" x=\''
TEMPLATE = "{{ 7 * 7 }}{% raw %}]]><!--"
LONG = "W" * 5_000
RIGHT_TO_LEFT = "\u202eשלום עולם\u2067 evil"
EMOJI = "👩‍👩‍👧‍👦🎉" * 5
CONTROL = "a\x00b\x1bc\u2028d\ufeff"
TEXTS = (BREAKOUT, ATTRIBUTE, TEMPLATE, LONG, RIGHT_TO_LEFT, EMOJI, CONTROL, "")

SOURCE = Source(
    answer=BREAKOUT,
    model=ATTRIBUTE,
    column=LONG,
    how="identity",
    description=BREAKOUT,
    model_description=ATTRIBUTE,
    model_path=BREAKOUT,
    origins=(BREAKOUT, LONG),
    metric=BREAKOUT,
    published_at=datetime(2011, 1, 1, tzinfo=UTC),
)


def hostile_page() -> AnswerPage:
    """Bars of categories with such names."""
    return _page(
        PageColumn(BREAKOUT, "VARCHAR", "dimension", BREAKOUT),
        [(text, n * 1000.5 - 2000) for n, text in enumerate(TEXTS)],
    )


def hostile_lines() -> AnswerPage:
    """Lines of categories with such names."""
    page = _page(PageColumn("c", "VARCHAR", "dimension", BREAKOUT), [])
    time = PageColumn("m", "DATE", "time", BREAKOUT, grain="month")
    rows = [(date(2011, month, 1), text, month * n) for month in (1, 2, 3) for n, text in enumerate(TEXTS)]
    return AnswerPage(page.question, (time, *page.columns), rows, sentence=page.sentence, sql=page.sql)


def _page(category: PageColumn, rows: list[tuple[str, float]]) -> AnswerPage:
    measure = PageColumn("value", "DOUBLE", "measure", ATTRIBUTE, unit=BREAKOUT)
    return AnswerPage(
        question=f"{LONG} {BREAKOUT}",
        columns=(category, measure),
        rows=rows,
        sentence=f"{BREAKOUT} {RIGHT_TO_LEFT}",
        confidence=0.4,
        question_back=BREAKOUT,
        choices=TEXTS,
        sql=f"select '{BREAKOUT}' as \"{ATTRIBUTE[2:8]}\" -- {BREAKOUT}\n/* {LONG} */",
        sources=(SOURCE, Source(None, ATTRIBUTE, BREAKOUT, "filter")),
        title=f"{BREAKOUT} {TEMPLATE}",
    )
