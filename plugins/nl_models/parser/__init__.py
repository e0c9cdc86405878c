"""Reads a question into a plan."""
