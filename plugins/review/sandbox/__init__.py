"""The sandbox: two commits go in, two databases built from the same inputs come out; nothing else is touched."""
