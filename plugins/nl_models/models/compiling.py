"""A proposed model's text as SQL that runs: its Jinja rendered without dbt, over tables that are named."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from jinja2.sandbox import SandboxedEnvironment

from plugins.core.errors import SmeltError
from plugins.review.sandbox.jinja_policy import check_template


class _Portable:
    """dbt's cross-database macros as dbt-duckdb writes them."""

    def date_trunc(self, part: str, sql: str) -> str:
        return f"date_trunc('{part}', {sql})"

    def dateadd(self, part: str, count: int, sql: str) -> str:
        return f"date_add({sql}, interval ({count}) {part})"


def compile_text(
    text: str, relations: Mapping[str, str], this: str = "this", *, is_incremental: bool = False
) -> str:
    """The SQL of a model. relations: what each `ref('…')` and `source('…', '…')` is, by its Jinja.

    Raises SmeltError if a machine may not write such a text.
    """
    if refused := check_template(text):
        raise SmeltError(f"a proposed model may not use {refused[0].what}", "ask for something else")
    environment = SandboxedEnvironment()
    named: dict[str, Callable[..., object] | object] = {
        "ref": lambda *names: relations[_call("ref", names)],
        "source": lambda *names: relations[_call("source", names)],
        "is_incremental": lambda: is_incremental,
        "config": lambda **_: "",
        "this": this,
        "dbt": _Portable(),
    }
    return environment.from_string(text).render(named)


def _call(function: str, names: tuple[str, ...]) -> str:
    return f"{function}({', '.join(repr(name) for name in names)})"
