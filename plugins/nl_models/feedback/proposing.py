"""From merged pull requests that people edited to proposals that teach the project what they corrected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from ruamel.yaml import YAML

from plugins.core.errors import SmeltError
from plugins.core.settings import Settings
from plugins.nl_models.catalog.project import AskedProject
from plugins.nl_models.feedback.corrections import (
    Correction,
    ModelText,
    compare_texts,
    compare_yaml,
    read_text,
)
from plugins.nl_models.feedback.lessons import Synonym, example_of, question_of, synonyms_of
from plugins.nl_models.feedback.merged import History, MergedFile
from plugins.nl_models.feedback.teaching import add_example, add_synonyms, taught
from plugins.nl_models.semantic.vocabulary import Vocabulary
from plugins.review import FileChange, Proposal
from plugins.review.forge import Decision
from plugins.review.proposals.lifecycle import ListedProposal, Proposals
from plugins.review.sandbox.machine_written import check_machine_written

KIND = "feedback"
_TAUGHT_BY = ("model", "edit")
_MARK = "Learned from proposal"
_SURE = 0.8


def propose_feedback(settings: Settings, project: AskedProject) -> list[Proposal]:
    """A proposal for each merged one whose corrections teach something, the oldest first; they change YAML only.

    What was learned before is not proposed again: it is in a stored proposal, or in the YAML by now.
    Raises SmeltError if the repository or the stored proposals cannot be read.
    """
    proposals = Proposals(settings)
    listed, _ = proposals.listed()
    history = History.of(settings)
    known = _learned([one.proposal for one in listed])
    found = []
    for one in reversed(listed):
        is_corrected = one.state.decision is Decision.MERGED_EDITED and one.proposal.kind in _TAUGHT_BY
        if is_corrected and one.proposal.id not in known:
            tips = [event["tip"] for event in proposals.history(one.proposal) if event["tip"]]
            lesson = _learn(one, history, tips, project)
            if lesson is not None:
                found.append(lesson)
    return found


@dataclass(frozen=True)
class _Model:
    """A model as proposed and as merged. yaml: where it is described now."""

    proposed_name: str
    name: str
    texts: tuple[ModelText, ModelText]
    yaml: MergedFile


def _learn(listed: ListedProposal, history: History, tips: list[str], project: AskedProject) -> Proposal | None:
    """What one merged proposal teaches; None: nothing, or it is known by now."""
    proposal = listed.proposal
    model = _model(history.merged(proposal, tips))
    if model is None or (current := history.text(model.yaml.path)) is None or proposal.id in taught(current):
        return None
    corrections = _corrections(model)
    if not corrections:
        return None
    question = question_of(proposal.reason)
    layer = project.layer
    vocabulary = Vocabulary(layer, project.values, project.catalog) if layer is not None else None
    synonyms = list(dict.fromkeys(synonyms_of(corrections, model.name, model.texts, question, vocabulary)))
    files = {model.yaml.path: current}
    for one in synonyms:
        _teach(one, model, files, history, project)
    # What an edit was asked with is no question that stands for itself.
    if question and proposal.kind == "model" and any(one.kind != "wording" for one in corrections):
        example = example_of(question, proposal.id, model.texts[1], layer)
        files[model.yaml.path] = add_example(files[model.yaml.path], model.name, example)
    changes = [
        FileChange(path=path, before=before, after=after)
        for path, after in files.items()
        if (before := history.text(path)) != after
    ]
    if not changes or check_machine_written(changes):
        return None
    return Proposal(
        kind=KIND,
        title=f"Learn from {model.name}: {corrections[0]}"[:120],
        reason=_reason(listed, question, corrections, synonyms),
        confidence=_SURE,
        base=history.base,
        changes=tuple(changes),
        questions=tuple(_questions(synonyms, vocabulary)),
    )


def _model(files: list[MergedFile]) -> _Model | None:
    """The one model of a proposal that was merged with its description; None: there is none that can be read."""
    sql = [one for one in files if one.path.endswith(".sql") and one.path.startswith("models/")]
    yaml = [one for one in files if one.path.endswith((".yml", ".yaml"))]
    if len(sql) != 1 or not yaml or sql[0].merged is None or yaml[0].merged is None:
        return None
    try:
        texts = (read_text(sql[0].proposed), read_text(sql[0].merged))
    except SmeltError:
        # It is a model of another kind now, of which the text does not say what it selects.
        return None
    name = PurePosixPath(sql[0].path).stem
    return _Model(_described(yaml[0].proposed, name), name, texts, yaml[0])


def _described(yaml: str, merged_name: str) -> str:
    """The name that a model was proposed under: the merged one's, or the only other in its YAML."""
    document = YAML(typ="safe", pure=True).load(yaml) or {}
    names = [str(entry["name"]) for entry in document.get("models") or ()]
    return merged_name if merged_name in names or len(names) != 1 else names[0]


def _corrections(model: _Model) -> list[Correction]:
    found = compare_texts(*model.texts)
    renamed: Mapping[str, str] = {one.before: one.after for one in found if one.kind == "renamed"}
    assert model.yaml.merged is not None
    return [
        *found,
        *compare_yaml(model.yaml.proposed, model.yaml.merged, model.proposed_name, model.name, renamed),
    ]


def _teach(
    synonym: Synonym, model: _Model, files: dict[str, str], history: History, project: AskedProject
) -> None:
    """Write a synonym into the file that describes what it means."""
    path = model.yaml.path if synonym.section == "models" else _metric_file(synonym.name, project)
    text = files.get(path) if path in files else history.text(path) if path else None
    if path and text is not None:
        files[path] = add_synonyms(text, synonym.section, synonym.name, [synonym.words], synonym.column)


def _metric_file(name: str, project: AskedProject) -> str:
    """Where a metric is described; "" if that is not known."""
    for metric in project.manifest.of_type("metric"):
        if metric["name"] == name:
            return str(metric.get("original_file_path") or "")
    return ""


def _learned(proposals: list[Proposal]) -> set[str]:
    """Ids of proposals that stored ones were learned from."""
    found = set()
    for one in proposals:
        if one.kind == KIND:
            found |= {line.split()[3].rstrip(",.") for line in one.reason.splitlines() if line.startswith(_MARK)}
    return found


def _reason(listed: ListedProposal, question: str, corrections: list[Correction], synonyms: list[Synonym]) -> str:
    place = listed.state.url or listed.proposal.branch
    lines = [f"{_MARK} {listed.proposal.id}, merged after edits: {place}", ""]
    if question:
        lines += [f"Asked: “{question}”", ""]
    lines += ["Corrected before the merge:", *(f"- {one}" for one in corrections)]
    if synonyms:
        lines += ["", "So from now on:", *(f"- “{one.words}” means {one.column or one.name}" for one in synonyms)]
    return "\n".join(lines)


def _questions(synonyms: list[Synonym], vocabulary: Vocabulary | None) -> list[str]:
    """Words that mean something else already."""
    found = []
    for one in synonyms:
        named = vocabulary.find(one.words.split()) if vocabulary is not None else None
        others = [name for name in (named.metrics if named is not None else ()) if name != one.name]
        if one.section == "metrics" and others:
            found.append(f"“{one.words}” means {others[0]} too: should it be taken from there?")
    return found
