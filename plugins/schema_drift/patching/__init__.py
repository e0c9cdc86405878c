"""Edits the project: a `Drift` and the files of a commit go in; a `Patch` comes out."""
