"""`make bench`: how fast, each figure beside a peer or a limit measured in the same run."""
