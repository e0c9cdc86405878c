"""The captured schema of the tests of change data capture serves here too."""

from tests.ingest.cdc.conftest import shop

__all__ = ["shop"]
