"""Text from a spec on its way into YAML that airbyte-cdk reads: nothing in it is a template or a reference."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import Any

import yaml

_OPENING = re.compile(r"{(?=[{%#])")
_CLOSING = re.compile(r"(?<=[}%#])}")
_SEAL = re.compile(r"\A# smelt connect wrote this: (?P<seal>[0-9a-f]{16})\b[^\n]*\n")
_PLAIN = re.compile(r"[^{}%#\\'\"\x00-\x1f]+")
# Control and private characters; format characters hide text or turn it round.
_UNSEEN = {"Cc", "Cf", "Co", "Cs"}


def harmless(text: str, longest: int = 300) -> str:
    """Prose without what Jinja, the CDK's references or a terminal would act on, on one line."""
    spaced = re.sub(r"[\n\t\r]", " ", text)
    seen = "".join(char for char in spaced if unicodedata.category(char) not in _UNSEEN)
    plain = _CLOSING.sub(" }", _OPENING.sub("{ ", " ".join(seen.split())))
    # Any text that begins like this is a reference to the CDK.
    plain = plain.replace("#/", "# /") if plain.startswith("#/") else plain
    return plain if len(plain) <= longest else plain[: longest - 1].rstrip() + "…"


def is_plain(name: str) -> bool:
    """Whether a name can stand in a template, a field path or a URL and be nothing but a name."""
    return bool(_PLAIN.fullmatch(name)) and not name.startswith("$") and len(name) <= 200


def quoted(name: str) -> str:
    """A plain name as a Jinja literal."""
    if not is_plain(name):
        raise ValueError(f"{name!r} is not plain")
    return f"'{name}'"


def dump(tree: Any) -> str:
    """Block YAML, keys in the order given."""
    return yaml.dump(
        tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110, default_flow_style=False
    )


def sealed(body: str, about: str) -> str:
    """`body` under a line by which an edit is noticed."""
    rule = "Edit it, and it is yours: it is not overwritten."
    return f"# smelt connect wrote this: {_seal(body)} ({about}). {rule}\n{body}"


def is_untouched(text: str) -> bool:
    """Whether a file is as `sealed` made it."""
    match = _SEAL.match(text)
    return match is not None and match["seal"] == _seal(text[match.end() :])


def _seal(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()[:16]


_Base: type = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Dumper(_Base):
    """Short lists of plain values on one line, as a person writes them; nothing is an alias."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _list(dumper: Any, value: list[Any]) -> Any:
    is_short = (
        all(isinstance(item, (str, int)) for item in value) and sum(len(str(item)) + 2 for item in value) < 80
    )
    return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=is_short)


_Dumper.add_representer(list, _list)
_Dumper.add_representer(tuple, lambda dumper, value: _list(dumper, list(value)))
