"""What was inferred goes in, an Airbyte declarative manifest comes out: as a tree, and as text with a seal."""
