"""Sees source tables: a project and a time go in; `SeenTable`s, in one connection, come out."""
