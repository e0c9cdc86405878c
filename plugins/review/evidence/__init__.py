"""One kind of evidence a file; each looks at a `Comparison` and yields `Finding`s."""
