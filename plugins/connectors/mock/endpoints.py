"""What a specification says of its endpoints: parameters, and the schema or example of the answer.

A reader of its own, small and apart from the one that inferences use: a mistake in that one must not show up in
the mock as well, where it would go unseen. References to other files are never followed; what they hold counts as
unknown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

from plugins.core.errors import SmeltError

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_MAX_REFERENCES = 50
_MAX_NESTED = 50


@dataclass(frozen=True)
class Parameter:
    """A parameter of a request, with the schema of its value."""

    name: str
    place: str
    required: bool
    schema: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Endpoint:
    """One path of a specification: its methods, and what its GET takes and answers."""

    path: str
    methods: frozenset[str]
    parameters: tuple[Parameter, ...] = ()
    schema: Any = None
    example: Any = None

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Matches a request's path; each parameter is at least one character of one segment."""
        parts = re.split(r"\{[^{}]*\}", self.path)
        return re.compile("([^/]+)".join(re.escape(part) for part in parts))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the path parameters, in their order."""
        return tuple(re.findall(r"\{([^{}]*)\}", self.path))

    def match(self, path: str) -> dict[str, str] | None:
        """The values of the path parameters if a request's path is this endpoint's, else None."""
        found = self.pattern.fullmatch(path)
        return dict(zip(self.names, map(unquote, found.groups()), strict=True)) if found else None

    def parameter(self, name: str | None) -> Parameter | None:
        """The parameter of that name, or None."""
        return next((one for one in self.parameters if one.name == name), None)


class Specification:
    """An OpenAPI 2 or 3 document, read as far as a mock needs it."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._merged: dict[int, tuple[Any, Mapping[str, Any]]] = {}

    @classmethod
    def read(cls, source: Mapping[str, Any] | str | Path) -> Specification:
        """A document given as a mapping, or as the path of a YAML or JSON file.

        Raises:
            SmeltError: if the file is neither, or has no paths.

        """
        document = source if isinstance(source, Mapping) else _load(Path(source))
        if not isinstance(document, Mapping) or not isinstance(document.get("paths"), Mapping):
            raise SmeltError(
                "The specification has no paths, so there is nothing to mock", "give an OpenAPI document"
            )
        return cls(document)

    @cached_property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """All paths, those with more literal text first: `/users/me` is tried before `/users/{id}`."""
        found = [self._endpoint(str(path), item) for path, item in self._document["paths"].items()]
        return tuple(sorted(found, key=lambda one: (len(one.names), -len(one.path))))

    @cached_property
    def token_paths(self) -> tuple[str, ...]:
        """The paths of all token URLs of the OAuth2 schemes."""
        schemes = self._at("components", "securitySchemes") or self._at("securityDefinitions") or {}
        flows: list[Any] = []
        for scheme in map(self.resolve, _mapping(schemes).values()):
            several = _mapping(scheme).get("flows")
            flows += several.values() if isinstance(several, Mapping) else [scheme]
        urls = [_mapping(flow).get("tokenUrl") for flow in flows]
        return tuple(dict.fromkeys(path for url in urls if isinstance(url, str) and (path := urlsplit(url).path)))

    def resolve(self, node: Any) -> Any:
        """What a node stands for, its references followed; None if one leads nowhere or to another file."""
        for _ in range(_MAX_REFERENCES):
            if not isinstance(node, Mapping) or "$ref" not in node:
                return node
            node = self._target(node["$ref"])
        return None

    def merged(self, schema: Any) -> Mapping[str, Any]:
        """A schema with references followed and `allOf` merged, empty if it is unknown.

        Of `oneOf` and `anyOf` the first that is an object is taken, else the first that isn't null.
        """
        if not isinstance(schema, Mapping):
            return {}
        # with each result its schema: an id is only good while its object lives
        if id(schema) not in self._merged:
            self._merged[id(schema)] = (schema, self._merge(schema, frozenset()))
        return self._merged[id(schema)][1]

    def _merge(self, schema: Any, open_schemas: frozenset[int]) -> dict[str, Any]:
        schema = self.resolve(schema)
        if not isinstance(schema, Mapping) or id(schema) in open_schemas or len(open_schemas) >= _MAX_NESTED:
            return {}
        open_schemas |= {id(schema)}
        result = {key: value for key, value in schema.items() if key not in ("allOf", "oneOf", "anyOf")}
        parts = list(_sequence(schema.get("allOf")))
        for key in ("oneOf", "anyOf"):
            parts += self._choice(_sequence(schema.get(key)))
        for part in parts:
            other = self._merge(part, open_schemas)
            properties = {**_mapping(other.get("properties")), **_mapping(result.get("properties"))}
            result = {**other, **result}
            if properties:
                result["properties"] = properties
        return result

    def _choice(self, choices: Any) -> list[Any]:
        known = [one for one in (self.resolve(choice) for choice in choices) if isinstance(one, Mapping)]
        known = [one for one in known if one.get("type") != "null"]
        objects = [one for one in known if "properties" in one or "allOf" in one]
        return (objects or known)[:1]

    def _endpoint(self, path: str, item: Any) -> Endpoint:
        item = self.resolve(item)
        item = item if isinstance(item, Mapping) else {}
        methods = frozenset(method for method in _METHODS if method in item)
        get = item.get("get")
        if not isinstance(get, Mapping):
            return Endpoint(path, methods)
        listed = [*_sequence(get.get("parameters")), *_sequence(item.get("parameters"))]
        parameters: dict[tuple[str, str], Parameter] = {}
        for node in listed:
            node = self.resolve(node)
            if isinstance(node, Mapping) and "name" in node:
                one = Parameter(
                    str(node["name"]),
                    str(node.get("in")),
                    node.get("required") is True,
                    _mapping(node.get("schema", node)),
                )
                parameters.setdefault((one.place, one.name), one)
        schema, example = self._answer(get)
        return Endpoint(path, methods, tuple(parameters.values()), schema, example)

    def _answer(self, get: Mapping[str, Any]) -> tuple[Any, Any]:
        responses = {str(code): one for code, one in _mapping(get.get("responses")).items()}
        code = "200" if "200" in responses else next((one for one in responses if one.startswith("2")), None)
        response = _mapping(self.resolve(responses.get(code or "")))
        if "content" not in response:
            examples = _mapping(response.get("examples"))
            return response.get("schema"), next(iter(examples.values()), None)
        content = _mapping(response["content"])
        kind = next((one for one in content if "json" in one), next(iter(content), None))
        media = _mapping(content.get(kind or ""))
        examples = [_mapping(self.resolve(one)).get("value") for one in _mapping(media.get("examples")).values()]
        return media.get("schema"), media.get("example", next((one for one in examples if one is not None), None))

    def _target(self, reference: Any) -> Any:
        if not isinstance(reference, str) or not reference.startswith("#/"):
            return None
        return self._at(
            *(unquote(part).replace("~1", "/").replace("~0", "~") for part in reference[2:].split("/"))
        )

    def _at(self, *keys: str) -> Any:
        node: Any = self._document
        for key in keys:
            node = node.get(key) if isinstance(node, Mapping) else None
        return node


def _mapping(node: Any) -> Mapping[str, Any]:
    return node if isinstance(node, Mapping) else {}


def _sequence(node: Any) -> list[Any]:
    return node if isinstance(node, list) else []


_Base: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _PlainLoader(_Base):
    """Leaves dates as the text they are: answers are JSON."""


_PlainLoader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _load(path: Path) -> Any:
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _PlainLoader)  # noqa: S506 - a safe loader
    except (OSError, UnicodeDecodeError) as error:
        raise SmeltError(f"{path.name} cannot be read: {error}", "give the path of an OpenAPI document") from error
    except yaml.YAMLError as error:
        raise SmeltError(f"{path.name} is neither YAML nor JSON: {error}", "correct the document") from error
