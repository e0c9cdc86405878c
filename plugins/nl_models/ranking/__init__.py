"""Other readings of a question, and how likely each is right."""
