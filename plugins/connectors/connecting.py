"""From a spec to a connector."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from plugins.connectors.connector import Connector
from plugins.connectors.inference.vocabulary import vocabulary
from plugins.connectors.inference.words import words
from plugins.connectors.inferring import infer
from plugins.connectors.inputs import collect_inputs
from plugins.connectors.manifest.assembling import build_manifest
from plugins.connectors.manifest.text import dump, sealed
from plugins.connectors.questions import ask
from plugins.connectors.source_spec import connection_snippet, source_spec
from plugins.connectors.spec.document import Document, read_document
from plugins.connectors.spec.openapi import read_api
from plugins.connectors.streams import Inference, Skipped
from plugins.core.errors import SmeltError

if TYPE_CHECKING:
    from plugins.core.llm import Model

_NO_NAME = vocabulary("connecting", "no_name")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
MANIFEST, SOURCE = "connector.yml", "source.yml"


def connect(
    spec: str,
    *,
    name: str | None = None,
    owner: str = "unassigned",
    streams: Collection[str] = (),
    allow_external_refs: bool = False,
    model: Model | None = None,
) -> Connector:
    """The connector for the API that `spec` (a path or URL of OpenAPI 2 or 3, or GraphQL introspection)
    describes.

    `streams` are the names wanted (default: all; parents of those that are wanted come along). With `model`,
    prose settles what is doubtful. Nothing is written. Raises SmeltError if the spec cannot be read, or a name
    is unknown.
    """
    document = read_document(spec)
    inference = _inferred(document, allow_external_refs, model)
    if streams:
        inference = _chosen(inference, streams)
    chosen = _named(name, inference.title, spec)
    inputs = collect_inputs(inference)
    manifest = build_manifest(inference, inputs) if inference.streams else {}
    files = {}
    if manifest:
        about = f"{len(inference.streams)} of the API's streams" if streams else "from its spec"
        files = {
            MANIFEST: sealed(dump(manifest), about),
            SOURCE: sealed(source_spec(chosen, owner, inference, inputs), about),
        }
    return Connector(
        name=chosen,
        spec=spec,
        inference=inference,
        inputs=inputs,
        questions=ask(inference),
        defects=document.defects.listed(),
        manifest=manifest,
        files=files,
        connection=connection_snippet(chosen, inference, inputs),
    )


def _inferred(document: Document, allow_external_refs: bool, model: Model | None) -> Inference:
    if document.kind == "graphql":
        from plugins.connectors.graphql import infer_graphql

        return infer_graphql(document)
    api = read_api(document, allow_external_refs)
    inference = infer(api, document.location)
    if model is not None:
        from plugins.connectors.settling import settle

        inference = settle(inference, api, model)
    return inference


def _chosen(inference: Inference, wanted: Collection[str]) -> Inference:
    by_name = {stream.name: stream for stream in inference.streams}
    if unknown := sorted(set(wanted) - set(by_name)):
        known = ", ".join(by_name) or "none"
        raise SmeltError(f"no stream {', '.join(unknown)} (there are: {known})", "name streams as the table does")
    by_path = {stream.path: stream for stream in inference.streams}
    waiting, kept = [by_name[one] for one in wanted], set()
    while waiting:
        stream = waiting.pop()
        if stream.name not in kept:
            kept.add(stream.name)
            waiting += [by_path[one.path] for one in stream.given.value.parents if one.path in by_path]
    left = [Skipped(one.path, "not among --streams", 1.0) for one in inference.streams if one.name not in kept]
    streams = tuple(one for one in inference.streams if one.name in kept)
    return replace(inference, streams=streams, skipped=(*inference.skipped, *left))


def _named(name: str | None, title: str, spec: str) -> str:
    if name is not None:
        if not _NAME.fullmatch(name):
            raise SmeltError(
                f"--name {name!r}: not a name for a source", "small letters, digits and _, a letter first"
            )
        return name
    for text in (title, PurePosixPath(urlsplit(spec).path.replace("\\", "/")).stem):
        parts = [part for part in words(text) if part not in _NO_NAME and not re.fullmatch(r"v?\d+", part)]
        candidate = "_".join(parts[:4])
        if _NAME.fullmatch(candidate):
            return candidate[:40].rstrip("_")
    return "api"
