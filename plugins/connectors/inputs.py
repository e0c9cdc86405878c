"""What only the user can give, in the order in which it is asked for."""

from __future__ import annotations

from plugins.connectors.manifest.authentication import inputs_of
from plugins.connectors.manifest.requester import input_name
from plugins.connectors.manifest.streams import EARLIEST
from plugins.connectors.streams import Inference, Input


def collect_inputs(inference: Inference) -> tuple[Input, ...]:
    """Base URL or its parts, credentials, parameters that nothing gives, and from when on to read."""
    server = inference.server.value
    found: list[Input] = []
    if not server.url:
        found.append(Input("base_url", "Base URL", "Where the API is, such as https://api.example.com/v1."))
    for variable in server.variables:
        about = variable.description or f"Its place in {server.url}."
        found.append(Input(variable.name, variable.name, about, is_required=True))
    found += inputs_of(inference.auth.value)
    asked: dict[str, Input] = {}
    for stream in inference.streams:
        for parameter in stream.given.value.asked:
            name = input_name(stream, parameter.name)
            choices = tuple(str(one) for one in parameter.shape.enum)
            about = parameter.prose or f"Needed by {stream.name}."
            asked.setdefault(name, Input(name, parameter.name, about, choices=choices))
    found += [one for name, one in asked.items() if name not in {known.name for known in found}]
    if any(stream.cursor.value is not None for stream in inference.streams):
        about = f"Incremental streams begin here (YYYY-MM-DD); without it at {EARLIEST}."
        found.append(Input("start_date", "Start date", about, is_required=False))
    return tuple(found)
