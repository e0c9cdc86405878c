"""`smelt onboard`: a spec, a database or a folder goes in; a loaded source and a pull request come out.

A face: each step is a command of its own (`smelt discover`, `connect`, `ingest`, `map`), called here in order.
"""
