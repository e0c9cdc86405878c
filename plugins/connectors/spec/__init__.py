"""Safe reading of what others wrote: a path or URL goes in, an `Api` of GET operations comes out, with its
defects."""
