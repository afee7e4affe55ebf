"""A run from its first step to its last: prepared, stepped, watched, written down and resumed."""
