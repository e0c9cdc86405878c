"""`smelt.toml` and `SMELT_*` environment variables in; typed settings out.

Secrets are written as references (`env:NAME`, `file:PATH`) and resolved at the last moment, by `resolve`.
"""

from plugins.core.settings.connections import ConnectionSettings, KafkaSettings
from plugins.core.settings.lake import StorageSettings
from plugins.core.settings.model import Settings, load_settings
from plugins.core.settings.secrets import mask, remember, resolve

__all__ = [
    "ConnectionSettings",
    "KafkaSettings",
    "Settings",
    "StorageSettings",
    "load_settings",
    "mask",
    "remember",
    "resolve",
]
