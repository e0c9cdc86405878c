"""Keeps the pipeline going while a proposal waits: what is held back, stale, released and replayed."""
