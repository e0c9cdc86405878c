"""Lineage and impact in the terminal."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from plugins.core.lineage import Place, Reach
from plugins.lineage.impact import Impact, Touched
from plugins.lineage.load import Loaded

_KINDS = ("models", "tests", "unit_tests", "contracts", "metrics", "exposures")
_MANY = ("tests", "unit_tests", "contracts")
_STYLE = {"direct": "bold", "indirect": "yellow", "possible": "magenta"}


def show_lineage(loaded: Loaded, start: list[Place], up: Reach | None, down: Reach | None) -> None:
    """Print counts of the project, or the columns above and below where it starts."""
    console = Console(soft_wrap=True, highlight=False)
    if not start:
        _show_project(console, loaded)
        return
    for title, reach in (("made from", up), ("makes", down)):
        if reach is not None:
            console.print(_tree(loaded, title, start, reach))


def _show_project(console: Console, loaded: Loaded) -> None:
    graph = loaded.graph
    models = sum(r.kind in ("model", "snapshot") for r in loaded.manifest.resources.values())
    direct = sum(edge.to_column is not None for edge in graph.edges)
    console.print(
        f"[bold]{loaded.manifest.project_name}[/]: {models:,} models, {graph.column_count:,} columns, "
        f"{direct:,} direct and {len(graph.edges) - direct:,} indirect edges, {len(graph.unparsed)} unparsed"
    )
    for node, reason in sorted(graph.unparsed.items()):
        console.print(Text(f"  unparsed {node}: {reason}", style="magenta"))
    console.print("[dim]smelt lineage MODEL.COLUMN shows one column, --html a page to click through[/]")


def _tree(loaded: Loaded, title: str, start: list[Place], reach: Reach) -> Tree:
    name = loaded.label(start[0]) if len(start) == 1 else loaded.manifest.resources[start[0][0]].name
    tree = Tree(Text(f"{name} {title}", style="bold"))
    for places, style, note in ((reach.direct, "", ""), (reach.indirect, "yellow", "  (decides about rows)")):
        for node, columns in sorted(_by_node(places).items()):
            written = ", ".join(loaded.label((node, c)).rpartition(".")[2] for c in sorted(columns))
            label = loaded.manifest.resources[node].name if node in loaded.manifest.resources else node
            tree.add(Text(f"{label}: {written}{note}", style=style))
    for node in sorted(reach.possible):
        tree.add(Text(f"{node}: may be used, it can't be read", style="magenta"))
    if not tree.children:
        tree.add(Text("nothing", style="dim"))
    return tree


def _by_node(places: frozenset[Place]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for node, column in places:
        found[node].append(column)
    return found


def show_impact(name: str, impact: Impact, *, everything: bool) -> None:
    """Print what is reached, kind by kind; tests are only counted unless `everything` is asked for."""
    console = Console(soft_wrap=True, highlight=False)
    tree = Tree(Text.assemble((name, "bold"), f": {headline(impact)}"))
    for kind in _KINDS:
        found: tuple[Touched, ...] = getattr(impact, kind)
        if not found:
            continue
        counts = Counter(touched.how for touched in found)
        said = ", ".join(f"{count} {how}" for how, count in counts.items())
        branch = tree.add(Text(f"{kind.replace('_', ' ')}: {said}", style="bold"))
        if everything or kind not in _MANY:
            for touched in found:
                branch.add(_line(touched))
    console.print(tree)


def _line(touched: Touched) -> Text:
    shown = ", ".join(touched.columns[:4])
    rest = f", … {len(touched.columns) - 4} more" if len(touched.columns) > 4 else ""
    columns = f": {shown}{rest}" if shown else ""
    return Text.assemble((touched.name, _STYLE[touched.how]), f"{columns}", (f"  {touched.how}", "dim"))


def headline(impact: Impact) -> str:
    """One line: `12 of 340 downstream models use this column`."""
    used = len([t for t in impact.models if t.id.split(".")[0] in ("model", "snapshot")])
    return f"{used} of {impact.downstream_models} downstream models use it"


def impact_document(name: str, impact: Impact) -> dict[str, Any]:
    """The impact as JSON."""
    used = [t for t in impact.models if t.id.split(".")[0] in ("model", "snapshot")]
    return {
        "column": name,
        "models_using": len(used),
        "models_downstream": impact.downstream_models,
        **{kind: [_touched(touched) for touched in getattr(impact, kind)] for kind in _KINDS},
    }


def _touched(touched: Touched) -> dict[str, Any]:
    found = {"id": touched.id, "name": touched.name, "how": touched.how, "path": touched.path}
    return {**found, "columns": list(touched.columns)} if touched.columns else found
