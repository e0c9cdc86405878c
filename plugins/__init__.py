"""Smelt's plugins: one folder per capability, all standing on `plugins.core`."""
