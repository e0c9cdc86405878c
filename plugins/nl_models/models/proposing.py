"""From a plan to a proposal: the model is written, run, compared and only then proposed."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import shorten

from plugins.core.errors import SmeltError
from plugins.nl_models.analysis import Analysis
from plugins.nl_models.catalog.project import AskedProject
from plugins.nl_models.models.adding import read_as_it_is
from plugins.nl_models.models.document import needs_singular_test, singular_test, to_yaml
from plugins.nl_models.models.draft import Draft
from plugins.nl_models.models.drafting import draft_analysis
from plugins.nl_models.models.drafting_plan import draft_plan
from plugins.nl_models.models.reuse import Reuse, find_reuse
from plugins.nl_models.plan import Plan
from plugins.review import FileChange, Finding, Outcome, Proposal
from plugins.review.git import Repository

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


def propose_model(
    plan: Analysis | Plan,
    *,
    name: str,
    question: str,
    sentence: str,
    confidence: float,
    project: AskedProject,
) -> Proposal | Reuse:
    """A model that holds what `plan` asks for, as a proposal; or the one that holds it already.

    name: of the model. question: in the words of whoever asks; sentence: how it was understood. confidence: 0..1,
    of that. Raises SmeltError for a name that can't be used, and for what no model here can hold.
    """
    _require_free(name, project)
    if (metric := _metric_itself(plan)) is not None:
        return Reuse(metric, "the metric is that number: nothing is grouped or filtered")
    draft = _draft(plan, name, question, sentence, project)
    if (reuse := find_reuse(draft, project)) is not None:
        return reuse
    changes = _changes(draft, project)
    return Proposal(
        kind="model",
        title=_title(draft),
        reason=_reason(draft, question, sentence),
        confidence=confidence,
        base=Repository.find(project.folder).resolve("HEAD"),
        changes=tuple(changes),
        questions=tuple(draft.questions),
        evidence=tuple(_evidence(draft)),
    )


def _metric_itself(plan: Analysis | Plan) -> str | None:
    """The metric that a plan asks for and nothing more."""
    if not isinstance(plan, Analysis) or len(plan.metrics) != 1:
        return None
    return plan.metrics[0] if plan == Analysis(metrics=plan.metrics) else None


def _whole(plan: Analysis) -> Analysis:
    """A model of growth also holds what it is calculated from: its rows are for more than one question."""
    compared = plan.comparison
    if compared is None or not compared.only_growth:
        return plan
    return plan.model_copy(update={"comparison": compared.model_copy(update={"only_growth": False})})


def _draft(plan: Analysis | Plan, name: str, question: str, sentence: str, project: AskedProject) -> Draft:
    if isinstance(plan, Analysis):
        if plan.needs_parts:
            raise SmeltError(
                "no model here holds conditions of groups, ratios, moving averages or parts of the calendar",
                "ask for the figures by their dimensions, and calculate with the model's rows",
            )
        return draft_analysis(_whole(plan), name, question, project)
    return draft_plan(plan, name, question, sentence, project)


def _require_free(name: str, project: AskedProject) -> None:
    """Raises SmeltError unless a model may be called so."""
    if not _NAME.fullmatch(name):
        raise SmeltError(
            f"{name!r} is no name of a model here", "use lower case letters, digits and _, at most 63"
        )
    for resource in project.manifest.resources.values():
        table = resource.name.rpartition(".")[2]
        if table == name or resource.identifier == name:
            raise SmeltError(
                f"there is a {resource.kind} {name} in {resource.path}", "give the model another name"
            )


def _changes(draft: Draft, project: AskedProject) -> list[FileChange]:
    conventions, document = draft.conventions, draft.document
    sql = conventions.folder / f"{document.name}.sql"
    before = _read(project.folder / conventions.yaml)
    yaml = to_yaml(document, conventions, draft.files.get(conventions.yaml, before))
    changes = [
        FileChange(path=str(sql), before=_absent(project.folder, str(sql)), after=draft.text),
        FileChange(path=conventions.yaml, before=before, after=yaml),
    ]
    others = {path: text for path, text in draft.files.items() if path != conventions.yaml}
    changes += [
        FileChange(path=path, before=_read(project.folder / path), after=text) for path, text in others.items()
    ]
    if needs_singular_test(document, conventions):
        path = f"{conventions.tests}/assert_{document.name}_has_one_row_per_{'_and_'.join(document.keys)}.sql"
        changes.append(FileChange(path=path, before=None, after=singular_test(document)))
    return changes


def _absent(folder: Path, path: str) -> None:
    if (folder / path).exists():
        raise SmeltError(f"there is a file {path} already", "give the model another name, or delete the file")


def _read(path: Path) -> str | None:
    return read_as_it_is(path) if path.exists() else None


def _title(draft: Draft) -> str:
    """What it holds, in the words of its description."""
    first, *_, grain = (line.rstrip(".") for line in draft.document.description.splitlines())
    first = "; ".join([first, *grain.split("; ")[1:]])
    said = first if first[:2].isupper() else f"{first[:1].lower()}{first[1:]}"
    return shorten(f"Add {draft.document.name}: {said}", 120, placeholder=" …")


def _reason(draft: Draft, question: str, sentence: str) -> str:
    lines = [f"Asked: “{question.strip()}”", "", f"Understood as: {sentence.strip()}", ""]
    lines += [f"- {note}" for note in draft.notes]
    return "\n".join(lines).strip()


def _evidence(draft: Draft) -> list[Finding]:
    compared = draft.compared
    outcome = Outcome.NOT_CHECKED if compared.why else Outcome.PASSED if compared.is_same else Outcome.FAILED
    facts = {"rows": compared.rows, "differing": compared.differing}
    detail = f"run on the tables as they are now: {compared}"
    subject, tried = draft.document.name, draft.metrics.items()
    return [
        Finding(kind="semantic", subject=subject, outcome=outcome, detail=detail, facts=facts),
        *(Finding(kind="metric", subject=name, outcome=Outcome.PASSED, detail=shown) for name, shown in tried),
    ]
