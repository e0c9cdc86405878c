"""Which tests there are depends on what is there to read: documents that may not be copied into the repository."""

from __future__ import annotations

import os

# Not collected, so that nothing counts as tested which wasn't.
collect_ignore = (
    []
    if os.environ.get("SMELT_OPENAPI_SPECS")
    else ["test_reads_of_labelled_specs.py", "mock/test_mock_labelled_specs.py"]
)
