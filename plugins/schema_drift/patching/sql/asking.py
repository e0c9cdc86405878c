"""What a person has to know or to say beside the edits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from plugins.schema_drift.change import Change, Kind
from plugins.schema_drift.patching.sql.passing import keeping_history
from plugins.schema_drift.patching.sql.plan import TablePlan
from plugins.schema_drift.patching.sql.work import Work
from plugins.schema_drift.table import Table


def ask_about_changes(
    work: Work, plan: TablePlan, changes: Sequence[Change], patched: Mapping[str, set[str]]
) -> None:
    """Values that become null at the boundary since they fit no more, and those of a doubtful window."""
    for change in changes:
        keys = {name.lower() for name in change.before} & set(plan.targets)
        paths = [path for path, columns in patched.items() if keys & columns] or [""]
        names = ", ".join(f"`{name}`" for name in change.before)
        misfits = _count(change.detail.get("misfits"))
        if keys and misfits:
            work.ask(
                f"{misfits} values of {names} of {plan.table.name} do not fit their type of before. They become "
                "null here, where tests and rules catch them. Is that right?",
                *_place(work, paths[0], plan, keys),
            )
        since, until = change.detail.get("doubtful_from"), change.detail.get("doubtful_to")
        if keys and (since or until):
            count = _count(change.detail.get("doubtful_rows"))
            rows = f"{count} rows" if count else "rows"
            # How they are read is in the SQL: null, or as before up to the likeliest point.
            has_null = any(re.search(r"(?i)\bnull\b", one.sql) for one in change.restores)
            read = "null here" if has_null else "read as the likeliest point of change has it"
            work.ask(
                f"{names} of {plan.table.name}: for {rows} from {since or 'the start'} to {until or 'now'} "
                f"nobody can tell whether they are as before or as now; they are {read}. Which are they?",
                *_place(work, paths[0], plan, keys),
            )


def _count(value: Any) -> int:
    """How many, of a number or of the things themselves."""
    if isinstance(value, bool) or value is None:
        return 0
    if isinstance(value, (int, float)):
        return int(value)
    if isinstance(value, Mapping):
        return sum(one for one in value.values() if isinstance(one, int)) or len(value)
    return len(value) if isinstance(value, Sequence) and not isinstance(value, str) else 0


def _place(work: Work, path: str, plan: TablePlan, keys: set[str]) -> tuple[str, int]:
    """The first line of a file that speaks of a column."""
    if not path:
        return "", 0
    text = work.text(path)
    for key in sorted(keys):
        found = re.search(rf"(?<![\w$]){re.escape(plan.targets[key].column)}(?![\w$])", text, re.IGNORECASE)
        if found is not None:
            return path, text.count("\n", 0, found.start()) + 1
    return path, 1


def ask_about_keys(work: Work, before: Table, changes: Sequence[Change]) -> None:
    """Places that count on a key that is none any more."""
    for change in changes:
        if change.kind != Kind.KEY_CHANGED:
            continue
        old = change.detail.get("key_before") or change.before or before.key
        new = change.detail.get("key_after") or change.after
        told = f"the key of {before.name} was ({', '.join(old)}) and is ({', '.join(new) or 'unknown'}) now"
        places = list(dict.fromkeys(_key_places(work, before, {name.lower() for name in old})))
        for path, line, what in places:
            work.ask(f"{told}; {what} counts on the old one. Shall it follow?", path, line)
        if not places:
            work.ask(f"{told}; nothing in the project was found that counts on it.")


def _key_places(work: Work, before: Table, key: set[str]) -> Iterator[tuple[str, int, str]]:
    nodes = {before.id, *work.project.graph.descendants([before.id])}
    for node in sorted(nodes & set(work.files.nodes)):
        entry = work.files.nodes[node]
        path = entry.get("original_file_path", "")
        if path not in work.project.paths or not path.endswith(".sql"):
            continue
        text = work.text(path)
        for match in re.finditer(r"(?is)unique_key\s*=\s*(\[[^\]]*\]|'[^']*'|\"[^\"]*\")", text):
            if {name.lower() for name in re.findall(r"\w+", match[1])} & key:
                yield path, text.count("\n", 0, match.start()) + 1, "`unique_key`"
        reads = node in work.files.readers(before.id)
        for match in re.finditer(r"(?is)partition\s+by\s+([\w\s,.\"`]+?)(?=\border\b|\)|\brows\b)", text):
            names = {name.lower() for name in re.findall(r"\w+", match[1])}
            if reads and names and names & key:
                yield path, text.count("\n", 0, match.start()) + 1, "the window"


def ask_about_kept(work: Work, plan: TablePlan, patched: Mapping[str, set[str]]) -> None:
    """What incremental models and snapshots below already took, which no build makes anew by itself."""
    columns = {key for keys in patched.values() for key in keys}
    for key in sorted(columns & set(plan.targets)):
        target = plan.targets[key]
        kept = keeping_history(work.project, plan.table.id, [key])
        if not kept:
            continue
        names = ", ".join(f"`{node.split('.')[-1]}`" for node in kept)
        path = next(path for path, keys in patched.items() if key in keys)
        if target.is_null:
            continue
        if target.is_gone:
            work.told.setdefault(path, []).append(
                f"{names} needs no full refresh, because `{target.column}` keeps its name and its values"
            )
            continue
        is_snapshot = all(node.startswith("snapshot.") for node in kept)
        # A version that came in between has closed the one before it.
        how = (
            "No build corrects versions in a snapshot: shall those that were made in between be deleted, and the "
            "versions before them opened again? All others are right without it."
            if is_snapshot
            else "Rebuild them with `--full-refresh`, or from the day of the change on? Earlier and later "
            "rows are right without it."
        )
        work.ask(
            f"{names} keeps what it took: rows of {plan.table.name} that it took between the change and this "
            f"patch hold `{target.column}` as it came. {how}",
            str(work.files.nodes.get(kept[0], {}).get("original_file_path") or path),
            kept=kept,
        )
