"""Proves a patch: both sides are built on the same rows, and the pull request tells the story."""
