"""What everything stands on; imports neither plugins nor ingest."""
