"""Source mapping: figures on public benchmarks, beside published matchers in the same run."""
