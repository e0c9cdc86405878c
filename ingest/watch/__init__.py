"""Following sources as they change: micro-batches into bronze, one after the other, until somebody stops it."""
