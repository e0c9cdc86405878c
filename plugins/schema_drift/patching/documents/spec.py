"""Smelt's own documents."""

from __future__ import annotations


def stream_of(plan, node):
    return None
