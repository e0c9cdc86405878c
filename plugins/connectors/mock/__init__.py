"""A mock of an API: a specification and labels that a person wrote go in, a HTTP server on loopback comes out.

It asks for credentials, pages, filters by the time of change, serves children per parent and fails now and then,
all as the labels say; nothing comes from what Smelt infers, as this is what inferences are proven on. Use `serve`
in a `with` block; `Labels` and `read_labels` are the truth that inferences are measured against.
"""

from plugins.connectors.mock.api import Faults, Held
from plugins.connectors.mock.command import run_mock
from plugins.connectors.mock.labels import Labels, read_all_labels, read_labels
from plugins.connectors.mock.server import Mock, serve

__all__ = ["Faults", "Held", "Labels", "Mock", "read_all_labels", "read_labels", "run_mock", "serve"]
