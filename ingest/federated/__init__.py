"""Streams that are read in place: a source's schema goes in; what a build needs to read it there comes out.

Nothing is copied. The bronze table has the columns, and a property that says how the view over the source is made
(`plugins.core.lake.in_place`); the first load under another sync mode takes the property away.
"""
