"""A place in, the profile of all its streams out, with what a database declares added to what its values say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from plugins.core.discovery import ForeignKey, Key, SourceProfile, StreamProfile, discover_source
from plugins.discovery.reading import Place, Reference, Stream

# Of bigger streams a check of every row takes minutes.
_MOST_VERIFIED = 20_000_000
_DECLARED = 0.99


def discover_place(place: Place) -> SourceProfile:
    """What is known of a place's streams; the place must still be open."""
    samples = {stream.name: stream.sample for stream in place.streams}
    whole = {
        stream.name: stream.all_rows
        for stream in place.streams
        if stream.all_rows is not None and (stream.rows or 0) <= _MOST_VERIFIED
    }
    found = discover_source(samples, whole)
    by_name = {stream.name: stream for stream in place.streams}
    streams = tuple(_told(stream, by_name[stream.name]) for stream in found.streams)
    return SourceProfile(streams, _with_declared(found.foreign_keys, place.references, streams))


def _told(profile: StreamProfile, stream: Stream) -> StreamProfile:
    """A profile with the stream's own notes and declared key."""
    notes = [*stream.notes, *profile.notes]
    rows = profile.rows if stream.rows is None else stream.rows
    if not rows:
        notes.append("it has no rows: only names are known" + (", and types" if profile.columns else ""))
    if rows > _MOST_VERIFIED and stream.all_rows is not None:
        notes.append(f"{rows:,} rows are too many to verify keys on all: they are keys of the sample")
    elif rows > profile.sampled and stream.all_rows is None:
        notes.append(f"keys are keys of the sample of {profile.sampled:,} rows")
    return replace(
        profile, rows=rows, notes=tuple(dict.fromkeys(notes)), keys=_with_key(profile.keys, stream.declared_key)
    )


def _with_key(keys: Sequence[Key], declared: tuple[str, ...]) -> tuple[Key, ...]:
    if not declared:
        return tuple(keys)
    same = next((key for key in keys if set(key.columns) == set(declared)), None)
    evidence = "declared as the primary key" + (f"; {same.evidence}" if same else "")
    others = (replace(key, is_primary=False) for key in keys if key is not same)
    return (Key(declared, _DECLARED, evidence, is_primary=True), *others)


def _with_declared(
    found: Sequence[ForeignKey], declared: Sequence[Reference], streams: Sequence[StreamProfile]
) -> tuple[ForeignKey, ...]:
    """What is declared stands for what was found of the same columns."""
    names = {stream.name for stream in streams}
    # SQLite's names of tables are the same in any case.
    alike = {name.casefold(): name for name in names}
    kept = []
    for one in declared:
        stream, to = alike.get(one.stream.casefold()), alike.get(one.to_stream.casefold())
        if stream and to:
            same = next((f for f in found if (f.stream, f.columns) == (stream, one.columns)), None)
            agrees = same and same.to_stream == to
            evidence = "declared as a foreign key" + (f"; {same.evidence}" if same and agrees else "")
            kept.append(ForeignKey(stream, one.columns, to, one.to_columns, _DECLARED, evidence))
    taken = {(one.stream, one.columns) for one in kept}
    return (*kept, *(one for one in found if (one.stream, one.columns) not in taken))
