"""`smelt watch`: sources followed without end, their rows in the published catalog within seconds. A face.

One process follows sources and keeps the catalog current, children of it build; a supervisor starts it again
should it die.
"""
