"""Where each partition is read from; offsets that are lost are told, never skipped in silence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from ingest.kafka.positions import Progress
from ingest.kafka.topics import Topic
from ingest.load import Job
from plugins.core.errors import SmeltError

# Offsets by partition at `earliest`, `latest` or a time.
OffsetsAt = Callable[[str], Mapping[int, int]]


def starts(job: Job, progress: Progress, topic: Topic, start: str, at: OffsetsAt) -> dict[int, int]:
    """The next offset of each partition of `topic`: where the table is, or where a new stream begins.

    A partition that was added to a topic that is read is read from its beginning. Raises SmeltError if messages
    that the table hasn't are gone.
    """
    stored = progress.offsets
    require_continued(job.name, progress, topic)
    fresh = [partition for partition in topic.first if partition not in stored]
    begin = topic.first if stored else at(start)
    return {**stored, **{partition: begin[partition] for partition in fresh}}


def require_continued(stream: str, progress: Progress, topic: Topic) -> None:
    """Raise SmeltError if `topic` isn't the one that was read, or messages that the table hasn't are gone."""
    if progress.offsets and progress.topic_id and topic.id and progress.topic_id != topic.id:
        raise SmeltError(
            f"{stream}: topic {topic.name} was deleted and made anew: its offsets begin again, and what wasn't "
            "read of the old one is gone",
            f"`smelt ingest {stream} --reset {stream}` keeps what is there, and reads the new one from its start",
        )
    require_held(stream, progress.offsets, topic)


def require_held(stream: str, stored: Mapping[int, int], topic: Topic) -> None:
    """Raise SmeltError if the topic no longer has what comes next in `stored`."""
    lost = {p: (stored[p], first) for p, first in topic.first.items() if p in stored and stored[p] < first}
    if lost:
        told = ", ".join(f"{a}–{b - 1} of partition {p}" for p, (a, b) in sorted(lost.items()))
        count = sum(b - a for a, b in lost.values())
        offsets = ", ".join(f'"{p}": {b}' for p, (_, b) in sorted(lost.items()))
        raise SmeltError(
            f"{stream}: topic {topic.name} no longer has offsets {told}: {count:,} were deleted before they were "
            "read (retention)",
            f"get them elsewhere if they matter; to go on after the gap: smelt ingest {stream} "
            f"--from '{{\"offsets\": {{{offsets}}}}}'",
        )
    ahead = {p: (stored[p], end) for p, end in topic.end.items() if p in stored and stored[p] > end}
    if ahead:
        told = ", ".join(
            f"partition {p} ends at {b}, and was read up to {a}" for p, (a, b) in sorted(ahead.items())
        )
        raise SmeltError(
            f"{stream}: topic {topic.name} is shorter than what was read of it ({told}): it was made anew, or its "
            "brokers lost messages",
            f"`smelt ingest {stream} --reset {stream}` reads it again from its start; what is there isn't doubled",
        )


def replayed(job: Job, override: Mapping[str, Any], topic: Topic, at: OffsetsAt) -> dict[int, int]:
    """The offset of each partition that `--reset` or `--from` names; raises SmeltError for what it can't mean.

    {} everything that is there; {"timestamp": "…"}; {"offsets": {"0": 17}}: these partitions alone.
    """
    if not override:
        return dict(topic.first)
    if set(override) == {"timestamp"}:
        moment = str(override["timestamp"])
        try:
            datetime.fromisoformat(moment)
        except ValueError:
            raise SmeltError(f"{job.name}: {moment!r} is no time", "write it as 2026-01-01T00:00:00Z") from None
        return dict(at(moment))
    offsets = override.get("offsets")
    if set(override) != {"offsets"} or not isinstance(offsets, dict) or not offsets:
        raise SmeltError(
            f"{job.name}: a topic is read from a time or from offsets",
            """write --from '{"timestamp": "2026-01-01T00:00:00Z"}' or --from '{"offsets": {"0": 17}}'""",
        )
    wanted: dict[int, int] = {}
    for partition, offset in offsets.items():
        if not str(partition).isdigit() or not isinstance(offset, int) or int(partition) not in topic.first:
            raise SmeltError(
                f"{job.name}: topic {topic.name} has no partition {partition!r} with an offset {offset!r}",
                f"its partitions are 0 to {max(topic.first)}",
            )
        wanted[int(partition)] = offset
    require_held(job.name, wanted, topic)
    return wanted
