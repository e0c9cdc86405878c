"""Surgical edits: a text and what stands elsewhere go in; the text with every other character kept comes out."""
