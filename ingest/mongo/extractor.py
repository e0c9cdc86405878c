"""Reads collections that are pulled, and says of those that are captured how far behind bronze is."""

from __future__ import annotations

from ingest.extract.base import Pull, PullRequest
from ingest.mongo.extra import require_extra
from ingest.retry import Transient
from ingest.spec import SourceSpec
from plugins.core.errors import SmeltError
from plugins.core.settings import Settings


class MongoExtractor:
    """Collections that are read in full, or by a cursor; changes are read by `ingest.mongo.feed`."""

    def pull(self, request: PullRequest) -> Pull:
        """Begin a pull. Raises SmeltError, or Transient if it may pass."""
        require_extra()
        from ingest.mongo.client import Deployment
        from ingest.mongo.pulling import CollectionPull

        return CollectionPull(Deployment(request.settings, request.source.connection)).pull(request)

    def check(self, settings: Settings, source: SourceSpec) -> str:
        """What was reached, and whether changes can be read on; raises SmeltError."""
        require_extra()
        from ingest.mongo.health import check

        try:
            return check(settings, source)
        except Transient as error:
            raise SmeltError(str(error), "start the server, or correct the connection") from error
