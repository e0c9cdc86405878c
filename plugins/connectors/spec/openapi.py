"""OpenAPI 3.0 and 3.1, and Swagger 2 lifted to the same view: a document goes in, an `Api` comes out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from plugins.connectors.spec import swagger
from plugins.connectors.spec.api import Api, Body, Operation, Parameter
from plugins.connectors.spec.document import Document
from plugins.connectors.spec.examples import read_example, schema_in_prose, schema_of
from plugins.connectors.spec.references import References, name_in, reference_of
from plugins.connectors.spec.shapes import Shape, Shapes

_METHODS = ("get", "put", "post", "delete", "patch", "options", "head")
_JSON = re.compile(r"^(application|text)/([\w.*+-]*\+)?json\b|^\*/\*$|^application/\*$", re.I)
# Converted collections say it in words alone.
_REQUIRED = re.compile(r"\W*required\b(?! (if|when|for|unless|only|with))", re.I)
_LOST_NAMES = ("per_page", "page_size", "page_number", "page", "limit", "offset", "cursor")


def read_api(document: Document, allow_external: bool = False) -> Api:
    """The GET operations of `document`, and what they share; defects go to the document."""
    return _Reader(document, allow_external).api()


class _Reader:
    def __init__(self, document: Document, allow_external: bool) -> None:
        self._tree, self._defects = document.tree, document.defects
        self._is_swagger = document.kind == "swagger"
        self._references = References(document, allow_external)
        self._shapes = Shapes(self._references)

    def api(self) -> Api:
        info = _mapping(self._tree.get("info"))
        components = _mapping(self._tree.get("components"))
        if self._is_swagger:
            servers = swagger.servers(self._tree)
            schemes = swagger.security_schemes(_mapping(self._tree.get("securityDefinitions")))
            schemas = _mapping(self._tree.get("definitions"))
        else:
            servers = _mappings(self._tree.get("servers"))
            schemes = _mapping(components.get("securitySchemes"))
            schemas = _mapping(components.get("schemas"))
        operations, used = self._operations()
        return Api(
            title=_text(info.get("title")).strip(),
            version=_text(info.get("version")),
            description=_text(info.get("description")),
            servers=tuple(servers),
            schemes={
                name: found
                for name, raw in schemes.items()
                if isinstance(found := self._references.resolve(raw, f"security scheme {name}"), dict)
            },
            security=_security(self._tree.get("security")),
            operations=tuple(operations),
            shapes=self._shapes,
            schemas=schemas,
            extensions=_extensions(self._tree) | _extensions(info),
            used_security=tuple(used),
            tags=tuple(_text(tag.get("name")) for tag in _mappings(self._tree.get("tags"))),
        )

    def _operations(self) -> tuple[list[Operation], list[tuple[Mapping[str, Any], ...]]]:
        paths = self._references.resolve(self._tree.get("paths"), "paths")
        if not isinstance(paths, dict):
            self._defects.add("paths", "is missing, or no mapping", "there is nothing to read")
            return [], []
        found, used = [], []
        for path, raw in paths.items():
            if not path.startswith("/"):
                if not path.startswith("x-"):
                    self._defects.add(path, "a path must begin with /", "it is left out")
                continue
            item = self._references.resolve(raw, path)
            if not isinstance(item, dict):
                if reference_of(raw) is None:
                    self._defects.add(path, "is no mapping of operations", "it is left out")
                continue
            # A reference is not allowed in place of an operation; specs in many files have them all the same.
            item = {**item, "get": self._references.resolve(item.get("get"), f"GET {path}")}
            operations = [item[method] for method in _METHODS if isinstance(item.get(method), dict)]
            used += [_security(one["security"]) or () for one in operations if "security" in one]
            if isinstance(item.get("get"), dict):
                found.append(self._operation(path, item, item["get"]))
        return found, used

    def _operation(self, path: str, item: dict[str, Any], raw: dict[str, Any]) -> Operation:
        where = f"GET {path}"
        responses = _mapping(self._references.resolve(raw.get("responses"), where))
        if raw.get("responses") is not None and not isinstance(raw.get("responses"), dict):
            self._defects.add(where, "`responses` is no mapping", "its answer is unknown")
        body, media_types = self._body(responses, raw, where)
        return Operation(
            path=path,
            operation_id=_text(raw.get("operationId")),
            summary=_text(raw.get("summary")) or _text(item.get("summary")),
            description=_text(raw.get("description")) or _text(item.get("description")),
            parameters=self._parameters(path, item, raw, where),
            body=body,
            media_types=media_types,
            is_deprecated=raw.get("deprecated") is True,
            security=_security(raw.get("security")) if "security" in raw else None,
            servers=tuple(_mappings(raw.get("servers")) or _mappings(item.get("servers"))),
            prose_of_errors=self._prose_of_errors(responses, where),
            extensions=_extensions(raw),
        )

    def _parameters(self, path: str, item: dict, raw: dict, where: str) -> tuple[Parameter, ...]:
        found: dict[tuple[str, str], Parameter] = {}
        in_path = re.findall(r"{([^{}/]+)}", path)
        both = (item.get("parameters"), raw.get("parameters"))
        for listed in (self._references.resolve(one, where) for one in both):
            for one in listed if isinstance(listed, list) else ():
                parameter = self._parameter(one, in_path, where)
                if parameter is not None:
                    found[parameter.name, parameter.place] = parameter
        for name in in_path:
            if (name, "path") not in found:
                known = any(parameter.is_lost and parameter.place == "path" for parameter in found.values())
                if not known:
                    self._defects.add(where, f"the path parameter {{{name}}} is not described", "taken as a text")
                found[name, "path"] = Parameter(name, "path", True, Shape(kind="string"))
        return tuple(one for one in found.values() if one.place != "path" or one.name in in_path)

    def _parameter(self, one: Any, in_path: list[str], where: str) -> Parameter | None:
        raw = self._references.resolve(one, where)
        if not isinstance(raw, dict):
            reference = reference_of(one)
            return _lost(name_in(reference), in_path) if reference else None
        name, place = _text(raw.get("name")), _text(raw.get("in"))
        if not name or place not in ("path", "query", "header", "cookie"):
            return None
        # Swagger 2 has no `schema` here: the parameter is one.
        schema = raw.get("schema")
        if schema is None and isinstance(raw.get("content"), dict):
            schema = next((_mapping(part).get("schema") for part in raw["content"].values()), None)
        shape = self._shapes.of(schema if isinstance(schema, dict) else raw, where)
        examples = [_mapping(part).get("value") for part in _mapping(raw.get("examples")).values()]
        example = next((part for part in (raw.get("example"), *examples, shape.example) if part is not None), None)
        return Parameter(
            name=name,
            place=place,
            is_required=raw.get("required") is True
            or place == "path"
            or bool(_REQUIRED.match(_text(raw.get("description")))),
            shape=shape,
            description=_text(raw.get("description")),
            example=example,
        )

    def _body(self, responses: dict, raw: dict, where: str) -> tuple[Body | None, tuple[str, ...]]:
        statuses = sorted((s for s in responses if str(s).upper()[:1] == "2"), key=str) or [
            s for s in responses if s == "default"
        ]
        response: dict[str, Any] = {}
        for status in statuses:
            response = _mapping(self._references.resolve(responses[status], where))
            if response.get("content") or response.get("schema") or response.get("examples"):
                break
        content = swagger.content(response, self._tree, raw) if self._is_swagger else response.get("content")
        content = _mapping(self._references.resolve(content, where))
        media_types = tuple(content)
        headers = tuple(_mapping(response.get("headers")))
        media = next((part for name, part in content.items() if _JSON.match(name)), None)
        media = None if media is None else _mapping(self._references.resolve(media, where))
        schema = media.get("schema") if media else None
        shape = self._shapes.of(schema, where)
        if schema is not None and self._is_told(shape, where):
            return Body(schema, "schema", headers), media_types
        for example in self._examples(media or {}, shape):
            if (value := read_example(example)) is not None:
                return Body(schema_of(value), "example", headers), media_types
        if media is not None or not content:
            for prose in (_text(response.get("description")), _text(raw.get("description"))):
                if sketched := schema_in_prose(prose):
                    return Body(sketched, "prose", headers), media_types
        return (Body(schema, "schema", headers) if schema is not None else None), media_types

    def _is_told(self, shape: Shape, where: str, depth: int = 0) -> bool:
        """Whether a schema says what is in it, as far as records may be."""
        if shape.is_lost or shape.kind == "unknown":
            return False
        if shape.kind == "array":
            return self._is_told(self._shapes.of(shape.items, where), where, depth + 1)
        if shape.kind == "object":
            parts = [self._shapes.of(part, where) for part in shape.properties.values()]
            if depth == 0 and any(part.is_lost for part in parts):
                return False
            lists = [part for part in parts if part.kind == "array"]
            is_told = all(self._is_told(part, where, depth + 1) for part in lists) if depth == 0 else True
            return is_told and (bool(shape.properties) or shape.values is not None)
        return True

    def _examples(self, media: dict[str, Any], shape: Shape) -> list[Any]:
        named = [
            _mapping(self._references.resolve(part, "examples")).get("value")
            for part in _mapping(media.get("examples")).values()
        ]
        return [media.get("example"), *named, shape.example]

    def _prose_of_errors(self, responses: dict, where: str) -> str:
        raw = responses.get("429")
        return _text(_mapping(self._references.resolve(raw, where)).get("description")) if raw else ""


def _lost(name: str, in_path: list[str]) -> Parameter:
    """A parameter whose reference is broken: it is called like its reference, as well as can be told."""
    plain = re.sub(r"\W+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)).lower().strip("_")
    for inside in in_path:
        if re.sub(r"\W|_", "", inside).lower() in plain.replace("_", ""):
            return Parameter(inside, "path", True, Shape(kind="string"), is_lost=True)
    known = next((one for one in _LOST_NAMES if plain.startswith(one)), plain)
    return Parameter(known, "query", False, Shape(), is_lost=True)


def _security(raw: Any) -> tuple[Mapping[str, Any], ...] | None:
    return tuple(part for part in raw if isinstance(part, dict)) if isinstance(raw, list) else None


def _extensions(tree: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in tree.items() if name.startswith("x-")}


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _mappings(value: Any) -> list[dict[str, Any]]:
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    return (
        value if isinstance(value, str) else "" if value is None or isinstance(value, (dict, list)) else str(value)
    )
