"""Plain values and rules: synchronous, no clock, no randomness, no I/O."""
