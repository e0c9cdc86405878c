"""What the name of a column says of the stream that it refers to."""

from __future__ import annotations

from plugins.core.discovery.names import id_subject, is_code_name, is_id_name, is_of, singular, snake

# Names of columns that any stream has; two of the same name refer to nothing by that.
_ANYBODYS = frozenset({"id", "key", "uuid", "guid", "code", "name", "number", "no", "value", "type"})
# Rows of a stream that others of the same stream stand under or behind.
_SELF = frozenset(
    {"parent", "reports_to", "manager", "supervisor", "boss", "superior", "reply_to", "in_reply_to",
     "replies_to", "predecessor", "previous", "prior", "successor", "next", "referred_by", "original",
     "replaced_by", "superseded_by", "root", "ancestor", "parent_category"}
)  # fmt: skip
# What people are to a row, and streams of people.
_ROLES = frozenset(
    {"leader", "manager", "rep", "representative", "agent", "owner", "supervisor", "author", "creator",
     "assignee", "reporter", "seller", "salesman", "driver", "head", "approver", "reviewer", "support",
     "sales", "created", "updated", "modified", "approved", "assigned", "buyer", "operator", "contact",
     "coach", "trainer", "teacher", "instructor", "doctor", "physician"}
)  # fmt: skip
_PEOPLE = frozenset(
    {"employee", "staff", "user", "person", "people", "member", "worker", "agent", "account", "contact",
     "personnel", "profile"}
)  # fmt: skip
_STEM = 4


def called_like(column: str, own_stream: str, key: str, stream: str) -> tuple[float, str]:
    """How well a column's name speaks of a key of a stream, 0..1, and that in words.

    own_stream: the one that the column is in; it may be the same.
    """
    ours, theirs = snake(column), snake(key)
    subject = id_subject(ours)
    is_key = theirs in _ANYBODYS or is_of(id_subject(theirs), stream)
    if (is_key and subject and is_of(subject, stream)) or (
        ours == theirs and is_id_name(ours) and ours not in _ANYBODYS
    ):
        # Of its own stream the column would be the key itself.
        return (1.0, f"; `{column}` is called like it") if own_stream != stream else (0.0, "")
    if ours == theirs and ours not in _ANYBODYS and is_code_name(ours):
        return 0.75, "; they are called the same"
    # The rows' own identifier refers to no others by half a name.
    if not is_key or (is_id_name(ours) and is_of(subject, own_stream) and own_stream != stream):
        return 0.0, ""
    words = [word for word in subject.split("_") if word]
    if own_stream == stream and (subject in _SELF or (words and words[0] == "parent")):
        return 0.9, f"; `{column}` tells of another row of the same"
    if any(is_of("_".join(words[start:]), stream) for start in range(1, len(words))):
        return 0.9, f"; `{column}` ends like it"
    if set(words) & _ROLES and singular(snake(stream).split("_")[-1]) in _PEOPLE:
        return 0.75, f"; `{column}` tells of a person"
    if any(len(word) >= _STEM and snake(stream).split("_")[-1].startswith(word) for word in words[:1]):
        return 0.6, f"; `{column}` begins like it"
    return 0.0, ""


def refers_by_name(column: str) -> bool:
    """Whether a column is called like what refers to a row, of whatever stream: `order_id`, `parent`, `manager`.

    `rating` and `store` are not: they may be what they say, or refer to a row that has it.
    """
    name = snake(column)
    words = name.split("_")
    return is_id_name(name) or name in _SELF or words[0] == "parent" or bool(set(words) & _ROLES)


def is_about_another(column: str, stream: str, streams: frozenset[str]) -> bool:
    """Whether a column is called like the identifier of another stream, and not like that of its own."""
    subject = singular(id_subject(column))
    if not subject or not is_id_name(column):
        return False
    whole = [one for one in streams if one != stream and _words(one) == subject]
    if is_of(subject, stream):
        # `territory_id` of `employee_territories` is of `territories`, if there are any.
        return bool(whole) and _words(stream) != subject
    return bool(whole) or any(is_of(subject, one) for one in streams if one != stream)


def _words(stream: str) -> str:
    return "_".join(map(singular, snake(stream).split("_")))
