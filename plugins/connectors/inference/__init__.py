"""One question per file: an `Api` and what is known so far go in, an `Inferred` value comes out."""
