"""From streams and entities to a mapping: which entity, which columns, by which expression; pure."""
