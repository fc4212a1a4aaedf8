"""The numbered steps of the schema; an applied file never changes."""
