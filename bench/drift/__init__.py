"""Schema drift, measured: what is seen, how it is understood, and whether the patches hold."""
