"""Gets source data into bronze, exactly once."""
