"""Webhooks: signed HTTP requests go in; a spool that survives a crash, and then committed bronze rows, come out.

A request is answered with 2xx only when it is on disk in the spool. From there whole segments are moved into
bronze, each message once, by `smelt webhooks serve` itself, `smelt ingest` (`feed.drain`) or `smelt watch`
(`feed.open_feed`).
"""
