"""Headers that requests must carry: a version, an account."""

from __future__ import annotations

from plugins.connectors.manifest.text import is_plain
from plugins.connectors.spec.api import Api, Operation, Parameter

# https://spec.openapis.org/oas/v3.1.0#parameter-object: described as parameters, these are to be ignored.
_IGNORED = frozenset(["accept", "content-type", "authorization", "user-agent", "host", "content-length"])


def required_headers(operation: Operation, api: Api) -> tuple[dict[str, str], tuple[Parameter, ...]]:
    """The required headers that have a default or only one value, and those that the user has to give.

    What a security scheme sends is none of them.
    """
    sent = {str(scheme.get("name", "")).lower() for scheme in api.schemes.values()}
    fixed: dict[str, str] = {}
    asked: list[Parameter] = []
    for parameter in operation.parameters:
        name = parameter.name.lower()
        if parameter.place != "header" or not parameter.is_required or name in _IGNORED or name in sent:
            continue
        shape = parameter.shape
        value = shape.default if shape.default is not None else shape.enum[0] if len(shape.enum) == 1 else None
        if not is_plain(parameter.name):
            continue
        if value is not None and is_plain(str(value)):
            fixed[parameter.name] = str(value)
        elif not _is_credential(name):
            asked.append(parameter)
    return fixed, tuple(asked)


def _is_credential(name: str) -> bool:
    return any(word in name for word in ("token", "api-key", "apikey", "api_key"))
