"""Changes of YAML files: the expected value comes out, and every other line stays as it was."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml.nodes import MappingNode, SequenceNode

from plugins.core.editing.yaml_editor import YamlEditor
from plugins.core.editing.yaml_places import child, items

_TEXT = st.text(st.characters(exclude_categories=("Cs", "Cn")), min_size=1, max_size=12)
_NAMES = st.one_of(
    st.sampled_from(["no", "on", "1:30", "a b", "it's", 'say "x"', "{{ x }}", "# y", "null", "~", "é\u2028"]),
    _TEXT,
)


def _written(name: str, style: str) -> str:
    from plugins.core.editing.yaml_scalars import in_style

    return in_style(name, {"plain": None, "single": "'", "double": '"'}[style], in_flow=True)


@st.composite
def _documents(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A list of columns in block or flow style, with comments, odd indentation and blank lines; and its names."""
    names = draw(st.lists(_NAMES, min_size=1, max_size=6, unique=True))
    pad, gap = " " * draw(st.integers(0, 5)), " " * draw(st.integers(1, 4))
    is_spaced = draw(st.booleans())
    out = ["# top", "columns:"]
    for name in names:
        shape = draw(st.sampled_from(["block", "flow", "scalar_more"]))
        written = _written(name, draw(st.sampled_from(["plain", "single", "double"])))
        comment = draw(st.sampled_from(["", "  # why", "   #x"]))
        if draw(st.booleans()):
            out.append(f"{pad}# before")
        if shape == "flow":
            out.append(f"{pad}-{gap}{{name: {written}, tests: [a, b]}}{comment}")
        elif shape == "block":
            out += [f"{pad}-{gap}name: {written}{comment}", f"{pad} {gap}tests: [a, b]{comment}"]
        else:
            out += [
                f"{pad}-{gap}name: {written}{comment}",
                f"{pad} {gap}tests:",
                f"{pad} {gap}  - a",
                f"{pad} {gap}  - b",
            ]
        if is_spaced:
            out.append("")
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    return newline.join([*out, "last: 1  # end", ""]), names


def _columns(editor: YamlEditor) -> list[Any]:
    return items(child(editor.root, "columns"))


@settings(max_examples=50, deadline=None)
@given(_documents(), _NAMES, st.data())
def test_a_changed_name_leaves_all_other_lines(document: tuple[str, list[str]], new: str, data: st.DataObject):
    text, names = document
    place = data.draw(st.integers(0, len(names) - 1))
    editor = YamlEditor(text)
    node = child(_columns(editor)[place], "name")
    assert node is not None
    assert editor.set_text(node, new)
    after = editor.result()
    expected = yaml.safe_load(text)
    expected["columns"][place]["name"] = new
    assert yaml.safe_load(after) == expected
    line = editor.line(node) - 1
    before_lines, after_lines = text.split("\n"), after.split("\n")
    assert len(before_lines) == len(after_lines)
    assert [one for n, one in enumerate(before_lines) if n != line] == [
        one for n, one in enumerate(after_lines) if n != line
    ]


@settings(max_examples=50, deadline=None)
@given(_documents(), st.data())
def test_removed_and_inserted_entries_leave_the_others(document: tuple[str, list[str]], data: st.DataObject):
    text, names = document
    gone = data.draw(st.sets(st.integers(0, len(names) - 1)))
    added = data.draw(st.lists(st.tuples(st.integers(0, len(names) - 1), _NAMES), max_size=3))
    editor = YamlEditor(text)
    columns = _columns(editor)
    for place in gone:
        assert editor.remove(columns[place])
    sequence = child(editor.root, "columns")
    assert isinstance(sequence, SequenceNode)
    for place, name in added:
        assert editor.insert(sequence, {"name": name, "tests": ["c"]}, columns[place])
    after = editor.result()
    document_before = yaml.safe_load(text)
    wanted = []
    for n, one in enumerate(document_before["columns"]):
        wanted += [one] if n not in gone else []
        wanted += [{"name": name, "tests": ["c"]} for place, name in added if place == n]
    expected = {"columns": wanted, "last": 1} if wanted else {"last": 1}
    assert yaml.safe_load(after) == expected
    # Comments before entries stay, unless the list as a whole goes.
    own = [line for line in text.split("\n") if line.strip().startswith("#") and (wanted or "top" in line)]
    assert all(line in after.split("\n") for line in own)


@settings(max_examples=50, deadline=None)
@given(st.lists(_NAMES, min_size=1, max_size=6, unique=True), st.data())
def test_lists_and_mappings_in_brackets(names: list[str], data: st.DataObject):
    written = [_written(name, data.draw(st.sampled_from(["plain", "single", "double"]))) for name in names]
    text = (
        f"a: [{' ,  '.join(written)} ]  # list\nb: {{ {', '.join(f'{w}: {n}' for n, w in enumerate(written))} }}\n"
    )
    gone = data.draw(st.sets(st.integers(0, len(names) - 1), max_size=len(names) - 1))
    editor = YamlEditor(text)
    a, b = child(editor.root, "a"), child(editor.root, "b")
    assert isinstance(a, SequenceNode)
    assert isinstance(b, MappingNode)
    for place in gone:
        assert editor.remove(a.value[place])
        assert editor.remove(b.value[place][0])
    assert editor.insert(a, "new", a.value[0])
    assert editor.add_key(b, "a key", [1, "x"])
    after = yaml.safe_load(editor.result())
    left = [name for n, name in enumerate(names) if n not in gone]
    assert after["a"] == (["new", *left] if 0 in gone else [left[0], "new", *left[1:]])
    assert after["b"] == {**{name: n for n, name in enumerate(names) if n not in gone}, "a key": [1, "x"]}


@pytest.mark.parametrize("source", [
    "select: a > 1 and b < 2  # c\n",
    "select: 'a > 1 and b = ''x'''\n",
    'select: "a > 1 and\\tb = \\"x\\""\n',
    "select: >\n  b = 2\n  and a > 1\n# end\n",
    "select: |-\n    b = 2\n      and a > 1\n",
    "select: b = 2\n  and a > 1\n",
    "x: {select: a > 1 and b < 2}\n",
])  # fmt: skip
@pytest.mark.parametrize("new", ["price", '"odd name"', "it's", "a: b", "x #y", "{z"])
def test_part_of_a_value_is_replaced_in_its_quotes(source: str, new: str):
    editor = YamlEditor(source)
    node = child(child(editor.root, "x") or editor.root, "select")
    assert node is not None
    at = node.value.index("a >")
    if not editor.set_parts(node, [(at, at + 1, new)]):
        assert not node.style, "only a plain value of several lines may be left"
        assert editor.result() == source
        return
    after = yaml.safe_load(editor.result())
    value = after.get("x", after)["select"]
    assert value == yaml.safe_load(source).get("x", yaml.safe_load(source))["select"].replace("a >", f"{new} >")


def test_what_is_said_in_several_places_is_not_touched():
    text = "a: &x {name: b}\nc: *x\nd: &y 1\n"
    editor = YamlEditor(text)
    assert not editor.set_text(child(child(editor.root, "a"), "name"), "z")  # type: ignore[arg-type]
    assert editor.set_text(child(editor.root, "d"), "z")  # type: ignore[arg-type]
    assert editor.result() == "a: &x {name: b}\nc: *x\nd: &y z\n"
    text = "- 1\n"
    with pytest.raises(Exception, match="no sections"):
        YamlEditor(text)


def test_entries_around_aliases_and_nothing():
    text = "a:\n  - &x q\n  - *x\n  -\n  - z: *x\n  - w:\nb: 1\n"
    editor = YamlEditor(text)
    listed = child(editor.root, "a")
    assert isinstance(listed, SequenceNode)
    assert editor.insert(listed, {"new": 1}, listed.value[4])
    assert editor.remove(listed.value[3])
    assert editor.insert(listed, "v", listed.value[2])
    assert editor.result() == "a:\n  - &x q\n  - *x\n  -\n  - v\n  - w:\n  - new: 1\nb: 1\n"
