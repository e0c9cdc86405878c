"""What a column means: recognisers, each of a few kinds of values, and the choice between what they say."""

from plugins.core.discovery.semantics.deciding import Meaning, mean

__all__ = ["Meaning", "mean"]
