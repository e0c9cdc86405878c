"""SVG as a tree, so that no text of the data can become markup.

Drawn here rather than by a plotting library: two kinds of plot are a few hundred lines, need no JavaScript
to be seen, and take their colours from the page; libraries that draw SVG in Python take 10 MB and more.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect
from itertools import accumulate
from xml.etree import ElementTree

Element = ElementTree.Element

# Widths of letters in a wide font: a page can't know which one its reader has.
_NARROW, _LOWER, _UPPER, _WIDE = 0.38, 0.61, 0.72, 1.0
# What XML, and most fonts, have no sign for.
_UNSEEN = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 65534, 65535), "�")


def element(parent: Element | None, tag: str, text: str | None = None, **attributes: str | float) -> Element:
    """A new element; `class_` is the class, `_` in a name a hyphen. Numbers are rounded to a tenth of a pixel."""
    named = {key.rstrip("_").replace("_", "-"): _written(value) for key, value in attributes.items()}
    made = Element(tag, named) if parent is None else ElementTree.SubElement(parent, tag, named)
    made.text = text.translate(_UNSEEN) if text is not None else None
    return made


def drawing(width: float, height: float, title: str, description: str, key: str, variant: str) -> Element:
    """An empty drawing with its name and what it shows. key: distinguishes it in the page. variant: its class."""
    names = f"{key}-{variant}-title", f"{key}-{variant}-desc"
    root = element(
        None,
        "svg",
        viewBox=f"0 0 {width:g} {height:g}",
        class_=f"plot {variant}",
        role="img",
        aria_labelledby=" ".join(names),
    )
    element(root, "title", title, id=names[0])
    element(root, "desc", description, id=names[1])
    return root


def markup(root: Element) -> str:
    """The drawing as text to put into HTML."""
    return ElementTree.tostring(root, encoding="unicode", short_empty_elements=False)


def shortened(text: str, width: float, size: float) -> str:
    """Text that fits into so many pixels, at this size of its font."""
    line = " ".join(text.split())
    ends = list(accumulate(map(_letter_width, line)))
    if not ends or ends[-1] * size <= width:
        return line
    return line[: max(bisect(ends, width / size - _WIDE), 1)].rstrip() + "…"


def text_width(text: str, size: float) -> float:
    """About how wide a text is."""
    return sum(map(_letter_width, text)) * size


def _letter_width(letter: str) -> float:
    if letter in "ilIjtfr.,:;|'!()[]/ -":
        return _NARROW
    if letter in "mwMW@%" or unicodedata.east_asian_width(letter) in "WF":
        return _WIDE
    return _UPPER if letter.isupper() else _LOWER


def _written(value: str | float) -> str:
    return value.translate(_UNSEEN) if isinstance(value, str) else f"{round(value, 1):g}"
