from .inputs import PairInputs, WrittenInput, write_inputs
from .manifest import source_manifest
from .opening import open_pair
from .pair import FirstSeen, Pair
from .snapshot import Snapshot, take_snapshot

__all__ = [
    "FirstSeen",
    "Pair",
    "PairInputs",
    "Snapshot",
    "WrittenInput",
    "open_pair",
    "source_manifest",
    "take_snapshot",
    "write_inputs",
]
