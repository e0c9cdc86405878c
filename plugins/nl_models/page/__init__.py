"""An answer as one HTML page that loads nothing: what was asked, the numbers, their plot, their sources.

In: an `AnswerPage`, whose columns `columns_of_analysis` or `columns_by_type` describe. Out: `write_page`'s file.
"""

from plugins.nl_models.page.content import AnswerPage, PageColumn, Role
from plugins.nl_models.page.roles import columns_by_type, columns_of_analysis
from plugins.nl_models.page.write import render_page, write_page

__all__ = [
    "AnswerPage",
    "PageColumn",
    "Role",
    "columns_by_type",
    "columns_of_analysis",
    "render_page",
    "write_page",
]
