"""How a bucket is reached that is onboarded: what was given on the command line, else what is known already."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

from plugins.core.errors import SmeltError
from plugins.core.settings import Settings, StorageSettings
from plugins.discovery import bucket_at


def storage_of(settings: Settings, url: str, values: Mapping[str, str]) -> StorageSettings:
    """Settings for `connections.….storage`; keys among `values` must be references.

    What isn't given comes from a connection of smelt.toml to the bucket, or from `AWS_*`. Raises SmeltError.
    """
    known = bucket_at(settings, url).storage.model_dump(exclude_defaults=True)
    try:
        return StorageSettings.model_validate({**known, **values})
    except ValidationError as error:
        told = "; ".join(
            f"--set {item['loc'][0]}: {item['msg'].removeprefix('Value error, ')}" for item in error.errors()
        )
        names = ", ".join(StorageSettings.model_fields)
        raise SmeltError(told, f"of a bucket, --set takes {names}; keys as env:NAME or file:PATH") from error
