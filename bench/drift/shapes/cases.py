"""Cases: a shape, a drift and what goes on besides, chosen by a seed; and folders of them for any tool."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb

from bench.drift.shapes.drifts import Happening, happenings
from bench.drift.shapes.gold import gold_models
from bench.drift.shapes.projects import SHAPES, Shape, write
from bench.drift.shapes.warehouse import activity, create

WAREHOUSE = "warehouse.duckdb"


@dataclass(frozen=True)
class Case:
    """One thing that happens to one project. activity: what else goes on at the source meanwhile."""

    shape: Shape
    happening: Happening
    activity: str

    @property
    def name(self) -> str:
        """Names the case, and its folder: `plain/renamed`."""
        return f"{self.shape.name}/{self.happening.name}"

    @property
    def names(self) -> tuple[str, ...]:
        """Names that an edit may be about: columns before and after, here and in staging, and the tables."""
        raw, staged = self.shape.source.raw, self.shape.domain.staged
        happening = self.happening
        found = {*happening.asks, *(name for one in happening.changes for name in (*one.before, *one.after))}
        roles = [role for role, name in raw.items() if any(name == one.split(".")[0] for one in found)]
        domain = self.shape.domain
        return tuple(sorted({*found, *(staged[role] for role in roles), domain.main, happening.table}))


def choose(shapes_per_drift: int | None = None, seed: int = 7, shapes: Sequence[str] = ()) -> list[Case]:
    """Cases by shape. shapes_per_drift: how many shapes each drift is tried on, all alike often; None: on all.

    shapes: only these.
    """
    chance = random.Random(seed)
    wanted = [SHAPES[name] for name in shapes] if shapes else list(SHAPES.values())
    names = list(happenings(wanted[0]))
    dealt: list[Shape] = []
    cases: list[Case] = []
    for name in names:
        chosen = list(wanted)
        if shapes_per_drift is not None and shapes_per_drift < len(wanted):
            if len(dealt) < shapes_per_drift:
                # A new hand: each shape once before any comes again.
                fresh = [one for one in wanted if one not in dealt]
                chance.shuffle(fresh)
                again = [one for one in wanted if one not in fresh]
                chance.shuffle(again)
                dealt += [*fresh, *again]
            chosen, dealt = dealt[:shapes_per_drift], dealt[shapes_per_drift:]
        for shape in chosen:
            happening = happenings(shape)[name]
            # Of the case alone, so that one more drift or shape leaves the others as they are.
            which = random.Random(f"{seed} {shape.name} {name}").choice(happening.activities)
            cases.append(Case(shape, happening, which))
    order = list(SHAPES)
    return sorted(cases, key=lambda case: (order.index(case.shape.name), names.index(case.happening.name)))


def fill(shape: Shape, warehouse: Path) -> None:
    """Make the source tables as they are before anything happens."""
    _execute(warehouse, create(shape.source))


def go_on(shape: Shape, warehouse: Path, kind: str) -> None:
    """Let happen at the source what goes on anyway."""
    _execute(warehouse, activity(shape.source, kind))


def drift(case: Case, warehouse: Path) -> None:
    """Let the source drift, and drop the gold tables, which are to be built anew."""
    _execute(
        warehouse, [case.happening.sql, *(f"drop table if exists main.{m.name}" for m in gold_models(case.shape))]
    )


def _execute(warehouse: Path, statements: Iterable[str]) -> None:
    with duckdb.connect(str(warehouse)) as con:
        for statement in statements:
            con.execute(statement)


def expectation(case: Case) -> dict[str, object]:
    """What is expected of a case, as `expected.json` has it."""
    happening, shape = case.happening, case.shape
    return {
        "case": case.name,
        "shape": shape.name,
        "drift": happening.name,
        "group": happening.group,
        "activity": case.activity,
        "schema": shape.domain.source,
        "table": happening.table,
        "accepts": list(happening.accepts),
        "changes": [asdict(one) for one in happening.changes],
        "asks": list(happening.asks),
        "names": list(case.names),
        "gold": [
            {
                "model": model.name,
                "key": list(model.key),
                "not_compared": sorted(name for name, of in model.roles.items() if set(of) & happening.loses),
                "compared": not set(model.key.values()) & happening.loses
                and (happening.exempt is None or model.of_rows),
            }
            for model in gold_models(shape)
        ],
        "exempt": happening.exempt,
    }


def write_folder(case: Case, folder: Path) -> None:
    """Write a case for any tool: the project, its warehouse before, what happens then, and what is expected.

    `before.duckdb` holds the source tables only; `activity.sql` and `drift.sql` are run on it in this order.
    """
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "project").mkdir(parents=True)
    write(case.shape, folder / "project")
    fill(case.shape, folder / "before.duckdb")
    (folder / "activity.sql").write_text(_script(activity(case.shape.source, case.activity)), encoding="utf-8")
    (folder / "drift.sql").write_text(_script([case.happening.sql]), encoding="utf-8")
    document = json.dumps(expectation(case), indent=2, ensure_ascii=False)
    (folder / "expected.json").write_text(document + "\n", encoding="utf-8")


def _script(statements: Iterable[str]) -> str:
    return "".join(f"{statement.strip().rstrip(';')};\n" for statement in statements)


def by_shape(cases: Iterable[Case]) -> Iterator[tuple[Shape, list[Case]]]:
    """Cases of each shape together: a project is written and parsed once for all of them."""
    grouped: dict[str, list[Case]] = {}
    for case in cases:
        grouped.setdefault(case.shape.name, []).append(case)
    return ((SHAPES[name], found) for name, found in grouped.items())
