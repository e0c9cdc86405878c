"""Sees the sources of a Smelt project: bronze, which keeps all times, and the ledger, which knows schemas."""
