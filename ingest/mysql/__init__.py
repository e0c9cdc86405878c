"""Tables of MySQL and MariaDB, and every change of them from the server's binlog, exactly once into bronze.

Streams of one source of `kind: mysql` go in; committed bronze batches come out: change events, whose place in the
log is committed with them, or rows of a pull.
"""

from ingest.mysql.capture import capture

__all__ = ["capture"]
