"""The words of a question."""
