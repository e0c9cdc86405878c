"""Heavy libraries are imported when a stream needs them, in its worker thread.

dlt and the Airbyte CDK import in circles, which fails or deadlocks when two threads begin at once.
"""

from __future__ import annotations

import threading

ONE_IMPORT = threading.RLock()
