"""A model's text as SQL that runs on the tables of its inputs, without dbt."""

from __future__ import annotations

from collections.abc import Mapping

from plugins.core.errors import SmeltError
from plugins.nl_models.editing.script import Script
from plugins.nl_models.editing.tracing import Input
from plugins.nl_models.models.compiling import compile_text


def render(
    text: str, inputs: Mapping[str, Input], made: Mapping[str, str], tables: Mapping[str, str] | None = None
) -> str:
    """The SQL of a first build.

    made: by code, what dbt made of a macro. tables: by the Jinja that reads it, what stands for an input; default:
    its relation. Raises SmeltError for what can't be rendered, or can't be read.
    """
    script = Script(text)
    values: dict[str, str] = {}
    for one in script.printed:
        if one.reads is not None:
            values[one.code] = _relation(one.reads, inputs, tables)
        elif one.code in made:
            values[one.code] = made[one.code]
        elif not one.is_silent and one.code != "this":
            values[one.code] = compile_text(f"{{{{ {one.code} }}}}", {})
        else:
            values[one.code] = ""
    return script.render(values)


def renderings(text: str, compiled: str | None) -> dict[str, str]:
    """By code, what dbt made of everything that a model prints and that is no table."""
    if not compiled:
        return {}
    script = Script(text)
    tables = {one.code for one in script.printed if one.reads is not None}
    return {code: sql for code, sql in script.renderings(compiled).items() if code not in tables}


def _relation(reads: str, inputs: Mapping[str, Input], tables: Mapping[str, str] | None) -> str:
    if tables is not None and reads in tables:
        return tables[reads]
    found = inputs.get(reads)
    if found is None or not found.relation:
        raise SmeltError(f"{reads} is not where it could be read", "build it to see")
    return found.relation
